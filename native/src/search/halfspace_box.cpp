#include "search/halfspace_box.hpp"

#include <cmath>

namespace blindspot {
namespace {

constexpr int kNewtonSteps = 12;
constexpr double kRegularisation = 1e-6;     // relative, above the products' own errors: parallel planes stay solvable
constexpr double kLargestMultiplier = 1e30;  // keeps the float32 arithmetic finite
constexpr double kFastConvergence = 0.05;
constexpr int kGuesses = 4;

// Solves gram x = rhs on the planes of `set`, leaving the other x as they are, by elimination without pivoting (gram is
// positive definite). False when a pivot vanishes.
bool solve_on(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* rhs, int planes, unsigned set, double* x) {
  int member[kMaxPlanes];
  int size = 0;
  for (int j = 0; j < planes; ++j) {
    if (set >> j & 1u) member[size++] = j;
  }
  double m[kMaxPlanes][kMaxPlanes + 1];
  for (int r = 0; r < size; ++r) {
    for (int c = 0; c < size; ++c) m[r][c] = gram[member[r]][member[c]];
    m[r][r] = m[r][r] * (1.0 + kRegularisation) + 1e-30;
    m[r][size] = rhs[member[r]];
  }
  for (int r = 0; r < size; ++r) {
    if (!(m[r][r] > 0.0)) return false;
    for (int below = r + 1; below < size; ++below) {
      const double factor = m[below][r] / m[r][r];
      for (int c = r; c <= size; ++c) m[below][c] -= factor * m[r][c];
    }
  }
  for (int r = size - 1; r >= 0; --r) {
    double value = m[r][size];
    for (int c = r + 1; c < size; ++c) value -= m[r][c] * x[member[c]];
    x[member[r]] = value / m[r][r];
  }
  return true;
}

// The maximiser nu >= 0 of residual . (nu - mu) - 1/2 (nu - mu) gram (nu - mu): of the few sets of active planes, the
// one whose solution satisfies the optimality conditions. mu becomes nu. The unknown is the step nu - mu, which keeps
// the errors of gram relative to it.
void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, int planes, double* mu) {
  unsigned active = 0;
  for (int j = 0; j < planes; ++j) {
    if (mu[j] > 0.0 || residual[j] > 0.0) active |= 1u << j;
  }
  double best[kMaxPlanes] = {};
  double least = HUGE_VAL;
  // First a few sets that follow from one another: a plane whose multiplier is negative leaves, one that is violated
  // enters.
  const int sets = 1 << planes;
  for (int tried = -kGuesses; tried < sets; ++tried) {
    const unsigned set = tried < 0 ? active : static_cast<unsigned>(tried);
    const auto in_set = [set](int j) { return (set >> j & 1u) != 0; };
    double step[kMaxPlanes];
    double rhs[kMaxPlanes];
    double scale = 0.0;
    for (int j = 0; j < planes; ++j) {
      step[j] = in_set(j) ? 0.0 : -mu[j];
      rhs[j] = residual[j];
    }
    for (int j = 0; j < planes; ++j) {
      for (int k = 0; k < planes; ++k) rhs[j] -= gram[j][k] * step[k];
      scale = std::fmax(scale, std::fabs(rhs[j]));
    }
    if (!solve_on(gram, rhs, planes, set, step)) continue;
    double violation = 0.0;
    for (int j = 0; j < planes; ++j) {
      double slope = residual[j];
      for (int k = 0; k < planes; ++k) slope -= gram[j][k] * step[k];
      const double nu = mu[j] + step[j];
      if (in_set(j) ? nu < 0.0 : slope > 0.0) active ^= 1u << j;
      violation = std::fmax(violation, std::fmax(slope, -nu * gram[j][j]));
    }
    if (violation < least) {
      least = violation;
      for (int j = 0; j < planes; ++j) best[j] = std::fmax(mu[j] + step[j], 0.0);
    }
    if (violation <= 10.0 * kRegularisation * scale) break;
  }
  for (int j = 0; j < planes; ++j) mu[j] = best[j];
}

HalfspaceProjection project_on_one(const float* z, const float* row, double value, Box box, std::size_t n, double start,
                                   float* y, double tolerance) {
  HalfspaceProjection out;
  float mu = static_cast<float>(start);
  for (int step = 0; step < kNewtonSteps; ++step) {
    const DualSums sums = search_ops().dual_line(z, row, mu, box.lower, box.upper, n, y);
    out.squared_distance = sums.dd;
    out.curvature = sums.aa;
    out.multipliers[0] = static_cast<double>(mu);
    const double residual = value + sums.ad;
    const double violation = mu > 0.0f ? std::fabs(residual) : std::fmax(0.0, residual);
    if (violation <= std::fmax(tolerance, kProjectionPrecision * std::sqrt(sums.dd)) * (std::sqrt(sums.aa) + 1e-12)) {
      out.solved = true;
      break;
    }
    const double next = static_cast<double>(mu) + residual / (sums.aa + 1e-30);
    mu = static_cast<float>(std::fmin(std::fmax(next, 0.0), kLargestMultiplier));
  }
  return out;
}

}  // namespace

HalfspaceProjection project_halfspaces(const float* z, const float* const* rows, const double* values, int planes,
                                       Box box, std::size_t n, const double* start, float* y, double tolerance) {
  if (planes == 1) {
    return project_on_one(z, rows[0], values[0], box, n, start != nullptr ? start[0] : 0.0, y, tolerance);
  }
  const SearchOps& ops = search_ops();
  HalfspaceProjection out;
  double* mu = out.multipliers;
  float weights[kMaxPlanes];
  double gram[kMaxPlanes][kMaxPlanes];
  double last = 0.0;  // violation for which gram was made
  for (int j = 0; j < planes; ++j) mu[j] = start != nullptr ? start[j] : 0.0;
  for (int step = 0; step < kNewtonSteps; ++step) {
    for (int j = 0; j < planes; ++j) {
      weights[j] = static_cast<float>(std::fmin(mu[j], kLargestMultiplier));
      mu[j] = static_cast<double>(weights[j]);
    }
    double residual[kMaxPlanes];
    out.squared_distance = ops.dual_point(z, rows, weights, planes, box.lower, box.upper, n, y, residual);
    const auto make_gram = [&] {
      ops.dual_gram(z, rows, weights, planes, box.lower, box.upper, n, &gram[0][0]);
      out.curvature = gram[0][0];
    };
    if (step == 0) make_gram();
    double violation = 0.0;
    for (int j = 0; j < planes; ++j) {
      residual[j] += values[j];
      const double active = mu[j] > 0.0 ? std::fabs(residual[j]) : std::fmax(0.0, residual[j]);
      violation = std::fmax(violation, active / (std::sqrt(gram[j][j]) + 1e-12));
    }
    if (violation <= std::fmax(tolerance, kProjectionPrecision * std::sqrt(out.squared_distance))) {
      out.solved = true;
      return out;
    }
    // While it converges fast the free set hardly changes: the matrix serves once more.
    if (step > 0 && violation > kFastConvergence * last) make_gram();
    last = violation;
    newton_multipliers(gram, residual, planes, mu);
  }
  return out;
}

}  // namespace blindspot
