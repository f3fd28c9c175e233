// What minimisers in a box have in common but for their vectors: options, where the run stands, and how it ended.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "blindspot/blindspot.h"

namespace blindspot {

class MinimizerProgress {
 public:
  struct Options {
    std::size_t n = 0;             // variables, >= 1
    std::size_t memory = 10;       // correction pairs kept, 1..kMaxMemory; SPG keeps none
    double pg_tolerance = 1e-5;    // end when max |P(x - g) - x| <= pg_tolerance
    double f_tolerance = 2.22e-9;  // end when f changes by no more than this times max(|f_k|, |f_k+1|, 1)
    int max_iterations = 15000;
    int max_evaluations = 15000;
  };

  bs_minimizer_status status() const { return status_; }
  bool waiting() const { return phase_ != Phase::kIdle; }  // is there something to tell?
  double f() const { return f_; }
  double pg_norm() const { return pg_norm_; }
  int iterations() const { return iterations_; }
  int evaluations() const { return evaluations_; }

  void set_max_iterations(int count) { options_.max_iterations = count; }
  void set_max_evaluations(int count) { options_.max_evaluations = count; }
  void set_tolerances(double pg_tolerance, double f_tolerance) {
    options_.pg_tolerance = pg_tolerance;
    options_.f_tolerance = f_tolerance;
  }

 protected:
  enum class Phase { kIdle, kStart, kSearch };

  // The first point is to be evaluated.
  void begin() {
    best_saved_ = false;
    f_ = std::numeric_limits<double>::infinity();
    pg_norm_ = std::numeric_limits<double>::infinity();
    iterations_ = 0;
    evaluations_ = 0;
    phase_ = Phase::kStart;
    status_ = BS_MINIMIZER_EVALUATE;
  }

  bs_minimizer_status finish(bs_minimizer_status status) {
    phase_ = Phase::kIdle;
    status_ = status;
    return status;
  }

  // A lower point than x was left behind, and x is not stationary.
  bool ends_at_best(bs_minimizer_status status) const {
    return best_saved_ && best_f_ < f_ && status != BS_MINIMIZER_CONVERGED_PG;
  }

  // A change of f from one to the other that counts as none.
  double tolerated(double from, double to) const {
    return options_.f_tolerance * std::max({std::fabs(from), std::fabs(to), 1.0});
  }

  Options options_;
  Phase phase_ = Phase::kIdle;
  bs_minimizer_status status_ = BS_MINIMIZER_EVALUATE;
  bool best_saved_ = false;
  double f_ = 0;  // at the iterate; at x after the end
  double best_f_ = 0;
  double pg_norm_ = 0;
  int iterations_ = 0;
  int evaluations_ = 0;
};

}  // namespace blindspot
