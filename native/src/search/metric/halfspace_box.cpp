#include "search/metric/halfspace_box.hpp"

#include <cmath>

namespace blindspot {
namespace {

constexpr int kNewtonSteps = 12;
constexpr double kRegularisation = 1e-6;  // relative, above the products' own errors: parallel planes stay solvable
constexpr double kLeastDiagonal = 1e-30;
constexpr double kLargestMultiplier = 1e30;  // keeps the float32 arithmetic finite
constexpr double kFastConvergence = 0.05;
constexpr int kBlockPivots = 4;
constexpr double kPivotTolerance = 1e-5;  // of the largest right side: what is less is no violation

// std::fmax and std::fmin are calls, and on WebAssembly many instructions. Where a is not a number: b.
double larger(double a, double b) { return a > b ? a : b; }
double smaller(double a, double b) { return a < b ? a : b; }

// Solves gram x = rhs on the planes of `set`, leaving the other x as they are, by elimination without pivoting (gram is
// positive definite). Planes outside have the row of the identity, so that all sizes are known.
template <int Planes>
void solve_on(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* rhs, unsigned set, double* x) {
  double m[Planes][Planes];
  double inside[Planes];
  double value[Planes];
#pragma GCC unroll 4
  for (int j = 0; j < Planes; ++j) {
    inside[j] = static_cast<double>(set >> j & 1u);
    value[j] = inside[j] * rhs[j];
  }
#pragma GCC unroll 4
  for (int r = 0; r < Planes; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < r; ++c) m[r][c] = m[c][r] = inside[r] * inside[c] * gram[r][c];
    m[r][r] = inside[r] * gram[r][r] + (1.0 - inside[r]);
  }
  double inverse[Planes];
#pragma GCC unroll 4
  for (int r = 0; r < Planes; ++r) {
    inverse[r] = 1.0 / larger(m[r][r], kRegularisation * gram[r][r]);
#pragma GCC unroll 4
    for (int below = r + 1; below < Planes; ++below) {
      const double factor = m[below][r] * inverse[r];
#pragma GCC unroll 4
      for (int c = r + 1; c < Planes; ++c) m[below][c] -= factor * m[r][c];
      value[below] -= factor * value[r];
    }
  }
#pragma GCC unroll 4
  for (int r = Planes - 1; r >= 0; --r) {
#pragma GCC unroll 4
    for (int c = r + 1; c < Planes; ++c) value[r] -= m[r][c] * value[c];
    value[r] *= inverse[r];
    if (inside[r] > 0.0) x[r] = value[r];
  }
}

// The maximiser nu >= 0 of residual . (nu - mu) - 1/2 (nu - mu) gram (nu - mu); mu becomes nu. Principal pivoting finds the
// set of active planes whose solution satisfies the optimality conditions: planes whose multiplier is negative leave, those
// that are violated enter, all of them at once as long as that gets somewhere, then the first alone, which always ends
// (Murty, Note on a Bard-type scheme, Opsearch 11, 1974). The unknown is the step nu - mu, which keeps the errors of gram
// relative to it.
template <int Planes>
void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, double* mu) {
  unsigned active = 0;
#pragma GCC unroll 4
  for (int j = 0; j < Planes; ++j) active |= static_cast<unsigned>(mu[j] > 0.0 || residual[j] > 0.0) << j;
  double step[Planes];
  for (int pivots = 0; pivots < kBlockPivots + (1 << Planes); ++pivots) {
    double rhs[Planes];
    double scale = 0.0;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) step[j] = (active >> j & 1u) != 0 ? 0.0 : -mu[j];
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) {
      rhs[j] = residual[j];
#pragma GCC unroll 4
      for (int k = 0; k < Planes; ++k) rhs[j] -= gram[j][k] * step[k];
      scale = larger(std::fabs(rhs[j]), scale);
    }
    solve_on<Planes>(gram, rhs, active, step);
    unsigned wrong = 0;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) {
      double slope = residual[j];
#pragma GCC unroll 4
      for (int k = 0; k < Planes; ++k) slope -= gram[j][k] * step[k];
      const double violation = (active >> j & 1u) != 0 ? -(mu[j] + step[j]) * gram[j][j] : slope;
      wrong |= static_cast<unsigned>(violation > kPivotTolerance * scale) << j;
    }
    if (wrong == 0) break;
    active ^= pivots < kBlockPivots ? wrong : wrong & (0u - wrong);
  }
#pragma GCC unroll 4
  for (int j = 0; j < Planes; ++j) mu[j] = larger(mu[j] + step[j], 0.0);
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
  float mu = static_cast<float>(smaller(start, kLargestMultiplier));
  for (int step = 0; step < kNewtonSteps; ++step) {
    const DualSums sums = search_ops().dual_line(z, row, mu, box.lower, box.upper, n, y);
    out.length = std::sqrt(sums.dd);
    out.multipliers[0] = static_cast<double>(mu);
    const double residual = value + sums.ad;
    const double violation = mu > 0.0f ? std::fabs(residual) : larger(residual, 0.0);
    if (violation <= larger(kProjectionPrecision * out.length, tolerance) * (std::sqrt(sums.aa) + 1e-12)) {
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
    out.length = std::sqrt(ops.dual_point(z, rows, weights, planes, box.lower, box.upper, n, y, residual));
    const auto make_gram = [&] {
      // Without a multiplier y is z, and all of it is free: what lies at a bound has not been clipped.
      bool pulled = false;
      for (int j = 0; j < planes; ++j) pulled |= weights[j] > 0.0f;
      const float lower = pulled ? box.lower : -HUGE_VALF;
      const float upper = pulled ? box.upper : HUGE_VALF;
      ops.dual_gram(y, rows, planes, lower, upper, n, &gram[0][0]);
      for (int j = 0; j < planes; ++j) gram[j][j] += kRegularisation * gram[j][j] + kLeastDiagonal;
    };
    if (step == 0) make_gram();
    double violation = 0.0;
    for (int j = 0; j < planes; ++j) {
      residual[j] += values[j];
      const double active = mu[j] > 0.0 ? std::fabs(residual[j]) : larger(residual[j], 0.0);
      violation = larger(active / (std::sqrt(gram[j][j]) + 1e-12), violation);
    }
    if (violation <= larger(kProjectionPrecision * out.length, tolerance)) {
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
