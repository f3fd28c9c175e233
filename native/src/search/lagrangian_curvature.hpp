// The inverse Hessian of the Lagrangian 1/2 |y - x|^2 + mu s(y), approximated from the last few steps.
//
// A step gives the pair (d, c): the move d and the change c of the constraint's gradient. The Hessian maps d to
// d + mu c, so the pairs of an L-BFGS matrix with initial matrix I (the Hessian of the first term, which is exact)
// are (d, t), t = d + theta mu c, theta <= 1 by Powell's damping: d . t >= 0.2 d . d. Since mu changes from step to step, d and
// c are kept apart, and the two-loop recursion runs on their inner products: one product H v costs 2m dots, and its
// value is a combination of v, the d and the c.
//
// Sources: Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 7.4 (recursion) and (18.15) (damping).
#pragma once

#include <cstddef>

namespace blindspot {

class LagrangianCurvature {
 public:
  static constexpr int kPairs = 4;

  template <typename Source>
  void carve(Source& source, std::size_t n) {
    for (int j = 0; j < kPairs; ++j) d_[j] = source.template take<float>(n);
    for (int j = 0; j < kPairs; ++j) c_[j] = source.template take<float>(n);
  }

  void clear() { count_ = 0; }
  int count() const { return count_; }

  // Where the next pair is to be written: [n] each, over the oldest pair when all are in use. What was written is then
  // either taken by commit or dropped by discard.
  float* next_move() { return d_[slot()]; }
  float* next_change() { return c_[slot()]; }
  void commit(std::size_t n);
  void discard() {
    if (count_ == kPairs) --count_;
  }

  // Rows of the basis in which products are expressed: the moves, then the changes; 2 count() pointers.
  void rows(const float** out) const;

  // basis_dot_v: inner products of rows() with v. Writes the coefficients, over rows(), of H v - v.
  void multiply(double mu, const double* basis_dot_v, double* coefficients) const;

 private:
  int slot() const { return (newest_ + 1) % kPairs; }
  int age(int j) const { return (newest_ - (count_ - 1) + j + 2 * kPairs) % kPairs; }  // slot of the j-th oldest

  float* d_[kPairs] = {};
  float* c_[kPairs] = {};
  double dd_[kPairs][kPairs] = {};  // by slot
  double dc_[kPairs][kPairs] = {};  // d_j . c_k
  double cc_[kPairs][kPairs] = {};
  int newest_ = kPairs - 1;
  int count_ = 0;
};

}  // namespace blindspot
