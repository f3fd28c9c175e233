#include "search/schedule.hpp"

namespace blindspot {
namespace {

constexpr Schedule kFast = {.budget = 44,
                            .screened = 7,
                            .steepest = 2.0,
                            .starts = 4,
                            .steps = 36,
                            .slice = 14,
                            .trial = 3,
                            .lead = 0.02,
                            .early_lead = 0.6,
                            .smoothing = 0.3,
                            .smoothing_decay = 0.8,
                            .trust_bound = 0.12,
                            .trust_bound_decay = 0.75};
constexpr Schedule kFastTargeted = {.budget = 50,
                                    .steps = 50,
                                    .slice = 33,
                                    .trial = 3,
                                    .lead = 0.02,
                                    .early_lead = 0.6,
                                    .smoothing = 0.3,
                                    .smoothing_decay = 0.92,
                                    .perturbed = 28,
                                    .perturbation_decay = 0.85,
                                    .trust_bound = 0.12,
                                    .trust_bound_decay = 0.75};
constexpr Schedule kThorough = {.budget = 400,
                                .screened = 9,
                                .steepest = 2.2,
                                .starts = 9,
                                .steps = 60,
                                .rough_slice = 16,
                                .trial = 8,
                                .lead = 0.1,
                                .early_lead = 0.5,
                                .smoothing = 0.4,
                                .smoothing_decay = 0.85,
                                .restarts = 5,
                                .trust_bound = 0.05,
                                .trust_bound_decay = 0.9};
constexpr Schedule kThoroughTargeted = {.budget = 300,
                                        .steps = 80,
                                        .trial = 8,
                                        .lead = 0.1,
                                        .early_lead = 0.5,
                                        .smoothing = 0.4,
                                        .smoothing_decay = 0.95,
                                        .restarts = 8,
                                        .perturbed = 60,
                                        .perturbation_decay = 0.95,
                                        .trust_bound = 0.05,
                                        .trust_bound_decay = 0.9};
constexpr int kExhaustive = 3000;  // evaluations of that effort

}  // namespace

const Schedule& schedule_of(bs_effort effort, Goal goal) {
  if (effort != BS_EFFORT_FAST) return goal.targeted() ? kThoroughTargeted : kThorough;
  return goal.targeted() ? kFastTargeted : kFast;
}

int own_budget(bs_effort effort, Goal goal) {
  return effort == BS_EFFORT_EXHAUSTIVE ? kExhaustive : schedule_of(effort, goal).budget;
}

}  // namespace blindspot
