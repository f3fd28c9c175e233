// The box l <= x <= u. A bound may be infinite; l_i = u_i fixes x_i.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "blindspot/blindspot.h"

namespace blindspot {

struct BoxKind {
  bool bounded;  // some bound is finite
  bool boxed;    // every bound is finite
};

// BS_ERROR_BOUNDS when l_i > u_i or a bound is NaN, BS_ERROR_START when x_i is not finite, else BS_OK with
// x projected on the box. A lower bound of +inf or an upper one of -inf leaves no finite x: BS_ERROR_BOUNDS.
template <typename T>
bs_status enter_box(const T* l, const T* u, T* x, std::size_t n, BoxKind& kind) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  bool good_bounds = true;
  bool good_start = true;
  bool some_finite = false;
  bool all_finite = true;
  for (std::size_t i = 0; i < n; ++i) {
    good_bounds &= (l[i] <= u[i]) & (l[i] < inf) & (u[i] > -inf);
    good_start &= std::fabs(x[i]) < inf;
    const bool lower = l[i] > -inf;
    const bool upper = u[i] < inf;
    some_finite |= lower | upper;
    all_finite &= lower & upper;
  }
  if (!good_bounds) return BS_ERROR_BOUNDS;
  if (!good_start) return BS_ERROR_START;
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] < l[i] ? l[i] : x[i] > u[i] ? u[i] : x[i];
  kind = {some_finite, all_finite};
  return BS_OK;
}

template <typename T>
void open_box(T* l, T* u, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    l[i] = -std::numeric_limits<T>::infinity();
    u[i] = std::numeric_limits<T>::infinity();
  }
}

}  // namespace blindspot
