#include "search/lane.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace blindspot {
namespace {

// The logits of an image that spread over 2 to 10,000 are taken as they are, others as if they did over about 16.
constexpr double kSpread = 16.0;
constexpr double kLeastSpread = 2.0;
constexpr double kMostSpread = 1e4;
// Without a confidence asked for: logits spread over kSpread have this one, but none more than so much of the image's own
// margin, which would move an image that is almost wrong already, nor less than what float32 and batches of other sizes tell.
constexpr double kConfidence = 1e-4;
constexpr double kShareOfMargin = 0.01;
constexpr double kResolution = 1e-6;  // of the largest logit
constexpr double kConverged = 0.05;   // KKT residual of what may be called so

}  // namespace

void Lane::open(const SearchOptions& options, double id, Goal goal) {
  options_ = &options;
  goal_ = goal;
  id_ = id;
  status_ = BS_LANE_RUNNING;
  busy_ = true;
  clean_margin_ = 0.0;
  clean_class_ = -1;
  clean_slope_ = NAN;
  has_given_point_ = false;
  forget_best();
  evaluations_ = starts_ = 0;
  delivering_ = false;
  unit_ = 0.0;
  confidence_ = options.confidence;
  std::memcpy(point_, x_, options.n * sizeof(float));
}

void Lane::may_start_from(const float* start) {
  std::memcpy(given_point_, start, options_->n * sizeof(float));
  has_given_point_ = true;
}

// What is delivered is the image again.
void Lane::forget_best() {
  best_distance_ = HUGE_VAL;
  best_smoothed_ = false;
  best_residual_ = -1.0;
  best_margin_ = clean_margin_;
  best_class_ = clean_class_;
}

void Lane::ask_goal(double temperature) {
  question_ = {goal_.targeted() ? goal_.target : goal_.label, goal_.targeted() ? 1.0 : -1.0, temperature};
}

void Lane::normalise(float* logits, float* gradient) {
  const int classes = options_->classes;
  if (unit_ == 0.0) {
    unit_ = 1.0;
    if (!finite_logits(logits, classes)) return;
    const auto [least, most] = std::minmax_element(logits, logits + classes);
    const double spread = static_cast<double>(*most) - static_cast<double>(*least);
    const double size = std::fmax(std::fabs(*least), std::fabs(*most));
    if (spread > kResolution * size && !(spread >= kLeastSpread && spread <= kMostSpread)) {
      unit_ = std::exp2(std::round(std::log2(spread / kSpread)));
    }
    if (options_->confidence > 0.0) {
      confidence_ = options_->confidence / unit_;
    } else {
      const int k = goal_.targeted() ? goal_.target : goal_.label;
      const double margin = hard_margin(logits, classes, k, goal_.targeted() ? 1.0 : -1.0);
      const double wanted = std::fmin(kConfidence * unit_, kShareOfMargin * std::fmax(0.0, margin));
      confidence_ = std::fmax(wanted, kResolution * size) / unit_;
    }
  }
  if (unit_ == 1.0) return;
  const double factor = 1.0 / unit_;
  for (int j = 0; j < classes; ++j) logits[j] = static_cast<float>(factor * logits[j]);
  for (std::size_t i = 0; i < options_->n; ++i) gradient[i] = static_cast<float>(factor * gradient[i]);
}

// What is called converged is a minimum, as far as its gradient tells.
void Lane::close(bs_lane_status status) {
  const bool claimed = status == BS_LANE_CONVERGED && options_->quantization == 0 && !best_smoothed_;
  status_ = claimed && stalled() ? BS_LANE_STALLED : status;
}

void Lane::deliver(bs_lane_status status, double temperature) {
  if (!succeeded()) return close(BS_LANE_FAILED);
  if (options_->quantization == 0) return close(status);
  ask_goal(temperature);
  lattice_.begin(x_, best_, best_margin_, best_gradient_, *options_, confidence_, point_);
  forget_best();
  delivering_ = true;
}

void Lane::go_on_delivering(bool finite, const float* logits, const float* gradient) {
  const double margin = finite ? smoothed_margin(logits, options_->classes, question_) : 0.0;
  if (finite && lattice_.refine(x_, margin, gradient, adversarial_, point_)) return;
  close(!succeeded() ? BS_LANE_FAILED : BS_LANE_CONVERGED);
}

bool Lane::judge(const float* logits, const float* gradient) {
  const SearchOptions& options = *options_;
  const Metric& metric = *options.metric;
  ++evaluations_;
  adversarial_ = false;
  slope_ = metric.dual_length(gradient, options.n);
  if (!finite_logits(logits, options.classes)) return false;
  const bool finite = slope_ < HUGE_VAL;
  const int predicted = largest_class(logits, options.classes);
  const int k = goal_.targeted() ? goal_.target : goal_.label;
  margin_ = hard_margin(logits, options.classes, k, goal_.targeted() ? 1.0 : -1.0);
  const bool at_image = clean_class_ < 0;
  if (at_image) {
    clean_class_ = best_class_ = predicted;
    clean_margin_ = best_margin_ = margin_;
    clean_slope_ = slope_ * unit();
  }
  adversarial_ = margin_ < (at_image ? 0.0 : -confidence_);
  if (!adversarial_) return finite;
  const double distance = metric.length(x_, point_, options.n);
  if (distance < best_distance_) {
    best_distance_ = distance;
    best_residual_ = -1.0;
    best_margin_ = margin_;
    best_class_ = predicted;
    best_smoothed_ = question_.smoothing > 0.0;
    std::memcpy(best_, point_, options.n * sizeof(float));
    if (finite) {
      std::memcpy(best_gradient_, gradient, options.n * sizeof(float));
    } else {
      std::memset(best_gradient_, 0, options.n * sizeof(float));
    }
  }
  return finite;
}

double Lane::residual() const {
  if (best_residual_ >= 0.0) return best_residual_;
  return options_->metric->kkt_residual(x_, best_, best_gradient_, options_->box, options_->n);
}

bool Lane::stalled() const { return residual() > kConverged; }

void Lane::result(bs_search_result& out) const {
  out.id = id_;
  out.status = static_cast<double>(status_);
  out.distance = succeeded() ? best_distance_ : NAN;
  out.margin = unit() * best_margin_;
  out.prediction = best_class_;
  out.clean_prediction = clean_class_;
  out.evaluations = evaluations_;
  if (!succeeded() || best_smoothed_) {
    out.kkt_residual = NAN;
  } else {
    out.kkt_residual = residual();
  }
  out.starts = starts_;
  out.slope = clean_slope_;
}

}  // namespace blindspot
