#include "optim/lbfgsb.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "optim/box.hpp"

namespace blindspot {

namespace {

constexpr int kMaxTrials = 20;           // evaluations of one line search
constexpr double kLongestStep = 1e10;    // when no bound is met
constexpr double kCancellation = 1e-12;  // |y|^2 under this share of |g|^2: see absorb_pair
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

}  // namespace

template <typename T>
template <typename Source>
void Lbfgsb<T>::carve(Source& source) {
  const std::size_t n = options_.n;
  for (T** vector : {&x_, &g_, &lower_, &upper_, &base_x_, &base_g_, &steepest_, &free_, &was_free_, &direction_,
                     &target_, &free_y_, &best_x_, &best_g_}) {
    *vector = source.template take<T>(row_length<T>(n));
  }
  history_.carve(source, n, options_.memory);
  cauchy_.carve(source, n);
  subspace_.carve(source, options_.memory);
}

template <typename T>
std::size_t Lbfgsb<T>::bytes(const Options& options) {
  Lbfgsb sized;
  sized.options_ = options;
  ArenaMeter meter;
  sized.carve(meter);
  return meter.bytes();
}

template <typename T>
bool Lbfgsb<T>::create(const Options& options, Arena& arena) {
  options_ = options;
  if (arena.available() < bytes(options)) return false;
  carve(arena);
  ops_ = &vector_ops<T>();
  history_.prepare();
  open_box(lower_, upper_, options_.n);
  return true;
}

template <typename T>
bs_status Lbfgsb<T>::start() {
  phase_ = Phase::kIdle;
  BoxKind kind;
  const bs_status entered = enter_box(lower_, upper_, x_, options_.n, kind);
  if (entered != BS_OK) return entered;
  bounded_ = kind.bounded;
  boxed_ = kind.boxed;
  history_.clear();
  pair_is_new_ = false;
  begin();
  return BS_OK;
}

template <typename T>
bs_minimizer_status Lbfgsb<T>::tell(double f) {
  if (phase_ == Phase::kIdle) return status_;
  ++evaluations_;
  return phase_ == Phase::kStart ? first_point(f) : trial_point(f);
}

// Ends at x_; or, unless x_ is stationary, at a lower trial that no line search took.
template <typename T>
bs_minimizer_status Lbfgsb<T>::end(bs_minimizer_status status) {
  if (ends_at_best(status)) {
    std::memcpy(x_, best_x_, options_.n * sizeof(T));
    std::memcpy(g_, best_g_, options_.n * sizeof(T));
    f_ = best_f_;
    measure_pg_norm();
  }
  return finish(status);
}

// Looks at the present point: steepest descent, free set and projected gradient. was_free_ keeps the set that
// the history's products belong to.
template <typename T>
void Lbfgsb<T>::scan() {
  std::swap(free_, was_free_);
  const GradientScan found = ops_->scan_gradient(x_, g_, lower_, upper_, was_free_, steepest_, free_, options_.n);
  pg_norm_ = found.pg_norm;
  was_squared_gradient_ = squared_gradient_;
  squared_gradient_ = found.squared_norm;
  all_free_ = found.all_free;
  free_changed_ = found.changed;
}

// Ends at an iterate that has been scanned and whose free set the history has not taken over.
template <typename T>
bs_minimizer_status Lbfgsb<T>::end_scanned(bs_minimizer_status status) {
  std::swap(free_, was_free_);
  return end(status);
}

template <typename T>
bs_minimizer_status Lbfgsb<T>::first_point(double f) {
  f_ = f;
  if (!std::isfinite(f) || !ops_->all_finite(g_, options_.n)) return end(BS_MINIMIZER_NOT_FINITE);
  scan();
  if (pg_norm_ <= options_.pg_tolerance) return end_scanned(BS_MINIMIZER_CONVERGED_PG);
  return iterate();
}

// One iteration up to the first trial of its line search, from the scanned iterate x_, g_.
template <typename T>
bs_minimizer_status Lbfgsb<T>::iterate() {
  if (iterations_ >= options_.max_iterations) return end_scanned(BS_MINIMIZER_MAX_ITERATIONS);
  if (evaluations_ >= options_.max_evaluations) return end_scanned(BS_MINIMIZER_MAX_EVALUATIONS);
  const std::size_t bytes = options_.n * sizeof(T);
  std::memcpy(base_x_, x_, bytes);
  std::memcpy(base_g_, g_, bytes);
  if (!best_saved_ || best_f_ >= f_) {
    best_saved_ = false;
    best_f_ = f_;
  }
  update_history();
  return search_from_base();
}

// Takes the newest pair, and forms the products of the rows with the steepest descent.
template <typename T>
void Lbfgsb<T>::update_history() {
  const std::size_t n = options_.n;
  if (pair_is_new_) {
    absorb_pair();
    pair_is_new_ = false;
  } else if (history_.count() > 0) {
    ops_->multi_dot(history_.rows(), static_cast<std::size_t>(2 * history_.count()), steepest_, n, along_steepest_);
  }
  if (free_changed_) history_.change_free_set(was_free_, free_, n);
  if (all_free_) history_.all_are_free();
}

// The products with y over the free set F before are differences of products with gradients, which are known or
// needed anyway: row_F^T y = row_F^T g' - row_F^T g. They lose as many digits as y itself lost when it was formed. Only
// when y is tiny beside the gradients is a pass of its own made. Without bounds nothing asks for products with s.
template <typename T>
void Lbfgsb<T>::absorb_pair() {
  const std::size_t n = options_.n;
  double before[2 * kMaxMemory];
  const int had = history_.count();
  const int first = had == history_.memory() ? 1 : 0;
  const int kept = had - first;
  std::copy_n(along_steepest_ + first, kept, before);
  std::copy_n(along_steepest_ + had + first, kept, before + kept);

  history_.append(new_pair_.sy, new_pair_.yy);
  const int count = history_.count();
  const std::size_t rows = 2 * static_cast<std::size_t>(count);
  const T* vectors[3] = {steepest_, history_.rows()[rows - 1], free_y_};
  double products[3 * 2 * kMaxMemory];
  double with_s[2 * kMaxMemory] = {};
  double with_y[2 * kMaxMemory];

  if (new_pair_.free_yy <= kCancellation * (squared_gradient_ + was_squared_gradient_)) {
    ops_->triple_dot(history_.rows(), rows, vectors, n, products);
    for (std::size_t j = 0; j < rows; ++j) {
      along_steepest_[j] = products[3 * j];
      with_s[j] = products[3 * j + 1];
      with_y[j] = products[3 * j + 2];
    }
    history_.absorb(with_s, with_y);
    return;
  }

  if (bounded_) {
    ops_->double_dot(history_.rows(), rows, vectors, n, products);
    for (std::size_t j = 0; j < rows; ++j) {
      along_steepest_[j] = products[2 * j];
      with_s[j] = products[2 * j + 1];
    }
  } else {
    ops_->multi_dot(history_.rows(), rows, steepest_, n, along_steepest_);
    with_s[count - 1] = new_pair_.sy;
  }
  for (std::size_t j = 0; j < rows; ++j) with_y[j] = -along_steepest_[j];
  if (free_changed_) history_.add_changed(was_free_, free_, g_, n, with_y);
  for (int j = 0; j < kept; ++j) {
    with_y[j] += before[j];
    with_y[count + j] += before[kept + j];
  }
  with_y[count - 1] = new_pair_.free_yy;
  with_y[2 * count - 1] = new_pair_.sy;
  history_.absorb(with_s, with_y);
}

// Starts a line search at the base; without a direction of descent it forgets the history and tries again.
template <typename T>
bs_minimizer_status Lbfgsb<T>::search_from_base() {
  StepScan step;
  while (!find_direction(step) || !(step.slope < 0.0) || !std::isfinite(step.slope)) {
    if (history_.count() == 0) return end_search(BS_MINIMIZER_LINE_SEARCH, std::numeric_limits<double>::infinity());
    history_.clear();
  }
  const bool first = iterations_ == 0 && history_.count() == 0;
  double trial = 1.0;
  double longest = kLongestStep;
  limit_known_ = !bounded_ || first;
  if (bounded_ && first) longest = 1.0;
  if (first && !boxed_) trial = std::min(1.0 / std::sqrt(step.squared_norm), longest);
  search_.start(f_, step.slope, trial, longest);
  trials_ = 0;
  place_trial();
  phase_ = Phase::kSearch;
  return BS_MINIMIZER_EVALUATE;
}

// direction_ = z - x and target_ = z for the minimiser z of the model, projected on the box.
template <typename T>
bool Lbfgsb<T>::find_direction(StepScan& step) {
  const std::size_t n = options_.n;
  const int count = history_.count();
  double coefficients[1 + 2 * kMaxMemory] = {1.0};
  cauchy_.clear();
  if (count > 0) {
    double p[2 * kMaxMemory];
    for (int j = 0; j < count; ++j) {
      p[j] = along_steepest_[j];
      p[count + j] = history_.theta() * along_steepest_[count + j];
    }
    double none[2 * kMaxMemory] = {};
    const double* q = none;
    const FreeProducts* products = &history_.free_products();
    if (bounded_) {
      if (!history_.factor_middle()) return false;
      cauchy_.find(*ops_, history_, {base_x_, steepest_, lower_, upper_, n, squared_gradient_}, p);
      q = cauchy_.q();
    }
    if (cauchy_.crossed_count() > 0) {
      FreeProducts& without = history_.copy_free_products();
      for (std::size_t i = 0; i < cauchy_.crossed_count(); ++i) history_.leave_free_set(without, cauchy_.crossed(i));
      products = &without;
    }
    if (!subspace_.solve(history_, *products, p, q, coefficients)) return false;
  }
  const std::size_t rows = 1 + 2 * static_cast<std::size_t>(count);
  ops_->combine(coefficients, history_.rows_after(steepest_), rows, direction_, n);

  for (std::size_t i = 0; i < cauchy_.crossed_count(); ++i) free_[cauchy_.crossed(i)] = T(0);
  step = ops_->project_step(base_x_, base_g_, lower_, upper_, free_, direction_, target_, n);
  hold_crossed(step);
  if (count > 0 && step.clipped && step.slope > 0.0) {
    ops_->combine(coefficients, history_.rows_after(steepest_), rows, direction_, n);
    truncate_step(base_x_, steepest_, cauchy_.t(), lower_, upper_, free_, direction_, target_, n);
    hold_crossed(step);
    step.slope = ops_->dot(base_g_, direction_, n);
    step.squared_norm = ops_->dot(direction_, direction_, n);
  }
  for (std::size_t i = 0; i < cauchy_.crossed_count(); ++i) free_[cauchy_.crossed(i)] = T(1);
  return true;
}

// The variables that the Cauchy search took to a bound go there, whatever the subspace said.
template <typename T>
void Lbfgsb<T>::hold_crossed(StepScan& step) {
  for (std::size_t i = 0; i < cauchy_.crossed_count(); ++i) {
    const std::size_t b = cauchy_.crossed(i);
    target_[b] = steepest_[b] > T(0) ? upper_[b] : lower_[b];
    direction_[b] = target_[b] - base_x_[b];
    const double d = static_cast<double>(direction_[b]);
    step.slope += static_cast<double>(base_g_[b]) * d;
    step.squared_norm += d * d;
    step.clipped = true;
  }
}

template <typename T>
void Lbfgsb<T>::place_trial() {
  if (search_.step() == 1.0) {
    std::memcpy(x_, target_, options_.n * sizeof(T));
  } else {
    ops_->clipped_step(search_.step(), base_x_, direction_, lower_, upper_, x_, options_.n);
  }
}

template <typename T>
bs_minimizer_status Lbfgsb<T>::trial_point(double f) {
  const std::size_t n = options_.n;
  ++trials_;
  const double slope = ops_->dot(g_, direction_, n);
  if (search_.accepts(f, slope)) return accept(f);
  const bool finite = std::isfinite(f) && std::isfinite(slope);
  if (!limit_known_) {
    // The target lies in the box, so the step to it is feasible whatever the rounding of direction_ says.
    const double reach = ops_->longest_step(base_x_, direction_, lower_, upper_, n);
    search_.set_longest(std::clamp(reach, 1.0, kLongestStep));
    limit_known_ = true;
  }
  switch (search_.advance(f, slope)) {
    case MoreThuente::Answer::kConverged: return accept(f);
    case MoreThuente::Answer::kStopped:
      if (finite && f <= f_) return accept(f);
      if (finite && f - f_ <= tolerated(f_, f)) {
        return end_search(BS_MINIMIZER_CONVERGED_F, f);
      }
      return fail_search(f);
    case MoreThuente::Answer::kEvaluate: break;
  }
  if (evaluations_ >= options_.max_evaluations) return end_search(BS_MINIMIZER_MAX_EVALUATIONS, f);
  if (finite && f < best_f_) {
    std::memcpy(best_x_, x_, n * sizeof(T));
    std::memcpy(best_g_, g_, n * sizeof(T));
    best_f_ = f;
    best_saved_ = true;
  }
  if (trials_ >= kMaxTrials) return fail_search(f);
  place_trial();
  return BS_MINIMIZER_EVALUATE;
}

// The search found nothing: with a history it is forgotten and the base tried again, else that is the end.
template <typename T>
bs_minimizer_status Lbfgsb<T>::fail_search(double f) {
  if (history_.count() == 0) return end_search(BS_MINIMIZER_LINE_SEARCH, f);
  if (evaluations_ >= options_.max_evaluations) return end_search(BS_MINIMIZER_MAX_EVALUATIONS, f);
  history_.clear();
  return search_from_base();
}

// Ends inside a line search at the lowest of the present trial, the trials before and the base.
template <typename T>
bs_minimizer_status Lbfgsb<T>::end_search(bs_minimizer_status status, double f) {
  if (std::isfinite(f) && f < best_f_ && ops_->all_finite(g_, options_.n)) {
    f_ = f;
    measure_pg_norm();
  } else {
    restore_base();
  }
  return end(status);
}

// The projected gradient's norm at x_, without touching what the history hangs on.
template <typename T>
void Lbfgsb<T>::measure_pg_norm() {
  pg_norm_ = ops_->scan_gradient(x_, g_, lower_, upper_, free_, direction_, target_, options_.n).pg_norm;
}

template <typename T>
void Lbfgsb<T>::restore_base() {
  std::memcpy(x_, base_x_, options_.n * sizeof(T));
  std::memcpy(g_, base_g_, options_.n * sizeof(T));
}

// The trial is the next iterate.
template <typename T>
bs_minimizer_status Lbfgsb<T>::accept(double f) {
  const double before = f_;
  f_ = f;
  ++iterations_;
  new_pair_ =
      ops_->make_pair(x_, base_x_, g_, base_g_, free_, history_.next_s(), history_.next_y(), free_y_, options_.n);
  const double least =
      static_cast<double>(std::numeric_limits<T>::epsilon()) * search_.step() * -search_.slope_at_start();
  pair_is_new_ = new_pair_.sy > least && new_pair_.sy > kEpsilon * new_pair_.yy && std::isfinite(new_pair_.yy);
  scan();
  if (pg_norm_ <= options_.pg_tolerance) return end_scanned(BS_MINIMIZER_CONVERGED_PG);
  if (before - f <= tolerated(before, f)) {
    return end_scanned(BS_MINIMIZER_CONVERGED_F);
  }
  return iterate();
}

template class Lbfgsb<float>;
template class Lbfgsb<double>;

}  // namespace blindspot
