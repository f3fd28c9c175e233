#include "optim/subspace_min.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/small_dense.hpp"

namespace blindspot {

template <typename T>
bool SubspaceMin<T>::solve(const History<T>& history, const FreeProducts& products, const double* p, const double* q,
                           double* coefficients) {
  const int count = history.count();
  const double theta = history.theta();
  double* v = coefficients + 1;
  for (int j = 0; j < 2 * count; ++j) v[j] = p[j] + theta * q[j];
  const bool good = products.mixed == 0 ? solve_triangular(history, products, v) : solve_general(history, products, v);
  if (!good) return false;
  const double inverse = 1.0 / theta;
  coefficients[0] = inverse;
  for (int j = 0; j < count; ++j) {
    v[j] *= inverse * inverse;
    v[count + j] *= inverse;  // the row is S, W's column theta S
  }
  return std::isfinite(inverse);
}

// With N = -R:  R a = -v_S,  R^T b = -(v_Y + (D + Y^T Y / theta) a).
template <typename T>
bool SubspaceMin<T>::solve_triangular(const History<T>& history, const FreeProducts& products, double* v) {
  const int m = history.memory();
  const int count = history.count();
  const double inverse_theta = 1.0 / history.theta();
  double a[kMaxMemory];
  double b[kMaxMemory];
  double inverse[kMaxMemory];
  for (int j = 0; j < count; ++j) {
    inverse[j] = 1.0 / products.sy[j * m + j];
    if (!(inverse[j] > 0.0) || !std::isfinite(inverse[j])) return false;
  }
  for (int i = 0; i < count; ++i) a[i] = -v[count + i];
  for (int j = count - 1; j >= 0; --j) {
    double sum = a[j];
    for (int k = j + 1; k < count; ++k) sum -= products.sy[j * m + k] * a[k];
    a[j] = sum * inverse[j];
  }
  for (int i = 0; i < count; ++i) b[i] = -v[i] - history.diagonal(i) * a[i];
  for (int j = 0; j < count; ++j) {
    const double c = inverse_theta * a[j];
    for (int i = 0; i < count; ++i) b[i] -= c * products.yy[j * m + i];
  }
  for (int j = 0; j < count; ++j) {
    b[j] *= inverse[j];
    for (int k = j + 1; k < count; ++k) b[k] -= products.sy[j * m + k] * b[j];
  }
  std::copy_n(a, count, v);
  std::copy_n(b, count, v + count);
  return true;
}

// E = D + Y^T Z Z^T Y / theta = U^T U,  X = U^-T N^T:
//   (theta S^T A A^T S + X^T X) b = v_S + X^T U^-T v_Y,   U a = X b - U^-T v_Y.
template <typename T>
bool SubspaceMin<T>::solve_general(const History<T>& history, const FreeProducts& products, double* v) {
  const int m = history.memory();
  const int count = history.count();
  const double theta = history.theta();
  const double inverse_theta = 1.0 / theta;

  for (int i = 0; i < count; ++i) {
    double* row = inner_ + i * m;
    for (int j = i; j < count; ++j) row[j] = products.yy[i * m + j] * inverse_theta;
    row[i] += history.diagonal(i);
  }
  if (!cholesky(inner_, m, count)) return false;

  for (int j = 0; j < count; ++j) {
    double* row = cross_ + j * m;
    for (int i = 0; i <= j; ++i) row[i] = -products.sy[i * m + j];
    for (int i = j + 1; i < count; ++i) row[i] = products.sy[i * m + j];
  }
  for (int j = 0; j < count; ++j) {
    double* row = cross_ + j * m;
    const double pivot = inner_[j * m + j];
    for (int i = 0; i < count; ++i) row[i] *= pivot;
    for (int k = j + 1; k < count; ++k) {
      const double c = inner_[j * m + k];
      double* below = cross_ + k * m;
      for (int i = 0; i < count; ++i) below[i] -= c * row[i];
    }
  }
  for (int i = 0; i < count; ++i) {
    double* row = outer_ + i * m;
    for (int j = i; j < count; ++j) row[j] = theta * products.ss[i * m + j];
  }
  for (int k = 0; k < count; ++k) {
    const double* x = cross_ + k * m;
    for (int i = 0; i < count; ++i) {
      const double c = x[i];
      double* row = outer_ + i * m;
      for (int j = i; j < count; ++j) row[j] += c * x[j];
    }
  }
  if (!cholesky(outer_, m, count)) return false;

  double* a = v;
  double* b = v + count;
  solve_lower(inner_, m, count, a);
  for (int k = 0; k < count; ++k) {
    for (int i = 0; i < count; ++i) b[i] += cross_[k * m + i] * a[k];
  }
  solve_lower(outer_, m, count, b);
  solve_upper(outer_, m, count, b);
  for (int k = 0; k < count; ++k) {
    double sum = -a[k];
    for (int i = 0; i < count; ++i) sum += cross_[k * m + i] * b[i];
    a[k] = sum;
  }
  solve_upper(inner_, m, count, a);
  return true;
}

template <typename T>
void truncate_step(const T* x, const T* d, double t, const T* lower, const T* upper, const T* free, T* delta, T* z,
                   std::size_t n) {
  double alpha = 1.0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(free[i] > T(0))) continue;
    const double cauchy = static_cast<double>(x[i]) + t * static_cast<double>(d[i]);
    const double way = static_cast<double>(x[i]) + static_cast<double>(delta[i]) - cauchy;
    const double room = static_cast<double>(way < 0.0 ? lower[i] : upper[i]) - cauchy;
    if (way == 0.0 || std::fabs(way) * alpha <= std::fabs(room)) continue;
    alpha = way * room > 0.0 ? room / way : 0.0;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!(free[i] > T(0))) continue;
    const double cauchy = static_cast<double>(x[i]) + t * static_cast<double>(d[i]);
    const double way = static_cast<double>(x[i]) + static_cast<double>(delta[i]) - cauchy;
    const double aim = cauchy + alpha * way;
    z[i] = static_cast<T>(std::clamp(aim, static_cast<double>(lower[i]), static_cast<double>(upper[i])));
    delta[i] = z[i] - x[i];
  }
}

template class SubspaceMin<float>;
template class SubspaceMin<double>;
template void truncate_step<float>(const float*, const float*, double, const float*, const float*, const float*, float*,
                                   float*, std::size_t);
template void truncate_step<double>(const double*, const double*, double, const double*, const double*, const double*,
                                    double*, double*, std::size_t);

}  // namespace blindspot
