#include "search/halfspace_box.hpp"

#include <cmath>

namespace blindspot {
namespace {

constexpr int kNewtonSteps = 12;
constexpr double kRegularisation = 1e-6;     // relative, above the products' own errors: parallel planes stay solvable
constexpr double kLargestMultiplier = 1e30;  // keeps the float32 arithmetic finite
constexpr double kFastConvergence = 0.05;
constexpr int kGuesses = 4;

// std::fmax and std::fmin are calls, and on WebAssembly many instructions. Where a is not a number: b.
double larger(double a, double b) { return a > b ? a : b; }
double smaller(double a, double b) { return a < b ? a : b; }

// Solves gram x = rhs on the planes of `set`, leaving the other x as they are, by elimination without pivoting (gram is
// positive definite). False when a pivot vanishes. Planes outside have the row of the identity, so that all sizes are known.
template <int Planes>
bool solve_on(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* rhs, unsigned set, double* x) {
  double m[Planes][Planes];
  double inside[Planes];
  double value[Planes];
  for (int j = 0; j < Planes; ++j) {
    inside[j] = static_cast<double>(set >> j & 1u);
    value[j] = inside[j] * rhs[j];
  }
  for (int r = 0; r < Planes; ++r) {
    for (int c = 0; c < r; ++c) m[r][c] = m[c][r] = inside[r] * inside[c] * gram[r][c];
    m[r][r] = inside[r] * (gram[r][r] * (1.0 + kRegularisation) + 1e-30) + (1.0 - inside[r]);
  }
  double inverse[Planes];
  for (int r = 0; r < Planes; ++r) {
    if (!(m[r][r] > 0.0)) return false;
    inverse[r] = 1.0 / m[r][r];
    for (int below = r + 1; below < Planes; ++below) {
      const double factor = m[below][r] * inverse[r];
      for (int c = r + 1; c < Planes; ++c) m[below][c] -= factor * m[r][c];
      value[below] -= factor * value[r];
    }
  }
  for (int r = Planes - 1; r >= 0; --r) {
    for (int c = r + 1; c < Planes; ++c) value[r] -= m[r][c] * value[c];
    value[r] *= inverse[r];
    if (inside[r] > 0.0) x[r] = value[r];
  }
  return true;
}

// The maximiser nu >= 0 of residual . (nu - mu) - 1/2 (nu - mu) gram (nu - mu): of the few sets of active planes, the
// one whose solution satisfies the optimality conditions. mu becomes nu. The unknown is the step nu - mu, which keeps
// the errors of gram relative to it.
template <int Planes>
void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, double* mu) {
  unsigned active = 0;
  for (int j = 0; j < Planes; ++j) {
    if (mu[j] > 0.0 || residual[j] > 0.0) active |= 1u << j;
  }
  double best[Planes] = {};
  double least = HUGE_VAL;
  // First a few sets that follow from one another: a plane whose multiplier is negative leaves, one that is violated
  // enters.
  constexpr int kSets = 1 << Planes;
  for (int tried = -kGuesses; tried < kSets; ++tried) {
    const unsigned set = tried < 0 ? active : static_cast<unsigned>(tried);
    const auto in_set = [set](int j) { return (set >> j & 1u) != 0; };
    double step[Planes];
    double rhs[Planes];
    double scale = 0.0;
    for (int j = 0; j < Planes; ++j) step[j] = in_set(j) ? 0.0 : -mu[j];
    for (int j = 0; j < Planes; ++j) {
      rhs[j] = residual[j];
      for (int k = 0; k < Planes; ++k) rhs[j] -= gram[j][k] * step[k];
      scale = larger(std::fabs(rhs[j]), scale);
    }
    if (!solve_on<Planes>(gram, rhs, set, step)) continue;
    double violation = 0.0;
    for (int j = 0; j < Planes; ++j) {
      double slope = residual[j];
      for (int k = 0; k < Planes; ++k) slope -= gram[j][k] * step[k];
      const double nu = mu[j] + step[j];
      if (in_set(j) ? nu < 0.0 : slope > 0.0) active ^= 1u << j;
      violation = larger(larger(slope, -nu * gram[j][j]), violation);
    }
    if (violation < least) {
      least = violation;
      for (int j = 0; j < Planes; ++j) best[j] = larger(mu[j] + step[j], 0.0);
    }
    if (violation <= 10.0 * kRegularisation * scale) break;
  }
  for (int j = 0; j < Planes; ++j) mu[j] = best[j];
}

void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, int planes, double* mu) {
  switch (planes) {
    case 2: return newton_multipliers<2>(gram, residual, mu);
    case 3: return newton_multipliers<3>(gram, residual, mu);
    default: return newton_multipliers<4>(gram, residual, mu);
  }
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
    const double violation = mu > 0.0f ? std::fabs(residual) : larger(residual, 0.0);
    if (violation <= larger(kProjectionPrecision * std::sqrt(sums.dd), tolerance) * (std::sqrt(sums.aa) + 1e-12)) {
      out.solved = true;
      break;
    }
    const double next = static_cast<double>(mu) + residual / (sums.aa + 1e-30);
    mu = static_cast<float>(smaller(larger(next, 0.0), kLargestMultiplier));
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
      weights[j] = static_cast<float>(smaller(mu[j], kLargestMultiplier));
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
      const double active = mu[j] > 0.0 ? std::fabs(residual[j]) : larger(residual[j], 0.0);
      violation = larger(active / (std::sqrt(gram[j][j]) + 1e-12), violation);
    }
    if (violation <= larger(kProjectionPrecision * std::sqrt(out.squared_distance), tolerance)) {
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
