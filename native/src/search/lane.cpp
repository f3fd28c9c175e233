#include "search/lane.hpp"

#include <cstring>

#include "linalg/vector_ops.hpp"
#include "search/kkt_residual.hpp"

namespace blindspot {

void Lane::open(const SearchOptions& options, double id, Goal goal) {
  options_ = &options;
  goal_ = goal;
  id_ = id;
  status_ = BS_LANE_RUNNING;
  busy_ = true;
  clean_margin_ = 0.0;
  clean_class_ = -1;
  forget_best();
  evaluations_ = starts_ = 0;
  std::memcpy(point_, x_, options.n * sizeof(float));
}

// What is delivered is the image again.
void Lane::forget_best() {
  best_l2_ = HUGE_VAL;
  best_smoothed_ = false;
  best_residual_ = -1.0;
  best_margin_ = clean_margin_;
  best_class_ = clean_class_;
}

void Lane::ask_goal(double temperature) {
  question_ = {goal_.targeted() ? goal_.target : goal_.label, goal_.targeted() ? 1.0 : -1.0, temperature};
}

bool Lane::judge(const float* logits, const float* gradient) {
  const SearchOptions& options = *options_;
  const VectorOps<float>& ops = vector_ops<float>();
  ++evaluations_;
  adversarial_ = false;
  slope_ = std::sqrt(ops.dot(gradient, gradient, options.n));  // squares of floats are finite in double
  if (!finite_logits(logits, options.classes) || !(slope_ < HUGE_VAL)) return false;
  const int predicted = largest_class(logits, options.classes);
  const int k = goal_.targeted() ? goal_.target : goal_.label;
  margin_ = hard_margin(logits, options.classes, k, goal_.targeted() ? 1.0 : -1.0);
  if (evaluations_ == 1) {
    clean_class_ = best_class_ = predicted;
    clean_margin_ = best_margin_ = margin_;
  }
  adversarial_ = margin_ < (evaluations_ == 1 ? 0.0 : -options.confidence);
  if (!adversarial_) return true;
  const double l2 = std::sqrt(ops.squared_distance(point_, x_, options.n));
  if (l2 < best_l2_) {
    best_l2_ = l2;
    best_residual_ = -1.0;
    best_margin_ = margin_;
    best_class_ = predicted;
    best_smoothed_ = question_.smoothing > 0.0;
    std::memcpy(best_, point_, options.n * sizeof(float));
    std::memcpy(best_gradient_, gradient, options.n * sizeof(float));
  }
  return true;
}

double Lane::residual() const {
  if (best_residual_ >= 0.0) return best_residual_;
  return kkt_residual(x_, best_, best_gradient_, options_->box, options_->n);
}

void Lane::result(bs_search_result& out) const {
  out.id = id_;
  out.status = static_cast<double>(status_);
  out.l2 = succeeded() ? best_l2_ : NAN;
  out.margin = best_margin_;
  out.prediction = best_class_;
  out.clean_prediction = clean_class_;
  out.evaluations = evaluations_;
  if (!succeeded() || best_smoothed_) {
    out.kkt_residual = NAN;
  } else {
    out.kkt_residual = residual();
  }
  out.starts = starts_;
}

}  // namespace blindspot
