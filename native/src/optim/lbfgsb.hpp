// L-BFGS-B as a step machine: min f(x) subject to l <= x <= u.
//
// Each iteration k, at x with gradient g and B = theta I - W M W^T (history.hpp):
//   1. the generalised Cauchy point fixes the variables that the projected steepest descent path takes
//      to a bound (cauchy_point.hpp);
//   2. the model is minimised over the others, and the minimiser projected on the box (subspace_min.hpp);
//   3. a Moré-Thuente search along d = z - x asks for points until f and its slope are good enough
//      (line_search.hpp);
//   4. the pair (s, y) enters the history when its curvature is positive.
//
// float keeps points, gradients and pairs in float, and every scalar (dots, the m by m matrices, step
// lengths) in double.
//
// Sources
//   [1] R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, A limited memory algorithm for bound constrained
//       optimization, SIAM J. Sci. Comput. 16 (1995).
//   [2] J. L. Morales, J. Nocedal, Remark on Algorithm 778, ACM Trans. Math. Softw. 38 (2011).
#pragma once

#include <cstddef>

#include "blindspot/blindspot.h"
#include "linalg/vector_ops.hpp"
#include "memory/arena.hpp"
#include "optim/cauchy_point.hpp"
#include "optim/history.hpp"
#include "optim/line_search.hpp"
#include "optim/minimizer_progress.hpp"
#include "optim/subspace_min.hpp"

namespace blindspot {

template <typename T>
class Lbfgsb : public MinimizerProgress {
 public:
  static std::size_t bytes(const Options& options);

  // Takes its memory from the arena; false when that is too small. Bounds start as -inf and +inf.
  bool create(const Options& options, Arena& arena);

  // n elements each, at the same place from create on.
  T* x() { return x_; }
  T* gradient() { return g_; }
  T* lower() { return lower_; }
  T* upper() { return upper_; }

  // Begins at x, projected on the bounds: BS_OK, BS_ERROR_BOUNDS or BS_ERROR_START. May be called again
  // at any time.
  bs_status start();

  // Takes f at x, and the gradient from gradient(). Afterwards x is the next point to evaluate, or, when
  // the answer is not BS_MINIMIZER_EVALUATE, the end: the stationary point, or the lowest point found,
  // and gradient its gradient.
  bs_minimizer_status tell(double f);

 private:
  template <typename Source>
  void carve(Source& source);

  bs_minimizer_status first_point(double f);
  bs_minimizer_status trial_point(double f);
  bs_minimizer_status accept(double f);
  bs_minimizer_status iterate();
  void scan();
  void update_history();
  void absorb_pair();
  bs_minimizer_status search_from_base();
  bool find_direction(StepScan& step);
  void hold_crossed(StepScan& step);
  void place_trial();
  bs_minimizer_status fail_search(double f);
  bs_minimizer_status end_search(bs_minimizer_status status, double f);
  bs_minimizer_status end_scanned(bs_minimizer_status status);
  bs_minimizer_status end(bs_minimizer_status status);
  void restore_base();
  void measure_pg_norm();

  const VectorOps<T>* ops_ = nullptr;
  History<T> history_;
  CauchyPoint<T> cauchy_;
  SubspaceMin<T> subspace_;
  MoreThuente search_;

  T* x_ = nullptr;  // the point to evaluate
  T* g_ = nullptr;  // its gradient
  T* lower_ = nullptr;
  T* upper_ = nullptr;
  T* base_x_ = nullptr;  // the iterate that the line search starts from
  T* base_g_ = nullptr;
  T* steepest_ = nullptr;   // -g at the iterate where free, else 0
  T* free_ = nullptr;       // 1 where free at the iterate, else 0
  T* was_free_ = nullptr;   // the same at the iterate before
  T* direction_ = nullptr;  // z - x
  T* target_ = nullptr;     // z
  T* free_y_ = nullptr;     // y of the newest pair where free, else 0
  T* best_x_ = nullptr;     // a trial lower than the iterate that the line search went on from
  T* best_g_ = nullptr;

  bool bounded_ = false;  // some bound is finite
  bool boxed_ = false;    // every bound is finite
  bool all_free_ = false;
  bool free_changed_ = false;  // free_ differs from was_free_
  bool pair_is_new_ = false;   // the history is still to take the pair of the last step
  bool limit_known_ = false;   // the search's longest step is set
  PairScan new_pair_ = {};
  double along_steepest_[2 * kMaxMemory] = {};  // the history's rows times steepest_
  double squared_gradient_ = 0;                 // of steepest_
  double was_squared_gradient_ = 0;             // of the steepest descent before
  int trials_ = 0;                              // evaluations of this line search
};

extern template class Lbfgsb<float>;
extern template class Lbfgsb<double>;

}  // namespace blindspot
