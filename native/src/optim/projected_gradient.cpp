#include "optim/projected_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "memory/aligned.hpp"
#include "optim/box.hpp"

namespace blindspot {

namespace {

constexpr double kDecrease = 1e-4;
constexpr double kLambdaLeast = 1e-30;
constexpr double kLambdaMost = 1e30;
constexpr double kShrinkMost = 0.1;
constexpr double kShrinkLeast = 0.9;
// A step cut back to less than this has hardly moved: that f is the same says nothing of a minimum. So many in a row, and the search
// along lines has failed.
constexpr double kWholeStep = 0.1;
constexpr int kMostFlatSteps = 5;
constexpr int kMaxTrials = 60;  // of one line search; the smallest step is then under 1e-18 of the first

}  // namespace

template <typename T>
template <typename Source>
void SpectralProjectedGradient<T>::carve(Source& source) {
  for (T** vector :
       {&x_, &g_, &lower_, &upper_, &base_x_, &base_g_, &direction_, &target_, &free_, &spare_, &best_x_, &best_g_}) {
    *vector = source.template take<T>(options_.n);
  }
}

template <typename T>
std::size_t SpectralProjectedGradient<T>::bytes(const Options& options) {
  SpectralProjectedGradient sized;
  sized.options_ = options;
  ArenaMeter meter;
  sized.carve(meter);
  return meter.bytes();
}

template <typename T>
bool SpectralProjectedGradient<T>::create(const Options& options, Arena& arena) {
  options_ = options;
  if (arena.available() < bytes(options)) return false;
  carve(arena);
  ops_ = &vector_ops<T>();
  open_box(lower_, upper_, options_.n);
  std::fill_n(free_, options_.n, T(1));
  return true;
}

template <typename T>
bs_status SpectralProjectedGradient<T>::start() {
  phase_ = Phase::kIdle;
  BoxKind kind;
  const bs_status entered = enter_box(lower_, upper_, x_, options_.n, kind);
  if (entered != BS_OK) return entered;
  boxed_ = kind.boxed;
  lambda_ = 0.0;
  flat_steps_ = 0;
  begin();
  return BS_OK;
}

template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::tell(double f) {
  if (phase_ == Phase::kIdle) return status_;
  ++evaluations_;
  return phase_ == Phase::kStart ? first_point(f) : trial_point(f);
}

template <typename T>
void SpectralProjectedGradient<T>::scan() {
  pg_norm_ = ops_->scan_gradient(x_, g_, lower_, upper_, free_, direction_, spare_, options_.n).pg_norm;
}

// Ends at x_; or, unless x_ is stationary, at a lower point that was left behind.
template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::end(bs_minimizer_status status) {
  if (ends_at_best(status)) {
    std::memcpy(x_, best_x_, options_.n * sizeof(T));
    std::memcpy(g_, best_g_, options_.n * sizeof(T));
    f_ = best_f_;
    scan();
  }
  return finish(status);
}

template <typename T>
void SpectralProjectedGradient<T>::remember_best(const T* x, const T* g, double f) {
  if (best_saved_ && best_f_ <= f) return;
  std::memcpy(best_x_, x, options_.n * sizeof(T));
  std::memcpy(best_g_, g, options_.n * sizeof(T));
  best_f_ = f;
  best_saved_ = true;
}

template <typename T>
double SpectralProjectedGradient<T>::window_max() const {
  return *std::max_element(window_, window_ + std::min(iterations_ + 1, kWindow));
}

template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::first_point(double f) {
  f_ = f;
  if (!std::isfinite(f) || !ops_->all_finite(g_, options_.n)) return end(BS_MINIMIZER_NOT_FINITE);
  scan();
  if (pg_norm_ <= options_.pg_tolerance) return end(BS_MINIMIZER_CONVERGED_PG);
  if (lambda_ == 0.0) lambda_ = std::clamp(1.0 / pg_norm_, kLambdaLeast, kLambdaMost);
  return iterate();
}

template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::iterate() {
  const std::size_t n = options_.n;
  if (iterations_ >= options_.max_iterations) return end(BS_MINIMIZER_MAX_ITERATIONS);
  if (evaluations_ >= options_.max_evaluations) return end(BS_MINIMIZER_MAX_EVALUATIONS);
  window_[iterations_ % kWindow] = f_;
  std::memcpy(base_x_, x_, n * sizeof(T));
  std::memcpy(base_g_, g_, n * sizeof(T));
  ops_->clipped_step(-lambda_, x_, g_, lower_, upper_, target_, n);
  ops_->subtract(target_, x_, direction_, n);
  slope_ = ops_->dot(g_, direction_, n);
  if (!(slope_ < 0.0) || !std::isfinite(slope_)) return end(BS_MINIMIZER_LINE_SEARCH);
  alpha_ = 1.0;
  trials_ = 0;
  std::memcpy(x_, target_, n * sizeof(T));
  phase_ = Phase::kSearch;
  return BS_MINIMIZER_EVALUATE;
}

template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::trial_point(double f) {
  const std::size_t n = options_.n;
  ++trials_;
  const bool finite = std::isfinite(f);
  if (finite && f <= window_max() + kDecrease * alpha_ * slope_ && ops_->all_finite(g_, n)) return accept(f);
  if (finite && f < f_ && ops_->all_finite(g_, n)) remember_best(x_, g_, f);
  const bool spent = evaluations_ >= options_.max_evaluations;
  if (spent || trials_ >= kMaxTrials) {
    std::memcpy(x_, base_x_, n * sizeof(T));
    std::memcpy(g_, base_g_, n * sizeof(T));
    return end(spent ? BS_MINIMIZER_MAX_EVALUATIONS : BS_MINIMIZER_LINE_SEARCH);
  }
  // The minimiser of the parabola with value f_ and slope slope_ at 0 and value f at alpha_.
  double next = -0.5 * alpha_ * alpha_ * slope_ / (f - f_ - alpha_ * slope_);
  if (!finite) {
    next = kShrinkMost * alpha_;
  } else if (!(next >= kShrinkMost * alpha_ && next <= kShrinkLeast * alpha_)) {
    next = 0.5 * alpha_;
  }
  alpha_ = next;
  ops_->clipped_step(alpha_, base_x_, direction_, lower_, upper_, x_, n);
  if (ops_->squared_distance(x_, base_x_, n) == 0.0) {  // too short to move anything
    std::memcpy(g_, base_g_, n * sizeof(T));
    return end(BS_MINIMIZER_LINE_SEARCH);
  }
  return BS_MINIMIZER_EVALUATE;
}

template <typename T>
bs_minimizer_status SpectralProjectedGradient<T>::accept(double f) {
  const std::size_t n = options_.n;
  const double before = f_;
  if (f > before) remember_best(base_x_, base_g_, before);
  f_ = f;
  ++iterations_;
  const PairScan pair = ops_->make_pair(x_, base_x_, g_, base_g_, free_, direction_, target_, spare_, n);
  scan();
  if (pg_norm_ <= options_.pg_tolerance) return end(BS_MINIMIZER_CONVERGED_PG);
  if (std::fabs(before - f) <= tolerated(before, f)) {
    if (alpha_ >= kWholeStep) return end(BS_MINIMIZER_CONVERGED_F);
    if (++flat_steps_ >= kMostFlatSteps) return end(BS_MINIMIZER_LINE_SEARCH);
  } else {
    flat_steps_ = 0;
  }
  if (pair.sy > 0.0) {
    lambda_ = pair.ss / pair.sy;
  } else if (boxed_) {
    lambda_ = kLambdaMost;
  } else {
    // No curvature along s: the longest step would leave every scale, so one of x's own size.
    lambda_ = std::max(1.0, std::sqrt(ops_->dot(x_, x_, n))) / pg_norm_;
  }
  lambda_ = std::clamp(lambda_, kLambdaLeast, kLambdaMost);
  return iterate();
}

template class SpectralProjectedGradient<float>;
template class SpectralProjectedGradient<double>;

}  // namespace blindspot
