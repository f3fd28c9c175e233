// Spectral projected gradient: min f(x) subject to l <= x <= u.
//
//   d = P(x - lambda g) - x,   lambda = s^T s / s^T y, the inverse of a Rayleigh quotient of the Hessian,
//   accept alpha when f(x + alpha d) <= max of the last 10 f + 1e-4 alpha g^T d,
//   else shrink alpha by the parabola through f, its slope and the trial, kept within [0.1, 0.9] alpha.
//
// Source: E. G. Birgin, J. M. Martínez, M. Raydan, Nonmonotone spectral projected gradient methods on
// convex sets, SIAM J. Optim. 10 (2000), algorithm SPG2. gamma = 1e-4, M = 10, lambda in [1e-30, 1e30].
#pragma once

#include <cstddef>

#include "blindspot/blindspot.h"
#include "linalg/vector_ops.hpp"
#include "memory/arena.hpp"
#include "optim/minimizer_progress.hpp"

namespace blindspot {

template <typename T>
class SpectralProjectedGradient : public MinimizerProgress {
 public:
  static std::size_t bytes(const Options& options);
  bool create(const Options& options, Arena& arena);

  T* x() { return x_; }
  T* gradient() { return g_; }
  T* lower() { return lower_; }
  T* upper() { return upper_; }

  // As Lbfgsb::start.
  bs_status start();
  bs_minimizer_status tell(double f);

 private:
  static constexpr int kWindow = 10;

  template <typename Source>
  void carve(Source& source);

  bs_minimizer_status end(bs_minimizer_status status);
  bs_minimizer_status first_point(double f);
  bs_minimizer_status trial_point(double f);
  bs_minimizer_status accept(double f);
  bs_minimizer_status iterate();
  void scan();
  void remember_best(const T* x, const T* g, double f);
  double window_max() const;

  const VectorOps<T>* ops_ = nullptr;

  T* x_ = nullptr;  // the point to evaluate
  T* g_ = nullptr;  // its gradient
  T* lower_ = nullptr;
  T* upper_ = nullptr;
  T* base_x_ = nullptr;  // the iterate
  T* base_g_ = nullptr;
  T* direction_ = nullptr;
  T* target_ = nullptr;
  T* free_ = nullptr;
  T* spare_ = nullptr;
  T* best_x_ = nullptr;  // the lowest point left behind
  T* best_g_ = nullptr;

  bool boxed_ = false;
  double window_[kWindow] = {};
  double lambda_ = 0;  // 0: to be set from the projected gradient
  double alpha_ = 0;
  double slope_ = 0;
  int flat_steps_ = 0;  // accepted in a row, cut back and without a change of f
  int trials_ = 0;      // evaluations of this line search
};

extern template class SpectralProjectedGradient<float>;
extern template class SpectralProjectedGradient<double>;

}  // namespace blindspot
