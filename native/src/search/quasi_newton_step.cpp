// The curved step of a descent, where s is smooth: sequential quadratic programming with the curvature of the Lagrangian.
#include <cmath>

#include "linalg/search_ops.hpp"
#include "search/boundary_descent.hpp"

namespace blindspot {

// The quasi-Newton step on the coordinates that target_ leaves off the bounds. False when the model is degenerate there.
bool BoundaryDescent::quasi_newton(double multiplier, double aim, Combination& out) {
  const SearchOps& ops = search_ops();
  const double fixed =
      ops.split_free(x_, center_, bundle_.newest(), target_, box_.lower, box_.upper, n_, free_f_, free_a_);

  const int pairs = 2 * curvature_.count();
  curvature_.rows(out.rows);
  out.rows[pairs] = free_f_;
  out.rows[pairs + 1] = free_a_;
  out.size = static_cast<std::size_t>(pairs + 2);
  double dots[Combination::kRows][2];  // with f and with a
  ops.pair_dots(out.rows, out.size, free_f_, free_a_, n_, &dots[0][0]);
  double dot_f[Combination::kRows];
  double dot_a[Combination::kRows];
  for (int j = 0; j < pairs + 2; ++j) dot_f[j] = dots[j][0], dot_a[j] = dots[j][1];
  double of_f[Combination::kRows];
  double of_a[Combination::kRows];
  curvature_.multiply(multiplier, dot_f, of_f);
  curvature_.multiply(multiplier, dot_a, of_a);
  double a_hf = dot_a[pairs];
  double a_ha = dot_a[pairs + 1];
  for (int j = 0; j < pairs; ++j) {
    a_hf += of_f[j] * dot_a[j];
    a_ha += of_a[j] * dot_a[j];
  }
  if (!(a_ha > 0.0)) return false;
  const double mu = std::fmax(0.0, (margin_ + aim + fixed - a_hf) / a_ha);
  for (int j = 0; j < pairs; ++j) out.coefficients[j] = static_cast<float>(-(of_f[j] + mu * of_a[j]));
  out.coefficients[pairs] = -1.0f;
  out.coefficients[pairs + 1] = static_cast<float>(-mu);
  return true;
}

MoveSums BoundaryDescent::move(const Combination& of, double share, float* out) const {
  return search_ops().move(x_, center_, target_, of.coefficients, of.rows, of.size, static_cast<float>(share),
                           box_.lower, box_.upper, n_, out);
}

}  // namespace blindspot
