#include "search/halfspace_box.hpp"

#include <cmath>

namespace blindspot {
namespace {

constexpr int kNewtonSteps = 12;
constexpr double kRegularisation = 1e-10;  // relative: parallel planes stay solvable

// Solves gram nu = rhs on the planes of `set`, the others 0, by elimination without pivoting (gram is positive
// definite). False when a pivot vanishes.
bool solve_on(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* rhs, int planes, unsigned set, double* nu) {
  int member[kMaxPlanes];
  int size = 0;
  for (int j = 0; j < planes; ++j) {
    nu[j] = 0.0;
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
    for (int c = r + 1; c < size; ++c) value -= m[r][c] * nu[member[c]];
    nu[member[r]] = value / m[r][r];
  }
  return true;
}

// The maximiser nu >= 0 of residual . (nu - mu) - 1/2 (nu - mu) gram (nu - mu): of the few sets of active planes, the
// one whose solution satisfies the optimality conditions. mu becomes nu.
void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, int planes, double* mu) {
  double rhs[kMaxPlanes];
  double scale = 0.0;
  for (int j = 0; j < planes; ++j) {
    rhs[j] = residual[j];
    for (int k = 0; k < planes; ++k) rhs[j] += gram[j][k] * mu[k];
    scale = std::fmax(scale, std::fabs(rhs[j]));
  }
  double best[kMaxPlanes] = {};
  double least = HUGE_VAL;
  for (unsigned set = 0; set < 1u << planes; ++set) {
    double nu[kMaxPlanes];
    if (!solve_on(gram, rhs, planes, set, nu)) continue;
    double violation = 0.0;
    for (int j = 0; j < planes; ++j) {
      double slope = rhs[j];
      for (int k = 0; k < planes; ++k) slope -= gram[j][k] * nu[k];
      violation = std::fmax(violation, std::fmax(slope, -nu[j] * gram[j][j]));
    }
    if (violation < least) {
      least = violation;
      for (int j = 0; j < planes; ++j) best[j] = std::fmax(nu[j], 0.0);
    }
    if (violation <= 1e-9 * scale) break;
  }
  for (int j = 0; j < planes; ++j) mu[j] = best[j];
}

}  // namespace

HalfspaceProjection project_halfspaces(const float* z, const float* const* rows, const double* offsets, int planes,
                                       Box box, std::size_t n, const double* start, float* y, double tolerance) {
  const SearchOps& ops = search_ops();
  HalfspaceProjection out;
  double* mu = out.multipliers;
  if (start != nullptr) {
    for (int j = 0; j < planes; ++j) mu[j] = start[j];
  }
  for (int step = 0; step < kNewtonSteps; ++step) {
    double residual[kMaxPlanes];
    double gram[kMaxPlanes][kMaxPlanes];
    out.squared_distance = ops.dual_point(z, rows, mu, planes, box.lower, box.upper, n, y, residual, &gram[0][0]);
    double violation = 0.0;
    for (int j = 0; j < planes; ++j) {
      residual[j] -= offsets[j];
      const double active = mu[j] > 0.0 ? std::fabs(residual[j]) : std::fmax(0.0, residual[j]);
      violation = std::fmax(violation, active / (std::sqrt(gram[j][j]) + 1e-12));
    }
    out.curvature = gram[0][0];
    if (violation <= tolerance) {
      out.solved = true;
      return out;
    }
    newton_multipliers(gram, residual, planes, mu);
  }
  return out;
}

}  // namespace blindspot
