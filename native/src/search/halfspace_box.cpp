#include "search/halfspace_box.hpp"

#include <cmath>

namespace blindspot {
namespace {

constexpr int kNewtonSteps = 20;
constexpr int kSweeps = 60;
constexpr double kTolerance = 1e-7;

// max r . d - 1/2 d G d subject to mu + d >= 0, by coordinate ascent; mu becomes mu + d.
void newton_multipliers(const double (&gram)[kMaxPlanes][kMaxPlanes], const double* residual, int planes, double* mu) {
  double next[kMaxPlanes];
  for (int j = 0; j < planes; ++j) next[j] = mu[j];
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double change = 0.0;
    for (int j = 0; j < planes; ++j) {
      double slope = residual[j];
      for (int k = 0; k < planes; ++k) slope -= gram[j][k] * (next[k] - mu[k]);
      const double curvature = gram[j][j] * (1.0 + 1e-9) + 1e-12;
      const double value = std::fmax(0.0, next[j] + slope / curvature);
      change = std::fmax(change, std::fabs(value - next[j]) * std::sqrt(curvature));
      next[j] = value;
    }
    if (planes == 1 || change < 1e-10) break;
  }
  for (int j = 0; j < planes; ++j) mu[j] = next[j];
}

}  // namespace

HalfspaceProjection project_halfspaces(const float* z, const float* const* rows, const double* offsets, int planes,
                                       Box box, std::size_t n, const double* start, float* y) {
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
    if (violation <= kTolerance) {
      out.solved = true;
      return out;
    }
    newton_multipliers(gram, residual, planes, mu);
  }
  return out;
}

}  // namespace blindspot
