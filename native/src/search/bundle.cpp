#include "search/bundle.hpp"

#include <cmath>
#include <utility>

#include "linalg/search_ops.hpp"

namespace blindspot {
namespace {

// All of |a| |f|, the scale of s at the iterate.
constexpr double kDisproof = 0.02;    // by which a cut may lie above s at the iterate
constexpr double kExclusion = 1e-6;   // by which a cut may lie above 0 at the best point
constexpr double kRecurrence = 1e-4;  // by which a cut may miss s at a point and still be the same linear piece

}  // namespace

void Bundle::begin(const float* x, std::size_t n) {
  x_ = x;
  n_ = n;
  count_ = 1;
  newest_ = 0;
  predicted_ = recurring_ = false;
}

bool Bundle::recurs(int slot, const Iterate& at) const {
  return std::fabs(at_iterate_[slot] - at.margin) <= kRecurrence * at.slope * at.distance;
}

// What the cuts say of the iterate and of the best point. continued: what the older ones said of the best point one step
// ago is known.
void Bundle::predict(const Iterate& at, bool continued) {
  const float* rows[kMaxPlanes];
  for (int j = 0; j < count_; ++j) rows[j] = row_[j];
  double along[kMaxPlanes];
  search_ops().dots_from(rows, static_cast<std::size_t>(count_), x_, at.y, n_, along);
  for (int j = 0; j < count_; ++j) {
    at_iterate_[j] = value_[j] + along[j];
    if (at.best_moved) at_best_[j] = at_iterate_[j];
    if (recurs(j, at)) recurring_ = true;
  }
  if (at.best_moved || at.best == nullptr) return;
  const int first = continued ? newest_ : 0;
  const int count = continued ? 1 : count_;
  search_ops().dots_from(rows + first, static_cast<std::size_t>(count), x_, at.best, n_, along);
  for (int j = 0; j < count; ++j) at_best_[first + j] = value_[first + j] + along[j];
}

// Which cut the next one replaces: the oldest of those that recur (s is still on the same linear piece), so that
// the pieces that meet at a corner are kept while the iterates go to and fro between them; else the oldest of all.
void Bundle::make_room(const Iterate& at) {
  if (count_ < kMaxPlanes) return;
  const int oldest = (newest_ + 1) % kMaxPlanes;
  for (int j = 0; j < kMaxPlanes; ++j) {
    const int slot = (oldest + j) % kMaxPlanes;
    if (!recurs(slot, at)) continue;
    float* const freed = row_[slot];
    for (int to = slot; to != oldest;) {
      const int from = (to - 1 + kMaxPlanes) % kMaxPlanes;
      row_[to] = row_[from];
      value_[to] = value_[from];
      multiplier_[to] = multiplier_[from];
      at_iterate_[to] = at_iterate_[from];
      at_best_[to] = at_best_[from];
      to = from;
    }
    row_[oldest] = freed;
    return;
  }
}

void Bundle::add(double value, bool kinked, const Iterate& at) {
  const bool continued = predicted_;
  predicted_ = kinked;
  if (predicted_) {
    predict(at, continued);
    make_room(at);
  }
  newest_ = (newest_ + 1) % kMaxPlanes;
  if (count_ < kMaxPlanes) ++count_;
  std::swap(row_[newest_], spare_);
  value_[newest_] = value;
  multiplier_[newest_] = 0.0;
}

CutModel Bundle::model(bool all, const Iterate& at) const {
  CutModel out;
  for (int j = predicted_ && all ? count_ - 1 : 0; j >= 0; --j) {
    const int kept = slot(j);
    const bool disproved = j > 0 && (at_iterate_[kept] > at.margin + kDisproof * at.slope * at.distance ||
                                     (at.best != nullptr && at_best_[kept] > kExclusion * at.slope * at.distance));
    if (disproved) continue;
    out.slots[out.count] = kept;
    out.rows[out.count] = row_[kept];
    out.values[out.count++] = value_[kept];
  }
  return out;
}

// Returns their sum.
double Bundle::set_multipliers(const CutModel& model, const double* multipliers) {
  double sum = 0.0;
  for (double& each : multiplier_) each = 0.0;
  for (int j = 0; j < model.count; ++j) sum += multiplier_[model.slots[j]] = multipliers[j];
  return sum;
}

}  // namespace blindspot
