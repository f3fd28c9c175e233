// Registers of an instruction set, and sweeps over vectors by blocks of 16 lanes: what the kernels of vector_ops_impl.hpp and
// search_ops_impl.hpp are written in. Included by the former, inside its namespace; the rules at its head hold here too.

constexpr int kLanes = 16;
constexpr int kWidth = BLINDSPOT_VECTOR_BYTES / 8;  // doubles in a register
constexpr int kParts = kLanes / kWidth;
constexpr std::size_t kBlock = kLanes;
constexpr double kInfinity = __builtin_inf();

typedef double Doubles __attribute__((vector_size(BLINDSPOT_VECTOR_BYTES)));
typedef float HalfFloats __attribute__((vector_size(BLINDSPOT_VECTOR_BYTES / 2)));

#define BLINDSPOT_INLINE inline __attribute__((always_inline))
#define BLINDSPOT_INLINE_LAMBDA __attribute__((always_inline))

template <typename V>
struct Memory;

template <>
struct Memory<double> {
  template <typename T>
  static BLINDSPOT_INLINE double load(const T* from) {
    return static_cast<double>(*from);
  }
  template <typename T>
  static BLINDSPOT_INLINE void store(T* to, double value) {
    *to = static_cast<T>(value);
  }
};

// The conversions are spelled out because gcc 12 splits __builtin_convertvector into half registers.
template <>
struct Memory<Doubles> {
  static BLINDSPOT_INLINE Doubles load(const double* from) {
    Doubles value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }
  static BLINDSPOT_INLINE Doubles load(const float* from) {
#if defined(__wasm_simd128__)
    return (Doubles)wasm_f64x2_promote_low_f32x4(wasm_v128_load64_zero(from));
#elif BLINDSPOT_VECTOR_BYTES == 64
    return (Doubles)_mm512_cvtps_pd(_mm256_loadu_ps(from));
#elif BLINDSPOT_VECTOR_BYTES == 32
    return (Doubles)_mm256_cvtps_pd(_mm_loadu_ps(from));
#elif defined(__x86_64__)
    double two_floats;
    __builtin_memcpy(&two_floats, from, sizeof two_floats);
    return (Doubles)_mm_cvtps_pd(_mm_castpd_ps(_mm_set_sd(two_floats)));
#else
    HalfFloats value;
    __builtin_memcpy(&value, from, sizeof value);
    return __builtin_convertvector(value, Doubles);
#endif
  }
  static BLINDSPOT_INLINE void store(double* to, Doubles value) { __builtin_memcpy(to, &value, sizeof value); }
  static BLINDSPOT_INLINE void store(float* to, Doubles value) {
#if defined(__wasm_simd128__)
    wasm_v128_store64_lane(to, wasm_f32x4_demote_f64x2_zero((v128_t)value), 0);
#elif BLINDSPOT_VECTOR_BYTES == 64
    _mm256_storeu_ps(to, _mm512_cvtpd_ps((__m512d)value));
#elif BLINDSPOT_VECTOR_BYTES == 32
    _mm_storeu_ps(to, _mm256_cvtpd_ps((__m256d)value));
#elif defined(__x86_64__)
    const double two_floats = _mm_cvtsd_f64(_mm_castps_pd(_mm_cvtpd_ps((__m128d)value)));
    __builtin_memcpy(to, &two_floats, sizeof two_floats);
#else
    const HalfFloats narrow = __builtin_convertvector(value, HalfFloats);
    __builtin_memcpy(to, &narrow, sizeof narrow);
#endif
  }
};

// A full register of T, for kernels whose arithmetic is in T.
template <typename T>
struct PackOf {
  typedef T Type __attribute__((vector_size(BLINDSPOT_VECTOR_BYTES)));
};
template <typename T>
using Pack = typename PackOf<T>::Type;

template <typename T>
constexpr int kPackWidth = BLINDSPOT_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <>
struct Memory<float> {
  static BLINDSPOT_INLINE float load(const float* from) { return *from; }
  static BLINDSPOT_INLINE void store(float* to, float value) { *to = value; }
};

template <>
struct Memory<Pack<float>> {
  static BLINDSPOT_INLINE Pack<float> load(const float* from) {
    Pack<float> value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }
  static BLINDSPOT_INLINE void store(float* to, Pack<float> value) { __builtin_memcpy(to, &value, sizeof value); }
};

// The doubles of a pack, in order.
BLINDSPOT_INLINE void widen(Pack<double> pack, Doubles* out) { out[0] = pack; }
BLINDSPOT_INLINE void widen(Pack<float> pack, Doubles* out) {
#if defined(__wasm_simd128__)
  const v128_t all = (v128_t)pack;
  out[0] = (Doubles)wasm_f64x2_promote_low_f32x4(all);
  out[1] = (Doubles)wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(all, all, 2, 3, 2, 3));
#elif BLINDSPOT_VECTOR_BYTES == 64
  out[0] = (Doubles)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)pack));
  out[1] = (Doubles)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)pack, 1));
#elif BLINDSPOT_VECTOR_BYTES == 32
  out[0] = (Doubles)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)pack));
  out[1] = (Doubles)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)pack, 1));
#elif defined(__x86_64__)
  out[0] = (Doubles)_mm_cvtps_pd((__m128)pack);
  out[1] = (Doubles)_mm_cvtps_pd(_mm_movehl_ps((__m128)pack, (__m128)pack));
#else
  out[0] = Doubles{pack[0], pack[1]};
  out[1] = Doubles{pack[2], pack[3]};
#endif
}

template <typename V, typename T>
BLINDSPOT_INLINE V load(const T* from) {
  return Memory<V>::load(from);
}

// Stores value rounded to T and answers what was stored.
template <typename V, typename T>
BLINDSPOT_INLINE V store(T* to, V value) {
  Memory<V>::store(to, value);
  if constexpr (sizeof(T) == sizeof(double)) return value;
  return Memory<V>::load(to);
}

// b when one is not a number.
template <typename V>
BLINDSPOT_INLINE V larger(V a, V b) {
  return a > b ? a : b;
}

template <typename V>
BLINDSPOT_INLINE V smaller(V a, V b) {
  return a < b ? a : b;
}

// One instruction, where a compiler makes two or three of the selection.
BLINDSPOT_INLINE Pack<float> larger(Pack<float> a, Pack<float> b) {
#if defined(__wasm_simd128__)
  return (Pack<float>)wasm_f32x4_pmax((v128_t)b, (v128_t)a);
#elif BLINDSPOT_VECTOR_BYTES == 64
  return (Pack<float>)_mm512_max_ps((__m512)a, (__m512)b);
#elif BLINDSPOT_VECTOR_BYTES == 32
  return (Pack<float>)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (Pack<float>)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}

BLINDSPOT_INLINE Pack<float> smaller(Pack<float> a, Pack<float> b) {
#if defined(__wasm_simd128__)
  return (Pack<float>)wasm_f32x4_pmin((v128_t)b, (v128_t)a);
#elif BLINDSPOT_VECTOR_BYTES == 64
  return (Pack<float>)_mm512_min_ps((__m512)a, (__m512)b);
#elif BLINDSPOT_VECTOR_BYTES == 32
  return (Pack<float>)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (Pack<float>)_mm_min_ps((__m128)a, (__m128)b);
#else
  return a < b ? a : b;
#endif
}

template <typename M>
BLINDSPOT_INLINE M either(M a, M b) {
  return a | b;
}
BLINDSPOT_INLINE bool either(bool a, bool b) { return a || b; }

template <typename M>
BLINDSPOT_INLINE M both(M a, M b) {
  return a & b;
}
BLINDSPOT_INLINE bool both(bool a, bool b) { return a && b; }

template <typename V>
BLINDSPOT_INLINE V magnitude(V a) {
  return a < V{} ? -a : a;
}
#if defined(__wasm_simd128__)
BLINDSPOT_INLINE Pack<float> magnitude(Pack<float> a) { return (Pack<float>)wasm_f32x4_abs((v128_t)a); }
#endif

// ((l0+l8)+(l4+l12))+…
BLINDSPOT_INLINE double tree_sum(const Doubles* lanes) {
  Doubles half[kParts];
#pragma GCC unroll 8
  for (int part = 0; part < kParts; ++part) half[part] = lanes[part];
#pragma GCC unroll 8
  for (int stride = kParts / 2; stride >= 1; stride /= 2) {
#pragma GCC unroll 8
    for (int part = 0; part < stride; ++part) half[part] += half[part + stride];
  }
  Doubles last = half[0];
#if BLINDSPOT_VECTOR_BYTES == 64
  last += __builtin_shufflevector(last, last, 4, 5, 6, 7, 4, 5, 6, 7);
  last += __builtin_shufflevector(last, last, 2, 3, 2, 3, 2, 3, 2, 3);
#elif BLINDSPOT_VECTOR_BYTES == 32
  last += __builtin_shufflevector(last, last, 2, 3, 2, 3);
#endif
  return last[0] + last[1];
}

BLINDSPOT_INLINE double tree_sum(const double* lanes) {
  Doubles parts[kParts];
#pragma GCC unroll 8
  for (int part = 0; part < kParts; ++part) parts[part] = load<Doubles>(lanes + part * kWidth);
  return tree_sum(parts);
}

// Runs body(i, left, right, maxima) over all elements, its arithmetic in T: V = Pack<T> or T. Each sum is one of products, in
// double, of two values of T that the body leaves in left and right; the maxima (which start at 0) it raises itself.
template <typename T, int Sums, int Maxima, typename Body>
BLINDSPOT_INLINE void sweep_packs(std::size_t n, double* sum, double* maximum, Body body) {
  constexpr int kStep = kPackWidth<T>;
  constexpr int kDoublesInPack = kStep / kWidth;
  Doubles total[Sums + 1][kParts] = {};
  Pack<T> highest[Maxima + 1] = {};
  const std::size_t whole = n - n % kBlock;
  for (std::size_t i = 0; i < whole; i += kBlock) {
#pragma GCC unroll 8
    for (int first = 0; first < kLanes; first += kStep) {
      Pack<T> left[Sums + 1];
      Pack<T> right[Sums + 1];
      body.template operator()<Pack<T>>(i + static_cast<std::size_t>(first), left, right, highest);
#pragma GCC unroll 4
      for (int s = 0; s < Sums; ++s) {
        Doubles a[kDoublesInPack];
        Doubles b[kDoublesInPack];
        widen(left[s], a);
        widen(right[s], b);
#pragma GCC unroll 2
        for (int part = 0; part < kDoublesInPack; ++part) total[s][first / kWidth + part] += a[part] * b[part];
      }
    }
  }
  T highest_one[Maxima + 1] = {};
  if (whole == n) {
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(total[s]);
  } else {
    alignas(64) double lanes[Sums + 1][kLanes];
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) {
#pragma GCC unroll 8
      for (int part = 0; part < kParts; ++part) store(lanes[s] + part * kWidth, total[s][part]);
    }
    for (std::size_t i = whole; i < n; ++i) {
      T left[Sums + 1];
      T right[Sums + 1];
      body.template operator()<T>(i, left, right, highest_one);
#pragma GCC unroll 4
      for (int s = 0; s < Sums; ++s) {
        lanes[s][i - whole] += static_cast<double>(left[s]) * static_cast<double>(right[s]);
      }
    }
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(lanes[s]);
  }
  for (int x = 0; x < Maxima; ++x) {
    T best = highest_one[x];
    for (int lane = 0; lane < kStep; ++lane) best = larger(best, static_cast<T>(highest[x][lane]));
    maximum[x] = static_cast<double>(best);
  }
}

// The same with the arithmetic in double, V = Doubles or double: the body leaves what element(s) i add to each sum.
template <int Sums, int Maxima, typename Body>
BLINDSPOT_INLINE void sweep(std::size_t n, double* sum, double* maximum, Body body) {
  Doubles total[Sums + 1][kParts] = {};
  Doubles highest[Maxima + 1] = {};
  const std::size_t whole = n - n % kBlock;
  for (std::size_t i = 0; i < whole; i += kBlock) {
#pragma GCC unroll 8
    for (int part = 0; part < kParts; ++part) {
      Doubles term[Sums + 1];
      body.template operator()<Doubles>(i + static_cast<std::size_t>(part * kWidth), term, highest);
#pragma GCC unroll 4
      for (int s = 0; s < Sums; ++s) total[s][part] += term[s];
    }
  }
  double highest_one[Maxima + 1] = {};
  if (whole == n) {
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(total[s]);
  } else {
    alignas(64) double lanes[Sums + 1][kLanes];
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) {
#pragma GCC unroll 8
      for (int part = 0; part < kParts; ++part) store(lanes[s] + part * kWidth, total[s][part]);
    }
    for (std::size_t i = whole; i < n; ++i) {
      double term[Sums + 1];
      body.template operator()<double>(i, term, highest_one);
#pragma GCC unroll 4
      for (int s = 0; s < Sums; ++s) lanes[s][i - whole] += term[s];
    }
#pragma GCC unroll 4
    for (int s = 0; s < Sums; ++s) sum[s] = tree_sum(lanes[s]);
  }
  for (int x = 0; x < Maxima; ++x) {
    maximum[x] = highest_one[x];
    for (int lane = 0; lane < kWidth; ++lane) maximum[x] = larger(maximum[x], highest[x][lane]);
  }
}

// Many rows at once are more than the hardware foresees: of each, the lines so far ahead are asked for. They may lie
// beyond its end.
constexpr int kBytesAhead = 768;
template <int Bytes, typename T>
BLINDSPOT_INLINE void look_ahead(const T* row) {
#pragma GCC unroll 8
  for (int line = 0; line < Bytes; line += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(row) + kBytesAhead + line);
  }
}
