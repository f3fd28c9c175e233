#include "optim/cauchy_point.hpp"

#include <algorithm>
#include <limits>

namespace blindspot {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double inner(const double* a, const double* b, int n) {
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// A heap holds its smallest element first; equal times go by index, so that the order is one for all machines.
template <typename Breakpoint>
bool later(const Breakpoint& a, const Breakpoint& b) {
  return a.t != b.t ? a.t > b.t : a.variable > b.variable;
}

}  // namespace

// Breakpoints in (above, up_to], as a heap.
template <typename T>
std::size_t CauchyPoint<T>::gather(const Path& path, double above, double up_to) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < path.n; ++i) {
    const double d = static_cast<double>(path.d[i]);
    if (d == 0.0) continue;
    const double bound = static_cast<double>(d > 0.0 ? path.upper[i] : path.lower[i]);
    const double t = (bound - static_cast<double>(path.x[i])) / d;
    if (t > above && t <= up_to) heap_[count++] = {t, static_cast<std::uint32_t>(i)};
  }
  std::make_heap(heap_, heap_ + count, later<Breakpoint>);
  return count;
}

template <typename T>
void CauchyPoint<T>::find(const VectorOps<T>& ops, const History<T>& history, const Path& path, double* p) {
  const int order = 2 * history.count();
  const double theta = history.theta();
  double w[2 * kMaxMemory];
  double mw[2 * kMaxMemory];

  crossed_count_ = 0;
  t_ = 0.0;
  std::fill_n(q_, order, 0.0);
  if (!(path.dd > 0.0)) return;

  history.times_middle(p, mw);
  double slope = -path.dd;
  double curvature = theta * path.dd - inner(p, mw, order);
  curvature = std::max(curvature, kEpsilon * theta * path.dd);
  const double least_curvature = kEpsilon * curvature;
  double remaining = path.dd;
  double step = -slope / curvature;
  double horizon = step;
  if (!ops.leaves_box(horizon, path.x, path.d, path.lower, path.upper, path.n)) {
    t_ = step;
    return;
  }

  std::size_t left = gather(path, -1.0, horizon);
  while (remaining > 0.0) {
    if (left == 0) {
      if (t_ + step <= horizon) break;
      const double further = std::max(2.0 * horizon, t_ + step);
      left = gather(path, horizon, further);
      horizon = further;
      continue;
    }
    if (heap_[0].t > t_ + step) break;

    const Breakpoint next = heap_[0];
    std::pop_heap(heap_, heap_ + left, later<Breakpoint>);
    --left;
    const std::size_t b = next.variable;
    const double d = static_cast<double>(path.d[b]);
    const double z = static_cast<double>(d > 0.0 ? path.upper[b] : path.lower[b]) - static_cast<double>(path.x[b]);
    const double dt = next.t - t_;
    t_ = next.t;
    crossed_[crossed_count_++] = next.variable;

    history.row_of_w(b, w);
    history.times_middle(w, mw);
    const double w_m_p = inner(mw, p, order);
    const double w_m_c = inner(mw, q_, order) + t_ * w_m_p;
    const double w_m_w = inner(mw, w, order);
    slope += dt * curvature + d * d - theta * d * z + d * w_m_c;
    curvature += -theta * d * d + 2.0 * d * w_m_p - d * d * w_m_w;
    curvature = std::max(curvature, least_curvature);
    for (int j = 0; j < order; ++j) p[j] -= d * w[j];
    for (int j = 0; j < order; ++j) q_[j] += z * w[j];
    remaining -= d * d;
    step = std::max(0.0, -slope / curvature);
    if (crossed_count_ == path.n) break;
  }
  if (!(remaining > 0.0) || crossed_count_ == path.n) step = 0.0;
  t_ += step;
}

template class CauchyPoint<float>;
template class CauchyPoint<double>;

}  // namespace blindspot
