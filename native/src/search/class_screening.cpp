#include "search/class_screening.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace blindspot {
namespace {

// Where the boundary that was found lies so many times nearer than the gradient at the image said, or further, the gradients there
// tell nothing of the other classes' distances either.
constexpr double kRankingError = 2.0;
constexpr int kProbeSteps = 4;         // tries to make a probe so long in spite of the walls,
constexpr double kProbeLength = 0.95;  // as a share of the best distance

using Candidate = ClassScreening::Candidate;

// A linearisation that puts the boundary outside the box (units are saturated there) says that it does not hold so far out, not
// that there is no boundary: such classes come after the others, by margin over slope.
bool nearer(const Candidate& a, const Candidate& b) {
  if (a.distance < HUGE_VAL || b.distance < HUGE_VAL) return a.distance < b.distance;
  return a.margin * b.slope < b.margin * a.slope;
}

// Stable, and without the allocation of std::stable_sort.
template <typename Before>
void insertion_sort(Candidate* candidates, int count, Before before) {
  for (int j = 1; j < count; ++j) {
    const Candidate moving = candidates[j];
    int at = j;
    for (; at > 0 && before(moving, candidates[at - 1]); --at) candidates[at] = candidates[at - 1];
    candidates[at] = moving;
  }
}

}  // namespace

int ClassScreening::most(const SearchOptions& options) {
  return std::min(schedule_of(options.effort, Goal{}).screened, options.classes - 1);
}

void ClassScreening::begin(const SearchOptions& options, const float* x) {
  options_ = &options;
  x_ = x;
  count_ = ordered_ = screened_ = 0;
  forget_probes();
}

void ClassScreening::add_target(const Candidate& target, const float* gradient) {
  candidates_[0] = target;
  count_ = 1;
  std::memcpy(gradient_[target.slot], gradient, options_->n * sizeof(float));
}

void ClassScreening::order_by_logits(const float* logits, int label) {
  const int wanted = most(*options_);
  for (int j = 0; j < options_->classes; ++j) {
    if (j == label) continue;
    int at = count_;
    while (at > 0 && logits[candidates_[at - 1].one_hot] < logits[j]) --at;
    if (at >= wanted) continue;
    if (count_ < wanted) ++count_;
    for (int k = count_ - 1; k > at; --k) candidates_[k] = candidates_[k - 1];
    candidates_[at].one_hot = j;
    candidates_[at].end = HUGE_VAL;
    candidates_[at].margin = static_cast<double>(logits[label]) - static_cast<double>(logits[j]);
  }
  ordered_ = count_;
}

// Could the boundary to this class be nearer than the nearest seen? Its distance is its margin over the slope of the
// margin, which is not known before its gradient is; the slopes of the other classes are.
bool ClassScreening::may_be_nearest(const Candidate& candidate, const Schedule& schedule) const {
  double nearest = HUGE_VAL;
  double slope = 0.0;
  for (int j = 0; j < screened_; ++j) {
    nearest = std::fmin(nearest, candidates_[j].distance);
    slope = std::fmax(slope, candidates_[j].margin / candidates_[j].distance);
  }
  return !(candidate.margin > schedule.steepest * slope * nearest);
}

int ClassScreening::next_question(const Schedule& schedule) {
  if (screened_ == std::min(ordered_, schedule.screened) || !may_be_nearest(candidates_[screened_], schedule))
    return -1;
  Candidate& candidate = candidates_[screened_++];
  candidate.distance = HUGE_VAL;  // until it is answered
  candidate.slope = 0.0;
  return candidate.one_hot;
}

void ClassScreening::absorb(double margin, double slope, const float* gradient) {
  const int slot = screened_ - 1;
  Candidate& candidate = candidates_[slot];
  candidate.margin = margin;
  candidate.slot = slot;
  candidate.slope = slope;
  std::memcpy(gradient_[slot], gradient, options_->n * sizeof(float));
  candidate.distance = first_order(margin, slope, gradient);
}

void ClassScreening::forget_probes() {
  probed_ = next_probe_start_ = 0;
  probes_ranked_ = false;
}

void ClassScreening::rank(int count) {
  insertion_sort(candidates_, screened_, nearer);
  count_ = std::min(count, screened_);
}

double ClassScreening::first_order(double margin, double slope, const float* gradient) const {
  return first_order_distance(*options_->metric, x_, margin, slope, gradient, options_->box, options_->n, scratch_);
}

bool ClassScreening::failed(int found_class, double distance) const {
  if (probed_ > 0) return true;
  for (int j = 0; j < screened_; ++j) {
    if (candidates_[j].one_hot != found_class) continue;
    const double error = distance / candidates_[j].distance;
    return !(error < kRankingError && error > 1.0 / kRankingError);
  }
  return true;
}

int ClassScreening::next_probe(int found_class, double distance, float* point) {
  while (probed_ < screened_ && !(candidates_[probed_].slope > 0.0 && candidates_[probed_].one_hot != found_class)) {
    candidates_[probed_++].probed = HUGE_VAL;
  }
  if (probed_ == screened_) return -1;
  Candidate& candidate = candidates_[probed_++];
  candidate.probed = candidate.distance;  // until it is answered
  probe(candidate, distance, point);
  return candidate.one_hot;
}

// point := the image, moved down the gradient of that class until it is so far away or all pixels are at the box.
void ClassScreening::probe(const Candidate& candidate, double distance, float* point) const {
  const float* const down = gradient(candidate);
  const auto move = [&](double step) {
    for (std::size_t i = 0; i < options_->n; ++i) {
      const double wanted = static_cast<double>(x_[i]) - step * static_cast<double>(down[i]);
      const double low = options_->box.lower;
      const double high = options_->box.upper;
      point[i] = static_cast<float>(std::fmin(high, std::fmax(low, wanted)));
    }
    return options_->metric->length(x_, point, options_->n);
  };
  // Walls only shorten the way: the step is lengthened a few times by what is missing.
  double step = distance / candidate.slope;
  for (int j = 0; j < kProbeSteps; ++j) {
    const double length = move(step);
    if (!(length > 0.0) || length > kProbeLength * distance) break;
    step *= distance / length;
  }
}

void ClassScreening::absorb_probe(double margin, double slope, const float* gradient, const float* point) {
  double at_image = margin;  // of the linearisation
  for (std::size_t i = 0; i < options_->n; ++i) {
    at_image -= static_cast<double>(gradient[i]) * (static_cast<double>(point[i]) - static_cast<double>(x_[i]));
  }
  candidates_[probed_ - 1].probed = first_order(at_image, slope, gradient);
}

int ClassScreening::next_probe_start(double distance, float* point) {
  if (!probes_ranked_) {
    probes_ranked_ = true;
    insertion_sort(candidates_, screened_, [](const Candidate& a, const Candidate& b) { return a.probed < b.probed; });
  }
  if (next_probe_start_ == screened_ || !(candidates_[next_probe_start_].probed < HUGE_VAL)) return -1;
  const Candidate& candidate = candidates_[next_probe_start_++];
  probe(candidate, distance, point);
  return candidate.one_hot;
}

}  // namespace blindspot
