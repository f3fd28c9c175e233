// The one source of the search's vector kernels (contract: search_ops.hpp), included by vector_ops_impl.hpp under
// each instruction set's flags; the rules at the head of that file hold here too.

namespace {

template <typename V>
BLINDSPOT_INLINE V clip(V value, double lower, double upper) {
  return smaller(larger(value, V{} + lower), V{} + upper);
}

template <int Planes>
double dual_point_of(const float* z, const float* const* a, const double* mu, double lower, double upper, std::size_t n,
                     float* y, double* residual, double* gram) {
  constexpr int kPairs = Planes * (Planes + 1) / 2;
  double sum[1 + Planes + kPairs];
  const float* row[Planes + 1] = {};
  double weight[Planes + 1] = {};
  for (int j = 0; j < Planes; ++j) {
    row[j] = a[j];
    weight[j] = mu[j];
  }
  sweep<1 + Planes + kPairs, 0>(n, sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V zi = load<V>(z + i);
    V ai[Planes + 1];
    V value = zi;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) {
      ai[j] = load<V>(row[j] + i);
      value -= (V{} + weight[j]) * ai[j];
    }
    const V yi = clip(value, lower, upper);
    Memory<V>::store(y + i, yi);
    const V moved = yi - zi;
    term[0] = moved * moved;
    const auto outside = either(value<V{} + lower, value> V{} + upper);
    int pair = 1 + Planes;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) {
      term[1 + j] = ai[j] * yi;
      const V free = outside ? V{} : ai[j];
#pragma GCC unroll 4
      for (int k = 0; k <= j; ++k) term[pair++] = free * ai[k];
    }
  });
  int pair = 1 + Planes;
  for (int j = 0; j < Planes; ++j) {
    residual[j] = sum[1 + j];
    for (int k = 0; k <= j; ++k) {
      gram[j * kMaxPlanes + k] = sum[pair];
      gram[k * kMaxPlanes + j] = sum[pair++];
    }
  }
  return sum[0];
}

double dual_point(const float* z, const float* const* a, const double* mu, int planes, double lower, double upper,
                  std::size_t n, float* y, double* residual, double* gram) {
  switch (planes) {
    case 0: return dual_point_of<0>(z, a, mu, lower, upper, n, y, residual, gram);
    case 1: return dual_point_of<1>(z, a, mu, lower, upper, n, y, residual, gram);
    case 2: return dual_point_of<2>(z, a, mu, lower, upper, n, y, residual, gram);
    case 3: return dual_point_of<3>(z, a, mu, lower, upper, n, y, residual, gram);
    default: return dual_point_of<4>(z, a, mu, lower, upper, n, y, residual, gram);
  }
}

StepSums compare_points(const float* x, const float* y0, const float* y1, const float* a0, const float* a1,
                        double lower, double upper, std::size_t n, float* d, float* change) {
  double sum[5];
  sweep<5, 0>(n, sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V to = load<V>(y1 + i);
    const V step = store(d + i, to - load<V>(y0 + i));
    const V before = load<V>(a0 + i);
    const V after = load<V>(a1 + i);
    const V f = to - load<V>(x + i);
    const auto held = both(step == V{}, either(to <= V{} + lower, to >= V{} + upper));
    Memory<V>::store(change + i, held ? V{} : after - before);
    term[0] = step * step;
    term[1] = before * step;
    term[2] = after * step;
    term[3] = f * f;
    term[4] = after * after;
  });
  return {sum[0], sum[1], sum[2], sum[3], sum[4]};
}

double split_free(const float* x, const float* y, const float* a, const float* target, double lower, double upper,
                  std::size_t n, float* f, float* m) {
  double sum;
  sweep<1, 0>(n, &sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V at = load<V>(y + i);
    const V to = load<V>(target + i);
    const V ai = load<V>(a + i);
    const auto fixed = either(to <= V{} + lower, to >= V{} + upper);
    Memory<V>::store(f + i, fixed ? V{} : at - load<V>(x + i));
    Memory<V>::store(m + i, fixed ? V{} : ai);
    term[0] = fixed ? ai * (to - at) : V{};
  });
  return sum;
}

MoveSums move(const float* x, const float* y, const float* d, const float* target, double scale, double lower,
              double upper, std::size_t n, float* out) {
  double sum[2];
  sweep<2, 0>(n, sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V at = load<V>(y + i);
    const V to = load<V>(target + i);
    const auto fixed = either(to <= V{} + lower, to >= V{} + upper);
    const V step = fixed ? to - at : load<V>(d + i);
    const V next = store(out + i, clip(at + (V{} + scale) * step, lower, upper));
    const V moved = next - at;
    const V f = next - load<V>(x + i);
    term[0] = moved * moved;
    term[1] = f * f;
  });
  return {sum[0], sum[1]};
}

StationaritySums stationarity(const float* x, const float* y, const float* a, double mu, double lower, double upper,
                              std::size_t n) {
  double sum[4];
  sweep<4, 0>(n, sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V at = load<V>(y + i);
    const V ai = load<V>(a + i);
    const V f = at - load<V>(x + i);
    const V g = f + (V{} + mu) * ai;
    const auto held = either(both(at <= V{} + lower, g > V{}), both(at >= V{} + upper, g < V{}));
    term[0] = held ? V{} : g * g;
    term[1] = held ? V{} : f * ai;
    term[2] = held ? V{} : ai * ai;
    term[3] = f * f;
  });
  return {sum[0], sum[1], sum[2], sum[3]};
}

void between(const float* x, const float* y, double t, std::size_t n, float* out) {
  sweep<0, 0>(n, nullptr, nullptr, [=]<typename V>(std::size_t i, V*, V*) BLINDSPOT_INLINE_LAMBDA {
    const V from = load<V>(x + i);
    Memory<V>::store(out + i, from + (V{} + t) * (load<V>(y + i) - from));
  });
}

}  // namespace

const SearchOps& search_table() {
  static constexpr SearchOps ops = {dual_point, compare_points, split_free, move, stationarity, between};
  return ops;
}
