// The generalised Cauchy point: the first local minimiser of the quadratic model
//
//   q(x') = g^T (x' - x) + 1/2 (x' - x)^T B (x' - x)
//
// along the projected steepest descent path P(x + t d), d = -g where free and 0 elsewhere. Variable i
// meets its bound at the breakpoint t_i = (bound_i - x_i) / d_i; between breakpoints q is a parabola in t, and
// its slope q' and curvature q'' are carried across each in O(m^2).
//
// Only breakpoints up to the minimiser of the present parabola are ever looked at: usually there is
// none, which one pass without a division shows. Else those few are put in a heap.
//
// Symbols: c = W^T (x_C - x) is held as q + t p, with p = W^T d over the variables still moving and
// q = sum over the variables at their bounds ("crossed") of w_i (bound_i - x_i).
//
// Source: Byrd, Lu, Nocedal, Zhu 1995, algorithm CP.
#pragma once

#include <cstddef>
#include <cstdint>

#include "linalg/vector_ops.hpp"
#include "optim/history.hpp"

namespace blindspot {

template <typename T>
class CauchyPoint {
 public:
  struct Breakpoint {
    double t;
    std::uint32_t variable;
  };

  template <typename Source>
  void carve(Source& source, std::size_t n) {
    heap_ = source.template take<Breakpoint>(n);
    crossed_ = source.template take<std::uint32_t>(n);
  }

  // The point x, its direction d with squared norm dd, and the box.
  struct Path {
    const T* x;
    const T* d;
    const T* lower;
    const T* upper;
    std::size_t n;
    double dd;
  };

  // p: [2 count], W^T d, becomes that over the variables still moving. The history's middle matrix is
  // factored, and not empty.
  void find(const VectorOps<T>& ops, const History<T>& history, const Path& path, double* p);

  double t() const { return t_; }
  std::size_t crossed_count() const { return crossed_count_; }
  std::size_t crossed(std::size_t i) const { return crossed_[i]; }

  // W^T (x_C - x) over the crossed variables: [2 count].
  const double* q() const { return q_; }

  void clear() { crossed_count_ = 0; }

 private:
  std::size_t gather(const Path& path, double above, double up_to);

  Breakpoint* heap_ = nullptr;
  std::uint32_t* crossed_ = nullptr;
  std::size_t crossed_count_ = 0;
  double t_ = 0;
  double q_[2 * kMaxMemory] = {};
};

extern template class CauchyPoint<float>;
extern template class CauchyPoint<double>;

}  // namespace blindspot
