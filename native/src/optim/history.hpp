// The limited-memory BFGS matrix in compact form, from the newest m pairs s = x' - x, y = g' - g:
//
//   B = theta I - W M W^T,   W = [Y  theta S],   M = [ -D        L^T      ]^-1
//                                                    [  L   theta S^T S   ]
//   D = diag(s_i^T y_i),   L_ij = s_i^T y_j for i > j, else 0,   theta = y^T y / s^T y of the newest pair.
//
// Kept besides, for the subspace problem, are products over the free variables F of the iterate and over
// the others A:
//
//   Y^T Z Z^T Y,   S^T A A^T S,   and S^T Y with i > j over A and i <= j over F,
//
// where Z selects F. A new pair costs one pass over the rows; a variable that enters or leaves F costs
// O(m^2). The newest s has support in F, so its products over A are zeros, exactly.
//
// Sources: R. H. Byrd, J. Nocedal, R. B. Schnabel, Representations of quasi-Newton matrices and their use in
// limited memory methods, Math. Programming 63 (1994), (3.5); Byrd, Lu, Nocedal, Zhu 1995, section 5.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "linalg/small_dense.hpp"
#include "memory/aligned.hpp"

namespace blindspot {

// Products over the free set; [m][m], row-major, leading dimension m.
struct FreeProducts {
  double* yy = nullptr;  // Y^T Z Z^T Y
  double* sy = nullptr;  // i > j: (S^T A A^T Y)_ij; i <= j: (S^T Z Z^T Y)_ij
  double* ss = nullptr;  // S^T A A^T S
  int mixed = 0;         // the oldest `mixed` pairs may have products over A that are not 0
};

template <typename T>
class History {
 public:
  template <typename Source>
  void carve(Source& source, std::size_t n, std::size_t memory);

  // What remains to be done when the memory is there.
  void prepare();

  void clear();

  int count() const { return count_; }
  int memory() const { return memory_; }
  double theta() const { return theta_; }

  // Where the next pair is written; it counts only when append is called.
  T* next_s() { return slots_s_[spare_]; }
  T* next_y() { return slots_y_[spare_]; }

  // Takes the pair, in place of the oldest when m are kept. sy > 0.
  void append(double sy, double yy);

  // Rows Y_0 … Y_count-1, S_0 … S_count-1, oldest first.
  const T* const* rows() const { return rows_ + 1; }

  // The same 2 count rows after one more of the caller's.
  const T* const* rows_after(const T* first) {
    rows_[0] = first;
    return rows_;
  }

  // Products of the newest pair with the rows: with_s[j] = row_j^T s, with_y[j] = row_j^T Z Z^T y.
  void absorb(const double* with_s, const double* with_y);

  // sums[j] += the sum of row_j g over the variables that left the free set, less that over those that entered.
  void add_changed(const T* was_free, const T* is_free, const T* g, std::size_t n, double* sums) const;

  // Brings the products over the free set from one set to another: 1 where free, else 0.
  void change_free_set(const T* was_free, const T* is_free, std::size_t n);
  void all_are_free();

  const FreeProducts& free_products() const { return free_; }

  // A copy of the products, from which single variables may then be taken.
  FreeProducts& copy_free_products();
  void leave_free_set(FreeProducts& products, std::size_t variable) { move(products, variable, -1.0); }

  // Factors M^-1. False when rounding has made it singular: the history is of no use any more.
  bool factor_middle();

  // out = M v; v and out: [2 count], the part of Y first. Uses the factor.
  void times_middle(const double* v, double* out) const;

  // Row `variable` of W: [2 count].
  void row_of_w(std::size_t variable, double* out) const;

  double diagonal(int i) const { return sy_[i * memory_ + i]; }

 private:
  void move(FreeProducts& products, std::size_t variable, double sign);
  void drop_oldest();

  int memory_ = 0;
  int count_ = 0;
  int spare_ = 0;
  double theta_ = 1.0;
  T* slots_s_[kMaxMemory + 1] = {};
  T* slots_y_[kMaxMemory + 1] = {};
  int order_[kMaxMemory + 1] = {};  // slot of the i-th oldest pair; from order_[count_] = spare_ on, free slots
  const T* rows_[2 * kMaxMemory + 1] = {};
  double* ss_ = nullptr;      // S^T S
  double* sy_ = nullptr;      // i >= j: s_i^T y_j
  double* middle_ = nullptr;  // factor of theta S^T S + L D^-1 L^T
  double* scaled_ = nullptr;  // L D^-1
  FreeProducts free_;
  FreeProducts copy_;
};

extern template class History<float>;
extern template class History<double>;

// Rows start an odd number of cache lines apart, so that no row length makes them all share a cache set.
template <typename T>
constexpr std::size_t row_length(std::size_t n) {
  return (round_up(n * sizeof(T), kAlignment) / kAlignment | 1) * (kAlignment / sizeof(T));
}

template <typename T>
template <typename Source>
void History<T>::carve(Source& source, std::size_t n, std::size_t memory) {
  memory_ = static_cast<int>(memory);
  for (std::size_t slot = 0; slot <= memory; ++slot) {
    slots_s_[slot] = source.template take<T>(row_length<T>(n));
    slots_y_[slot] = source.template take<T>(row_length<T>(n));
  }
  const std::size_t square = memory * memory;
  ss_ = source.template take<double>(square);
  sy_ = source.template take<double>(square);
  middle_ = source.template take<double>(square);
  scaled_ = source.template take<double>(square);
  for (FreeProducts* products : {&free_, &copy_}) {
    products->yy = source.template take<double>(square);
    products->sy = source.template take<double>(square);
    products->ss = source.template take<double>(square);
  }
}

}  // namespace blindspot
