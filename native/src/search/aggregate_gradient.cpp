#include "search/aggregate_gradient.hpp"

#include <cmath>
#include <cstring>

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"

namespace blindspot {
namespace {

constexpr double kWellExplained = 0.01;  // KKT residual that needs no further proof
constexpr double kAgreement = 0.02;      // of |a| |f|, by which a cut may miss s at y
constexpr double kRoughProof = 1e-4;     // of |f|: tolerance of the projection that gives the proof

}  // namespace

double aggregate_gradient(const Bundle& bundle, const ProofPoint& at, float* gradient, float* const* scratch) {
  const double alone = at.metric->kkt_residual(at.x, at.y, gradient, at.box, at.n);
  if (alone <= kWellExplained) return alone;
  const SearchOps& ops = search_ops();
  float* const own = scratch[0];
  float* const projected = scratch[1];
  float* const aggregate = scratch[2];
  ops.scaled_copy(gradient, static_cast<float>(at.scale), at.n, own);
  const float* rows[kMaxPlanes + 1] = {own};
  for (int j = 0; j < bundle.count(); ++j) rows[1 + j] = bundle.row(j);
  double along[kMaxPlanes + 1];
  ops.dots_from(rows, static_cast<std::size_t>(1 + bundle.count()), at.x, at.y, at.n, along);
  // Through y itself: at a minimum the projection of x on these halfspaces and the box is y.
  double values[kMaxPlanes] = {-along[0]};
  int count = 1;
  for (int j = 1; j <= bundle.count() && count < kMaxPlanes; ++j) {
    const double predicted = bundle.value(j - 1) + along[j];
    if (std::fabs(predicted - at.margin) > kAgreement * at.slope * at.distance) continue;
    rows[count] = rows[j];
    values[count++] = -along[j];
  }
  if (count == 1) return alone;
  // Whatever the multipliers are worth is judged below.
  const HalfspaceProjection model =
      at.metric->project(at.x, rows, values, count, at.box, at.n, nullptr, projected, kRoughProof * at.distance);
  double sum = 0.0;
  for (int j = 0; j < count; ++j) sum += model.multipliers[j];
  if (!(sum > 0.0)) return alone;
  double weights[kMaxPlanes];  // of the constraint as it is
  for (int j = 0; j < count; ++j) weights[j] = model.multipliers[j] / (sum * at.scale);
  vector_ops<float>().combine(weights, rows, static_cast<std::size_t>(count), aggregate, at.n);
  const double together = at.metric->kkt_residual(at.x, at.y, aggregate, at.box, at.n);
  if (!(together < alone)) return alone;
  std::memcpy(gradient, aggregate, at.n * sizeof(float));
  return together;
}

}  // namespace blindspot
