// The one source of the search's vector kernels (contract: search_ops.hpp), included by vector_ops_impl.hpp under
// each instruction set's flags; the rules at the head of that file hold here too.

namespace {

typedef Pack<float> Floats;
constexpr int kFloats = kPackWidth<float>;
constexpr int kPacks = kLanes / kFloats;  // registers in a block
// Two blocks at once spare WebAssembly half of its addresses and checks, as long as the sums stay in registers.
#if defined(__wasm__)
constexpr int kMostSumsOfTwoBlocks = 3;
#else
constexpr int kMostSumsOfTwoBlocks = -1;
#endif

// One run's lanes of one register, added to the lanes of double; those of the first run start them.
BLINDSPOT_INLINE void flush(Floats run, bool first, Doubles* lanes) {
  constexpr int kHalves = kFloats / kWidth;
  Doubles halves[kHalves];
  widen(run, halves);
#pragma GCC unroll 2
  for (int half = 0; half < kHalves; ++half) lanes[half] = first ? halves[half] : lanes[half] + halves[half];
}

// The index i + Offset: added to a pointer, Offset becomes a constant of the load or store.
template <int Offset>
struct Shifted {
  std::size_t i;
  template <typename T>
  friend BLINDSPOT_INLINE T* operator+(T* pointer, Shifted index) {
    return pointer + index.i + Offset;
  }
};

// Runs body(i, terms) over all elements, V = Floats or float; the terms that it leaves for element(s) i are added up.
// Registers of lanes are independent: each goes over a whole run by itself, so that its sums stay in registers.
template <int Sums, typename Body>
BLINDSPOT_INLINE void sweep_floats(std::size_t n, double* sum, Body body) {
  Doubles total[Sums + 1][kParts];
  const std::size_t whole = n - n % kBlock;
  for (std::size_t start = 0; start < whole; start += kRun) {
    const std::size_t stop = whole - start > kRun ? start + kRun : whole;
#pragma GCC unroll 1
    for (int pack = 0; pack < kPacks; ++pack) {
      Floats run[Sums + 1] = {};
      const auto add = [&](auto i) BLINDSPOT_INLINE_LAMBDA {
        Floats term[Sums + 1];
        body.template operator()<Floats>(i, term);
#pragma GCC unroll 16
        for (int s = 0; s < Sums; ++s) run[s] += term[s];
      };
      std::size_t i = start + static_cast<std::size_t>(pack * kFloats);
      if constexpr (Sums <= kMostSumsOfTwoBlocks) {
        for (; i + kBlock < stop; i += 2 * kBlock) {
          add(Shifted<0>{i});
          add(Shifted<static_cast<int>(kBlock)>{i});
        }
        if (i < stop) add(Shifted<0>{i});
      } else {
#pragma GCC unroll 1
        for (; i < stop; i += kBlock) add(Shifted<0>{i});
      }
#pragma GCC unroll 16
      for (int s = 0; s < Sums; ++s) flush(run[s], start == 0, total[s] + pack * kFloats / kWidth);
    }
  }
  if (whole == n && n > 0) {
    for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(total[s]);
    return;
  }
  alignas(64) double lanes[Sums + 1][kLanes];
  for (int s = 0; s < Sums; ++s) {
    for (int part = 0; part < kParts; ++part) store(lanes[s] + part * kWidth, whole > 0 ? total[s][part] : Doubles{});
  }
  for (std::size_t i = whole; i < n; ++i) {
    float term[Sums + 1];
    body.template operator()<float>(Shifted<0>{i}, term);
    for (int s = 0; s < Sums; ++s) lanes[s][i - whole] += static_cast<double>(term[s]);
  }
  for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(lanes[s]);
}

// Hides from clang that this is a mask: for WebAssembly it makes three instructions of a mask's `and`.
template <typename M>
BLINDSPOT_INLINE M plain_bits(M mask) {
#if defined(__wasm_simd128__)
  __asm__("" : "+r"(mask));
#endif
  return mask;
}

// value where the condition holds, 0 elsewhere.
BLINDSPOT_INLINE float where(bool condition, float value) { return condition ? value : 0.0f; }
template <typename M>
BLINDSPOT_INLINE Floats where(M condition, Floats value) {
  return (Floats)((M)value & plain_bits(condition));
}

// value where the condition does not hold, 0 elsewhere.
BLINDSPOT_INLINE double except(bool condition, double value) { return condition ? 0.0 : value; }
template <typename M>
BLINDSPOT_INLINE Doubles except(M condition, Doubles value) {
  return (Doubles)((M)value & ~plain_bits(condition));
}

template <typename V>
BLINDSPOT_INLINE V clip(V value, float lower, float upper) {
  return smaller(larger(value, V{} + lower), V{} + upper);
}

DualSums dual_line(const float* z, const float* a, float mu, float lower, float upper, std::size_t n, float* y) {
  double sum[3];
  sweep_floats<3>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V zi = load<V>(z + i);
    const V ai = load<V>(a + i);
    const V value = zi - (V{} + mu) * ai;
    const V yi = clip(value, lower, upper);
    Memory<V>::store(y + i, yi);
    const V moved = yi - zi;
    term[0] = moved * moved;
    term[1] = ai * moved;
    term[2] = where(both(value >= V{} + lower, value <= V{} + upper), ai) * ai;
  });
  return {sum[0], sum[1], sum[2]};
}

template <int Planes>
double dual_point_of(const float* z, const float* const* a, const float* mu, float lower, float upper, std::size_t n,
                     float* y, double* residual) {
  double sum[1 + Planes];
  const float* row[Planes];
  float weight[Planes];
  for (int j = 0; j < Planes; ++j) row[j] = a[j], weight[j] = mu[j];
  sweep_floats<1 + Planes>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V zi = load<V>(z + i);
    V value = zi;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) value -= (V{} + weight[j]) * load<V>(row[j] + i);
    const V yi = clip(value, lower, upper);
    Memory<V>::store(y + i, yi);
    const V moved = yi - zi;
    term[0] = moved * moved;
    // The planes are read again, after the store: held for so long, they would take registers that the sums need.
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) term[1 + j] = load<V>(row[j] + i) * moved;
  });
  for (int j = 0; j < Planes; ++j) residual[j] = sum[1 + j];
  return sum[0];
}

double dual_point(const float* z, const float* const* a, const float* mu, int planes, float lower, float upper,
                  std::size_t n, float* y, double* residual) {
  switch (planes) {
    case 2: return dual_point_of<2>(z, a, mu, lower, upper, n, y, residual);
    case 3: return dual_point_of<3>(z, a, mu, lower, upper, n, y, residual);
    default: return dual_point_of<4>(z, a, mu, lower, upper, n, y, residual);
  }
}

template <int Planes>
void dual_gram_of(const float* y, const float* const* a, float lower, float upper, std::size_t n, double* gram) {
  constexpr int kPairs = Planes * (Planes + 1) / 2;
  double sum[kPairs];
  const float* row[Planes];
  for (int j = 0; j < Planes; ++j) row[j] = a[j];
  sweep_floats<kPairs>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V at = load<V>(y + i);
    const auto inside = both(at > V{} + lower, at < V{} + upper);
    V ai[Planes];
    int pair = 0;
#pragma GCC unroll 4
    for (int j = 0; j < Planes; ++j) {
      ai[j] = where(inside, load<V>(row[j] + i));
#pragma GCC unroll 4
      for (int k = 0; k <= j; ++k) term[pair++] = ai[j] * ai[k];
    }
  });
  int pair = 0;
  for (int j = 0; j < Planes; ++j) {
    for (int k = 0; k <= j; ++k) {
      gram[j * kMaxPlanes + k] = sum[pair];
      gram[k * kMaxPlanes + j] = sum[pair++];
    }
  }
}

void dual_gram(const float* y, const float* const* a, int planes, float lower, float upper, std::size_t n,
               double* gram) {
  switch (planes) {
    case 2: return dual_gram_of<2>(y, a, lower, upper, n, gram);
    case 3: return dual_gram_of<3>(y, a, lower, upper, n, gram);
    default: return dual_gram_of<4>(y, a, lower, upper, n, gram);
  }
}

template <typename V>
BLINDSPOT_INLINE V scaled(V a, float scale) {
  const V value = (V{} + scale) * a;
  return where(magnitude(value) >= V{} + 0x1p-40f, value);
}

void scaled_copy(const float* a, float scale, std::size_t n, float* out) {
  double nothing[1];
  sweep_floats<0>(n, nothing, [=]<typename V>(auto i, V*) BLINDSPOT_INLINE_LAMBDA {
    Memory<V>::store(out + i, scaled(load<V>(a + i), scale));
  });
}

template <bool Pair>
StepSums compare_points_of(const float* x, float* y0, const float* y1, const float* a0, const float* gradient,
                           float scale, float lower, float upper, std::size_t n, float* plane, float* d,
                           float* change) {
  double sum[8];
  sweep_floats<8>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V to = load<V>(y1 + i);
    const V step = to - load<V>(y0 + i);
    const V before = load<V>(a0 + i);
    const V after = scaled(load<V>(gradient + i), scale);
    const V f = to - load<V>(x + i);
    const auto free = both(to > V{} + lower, to < V{} + upper);
    Memory<V>::store(y0 + i, to);
    Memory<V>::store(plane + i, after);
    if constexpr (Pair) {
      Memory<V>::store(d + i, step);
      Memory<V>::store(change + i, where(either(step != V{}, free), after - before));
    }
    const V free_f = where(free, f);
    const V free_a = where(free, after);
    term[0] = step * step;
    term[1] = before * step;
    term[2] = after * step;
    term[3] = f * f;
    term[4] = after * f;
    term[5] = free_f * free_f;
    term[6] = free_f * free_a;
    term[7] = free_a * free_a;
  });
  return {sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]};
}

StepSums compare_points(const float* x, float* y0, const float* y1, const float* a0, const float* gradient, float scale,
                        float lower, float upper, std::size_t n, float* plane, float* d, float* change) {
  const auto compare = d != nullptr ? compare_points_of<true> : compare_points_of<false>;
  return compare(x, y0, y1, a0, gradient, scale, lower, upper, n, plane, d, change);
}

double split_free(const float* x, const float* y, const float* a, const float* target, float lower, float upper,
                  std::size_t n, float* f, float* m) {
  double sum[1];
  sweep_floats<1>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V at = load<V>(y + i);
    const V to = load<V>(target + i);
    const V ai = load<V>(a + i);
    const auto free = both(to > V{} + lower, to < V{} + upper);
    const V free_a = where(free, ai);
    Memory<V>::store(f + i, where(free, at - load<V>(x + i)));
    Memory<V>::store(m + i, free_a);
    term[0] = (ai - free_a) * (to - at);
  });
  return sum[0];
}

MoveSums move(const float* x, const float* y, const float* target, const float* coeff, const float* const* rows,
              std::size_t k, float scale, float lower, float upper, std::size_t n, float* out) {
  double sum[2];
  sweep_floats<2>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    V free_step = {};
    for (std::size_t j = 0; j < k; ++j) free_step += (V{} + coeff[j]) * load<V>(rows[j] + i);
    const V at = load<V>(y + i);
    const V to = load<V>(target + i);
    const auto fixed = either(to <= V{} + lower, to >= V{} + upper);
    const V step = fixed ? to - at : free_step;
    const V next = clip(at + (V{} + scale) * step, lower, upper);
    Memory<V>::store(out + i, next);
    const V moved = next - at;
    const V f = next - load<V>(x + i);
    term[0] = moved * moved;
    term[1] = f * f;
  });
  return {sum[0], sum[1]};
}

template <int Rows>
BLINDSPOT_INLINE void pair_dots_of(const float* const* rows, const float* u, const float* v, std::size_t n,
                                   double* out) {
  const float* row[Rows];
  for (int j = 0; j < Rows; ++j) row[j] = rows[j];
  sweep_floats<2 * Rows>(n, out, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V ui = load<V>(u + i);
    const V vi = load<V>(v + i);
#pragma GCC unroll 4
    for (int j = 0; j < Rows; ++j) {
      const V a = load<V>(row[j] + i);
      term[2 * j] = a * ui;
      term[2 * j + 1] = a * vi;
    }
  });
}

void pair_dots(const float* const* rows, std::size_t k, const float* u, const float* v, std::size_t n, double* out) {
  std::size_t j = 0;
  for (; j + 4 <= k; j += 4) pair_dots_of<4>(rows + j, u, v, n, out + 2 * j);
  for (; j + 2 <= k; j += 2) pair_dots_of<2>(rows + j, u, v, n, out + 2 * j);
  for (; j < k; ++j) pair_dots_of<1>(rows + j, u, v, n, out + 2 * j);
}

template <int Rows>
BLINDSPOT_INLINE void dots_from_of(const float* const* rows, const float* x, const float* u, std::size_t n,
                                   double* out) {
  const float* row[Rows];
  for (int j = 0; j < Rows; ++j) row[j] = rows[j];
  sweep_floats<Rows>(n, out, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V moved = load<V>(u + i) - load<V>(x + i);
#pragma GCC unroll 4
    for (int j = 0; j < Rows; ++j) term[j] = load<V>(row[j] + i) * moved;
  });
}

void dots_from(const float* const* rows, std::size_t k, const float* x, const float* u, std::size_t n, double* out) {
  std::size_t j = 0;
  for (; j + 4 <= k; j += 4) dots_from_of<4>(rows + j, x, u, n, out + j);
  for (; j + 3 <= k; j += 3) dots_from_of<3>(rows + j, x, u, n, out + j);
  for (; j < k; ++j) dots_from_of<1>(rows + j, x, u, n, out + j);
}

double squared_distance_in_floats(const float* a, const float* b, std::size_t n) {
  double sum[1];
  sweep_floats<1>(n, sum, [=]<typename V>(auto i, V* term) BLINDSPOT_INLINE_LAMBDA {
    const V difference = load<V>(a + i) - load<V>(b + i);
    term[0] = difference * difference;
  });
  return sum[0];
}

void between(const float* x, const float* y, float t, float lower, float upper, std::size_t n, float* out) {
  double nothing[1];
  sweep_floats<0>(n, nothing, [=]<typename V>(auto i, V*) BLINDSPOT_INLINE_LAMBDA {
    const V from = load<V>(x + i);
    Memory<V>::store(out + i, clip(from + (V{} + t) * (load<V>(y + i) - from), lower, upper));
  });
}

template <typename W>
BLINDSPOT_INLINE W xorshift(W word) {
  word ^= word << 13;
  word ^= word >> 17;
  return word ^ (word << 5);
}

void add_noise(const float* around, float amplitude, float lower, float upper, std::size_t n, std::uint32_t* state,
               float* out) {
  typedef Pack<std::uint32_t> Words;
  typedef Pack<std::int32_t> Integers;
  const float unit = amplitude * 0x1p-31f;
  Words words[kPacks];
  __builtin_memcpy(words, state, sizeof words);
  const std::size_t whole = n - n % kBlock;
  for (std::size_t start = 0; start < whole; start += kBlock) {
#pragma GCC unroll 4
    for (int pack = 0; pack < kPacks; ++pack) {
      const std::size_t i = start + static_cast<std::size_t>(pack * kFloats);
      words[pack] = xorshift(words[pack]);
      const Floats drawn = __builtin_convertvector((Integers)words[pack], Floats);
      Memory<Floats>::store(out + i, clip(load<Floats>(around + i) + (Floats{} + unit) * drawn, lower, upper));
    }
  }
  __builtin_memcpy(state, words, sizeof words);
  for (std::size_t i = whole; i < n; ++i) {
    std::uint32_t& word = state[i - whole];
    word = xorshift(word);
    out[i] = clip(around[i] + unit * static_cast<float>(static_cast<std::int32_t>(word)), lower, upper);
  }
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
    term[0] = except(held, g * g);
    term[1] = except(held, f * ai);
    term[2] = except(held, ai * ai);
    term[3] = f * f;
  });
  return {sum[0], sum[1], sum[2], sum[3]};
}

}  // namespace

const SearchOps& search_table() {
  static constexpr SearchOps ops = {
      dual_line,  dual_point, dual_gram,    scaled_copy, compare_points,
      split_free, move,       pair_dots,    dots_from,   squared_distance_in_floats,
      between,    add_noise,  stationarity,
  };
  return ops;
}
