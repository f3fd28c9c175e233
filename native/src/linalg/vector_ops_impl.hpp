// The one source of the vector kernels (contract: vector_ops.hpp). Each vector_ops_<set>.cpp defines
//
//   BLINDSPOT_SET            the name of the set, a namespace
//   BLINDSPOT_VECTOR_BYTES   16, 32 or 64: the width of a register, never more than the set has, since a
//                            compiler splits wider vectors badly
//
// and includes this file under that set's compiler flags. For that reason nothing here may come from the
// standard library's templates: the linker keeps one copy of an inline function, and a copy compiled for
// AVX-512 must not reach the code that every machine runs.
//
// A block is 16 elements, the 16 virtual lanes, held in kParts registers. Tails run the same expression
// on plain doubles, lane by lane, after the blocks; each lane still adds in the order of the index. Loads are
// written unaligned: on aligned addresses they cost the same.
#include <cstddef>
#include <cstdint>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__x86_64__)
#include <immintrin.h>
#endif

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"

namespace blindspot {
namespace BLINDSPOT_SET {
namespace {

#include "linalg/registers_impl.hpp"

// ---------------------------------------------------------------------------------------- many dots

// A tile of Rows x Vectors dots that share their loads. The lanes are independent, so a set with few
// registers works on a few registers' worth of lanes at a time (Share of the kParts), a chunk that stays in
// the first cache after the other.
template <typename T, int Rows, int Vectors, int Share>
BLINDSPOT_INLINE void dot_tile(const T* const* rows, const T* const* vectors, std::size_t n, double* out) {
  static_assert(kParts % Share == 0, "");
  constexpr std::size_t kChunk = Share == kParts ? SIZE_MAX : 512;
  const std::size_t whole = n - n % kBlock;
  const T* row[Rows];
  const T* vector[Vectors];
  for (int r = 0; r < Rows; ++r) row[r] = rows[r];
  for (int v = 0; v < Vectors; ++v) vector[v] = vectors[v];
  alignas(64) double lanes[Rows][Vectors][kLanes] = {};
  for (std::size_t start = 0; start < whole;) {
    const std::size_t stop = whole - start > kChunk ? start + kChunk : whole;
#pragma GCC unroll 1
    for (int first = 0; first < kParts; first += Share) {
      Doubles total[Rows][Vectors][Share];
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
#pragma GCC unroll 8
          for (int part = 0; part < Share; ++part) {
            total[r][v][part] = load<Doubles>(lanes[r][v] + (first + part) * kWidth);
          }
        }
      }
#pragma GCC unroll 1
      for (std::size_t i = start; i < stop; i += kBlock) {
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) look_ahead<kLanes * sizeof(T)>(row[r] + i);
#pragma GCC unroll 8
        for (int part = 0; part < Share; ++part) {
          const std::size_t at = i + static_cast<std::size_t>((first + part) * kWidth);
          Doubles b[Vectors];
#pragma GCC unroll 4
          for (int v = 0; v < Vectors; ++v) b[v] = load<Doubles>(vector[v] + at);
#pragma GCC unroll 8
          for (int r = 0; r < Rows; ++r) {
            const Doubles a = load<Doubles>(row[r] + at);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) total[r][v][part] += a * b[v];
          }
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
#pragma GCC unroll 8
          for (int part = 0; part < Share; ++part) {
            store(lanes[r][v] + (first + part) * kWidth, total[r][v][part]);
          }
        }
      }
    }
    start = stop;
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      for (std::size_t i = whole; i < n; ++i) {
        lanes[r][v][i - whole] += static_cast<double>(row[r][i]) * static_cast<double>(vector[v][i]);
      }
      out[r * Vectors + v] = tree_sum(lanes[r][v]);
    }
  }
}

template <typename T>
double dot(const T* a, const T* b, std::size_t n) {
  double sum;
  sweep<1, 0>(n, &sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    term[0] = load<V>(a + i) * load<V>(b + i);
  });
  return sum;
}

// Rows of a tile and lane registers of a sweep, by the registers that a set has: 32 of 64 bytes, 16 of
// 32 bytes, 16 of 16 bytes.
constexpr int kRowsOfOne = kWidth == 8 ? 8 : kWidth == 4 ? 2 : 4;
constexpr int kShareOfOne = kWidth == 8 ? 2 : kWidth == 4 ? 4 : 2;
constexpr int kRowsOfTwo = kWidth == 8 ? 5 : 2;
constexpr int kShareOfTwo = 2;
constexpr int kRowsOfThree = kWidth == 8 ? 4 : 2;
constexpr int kShareOfThree = 2;

template <typename T>
void multi_dot(const T* const* rows, std::size_t k, const T* v, std::size_t n, double* out) {
  std::size_t j = 0;
  for (; j + kRowsOfOne <= k; j += kRowsOfOne) dot_tile<T, kRowsOfOne, 1, kShareOfOne>(rows + j, &v, n, out + j);
  if constexpr (kRowsOfOne >= 8) {
    for (; j + 4 <= k; j += 4) dot_tile<T, 4, 1, kParts>(rows + j, &v, n, out + j);
  }
  if constexpr (kRowsOfOne >= 4) {
    for (; j + 2 <= k; j += 2) dot_tile<T, 2, 1, kShareOfOne>(rows + j, &v, n, out + j);
  }
  for (; j < k; ++j) dot_tile<T, 1, 1, kParts>(rows + j, &v, n, out + j);
}

template <typename T>
void double_dot(const T* const* rows, std::size_t k, const T* const* vectors, std::size_t n, double* out) {
  std::size_t j = 0;
  for (; j + kRowsOfTwo <= k; j += kRowsOfTwo) {
    dot_tile<T, kRowsOfTwo, 2, kShareOfTwo>(rows + j, vectors, n, out + 2 * j);
  }
  for (; j < k; ++j) dot_tile<T, 1, 2, kShareOfTwo>(rows + j, vectors, n, out + 2 * j);
}

template <typename T>
void triple_dot(const T* const* rows, std::size_t k, const T* const* vectors, std::size_t n, double* out) {
  std::size_t j = 0;
  for (; j + kRowsOfThree <= k; j += kRowsOfThree) {
    dot_tile<T, kRowsOfThree, 3, kShareOfThree>(rows + j, vectors, n, out + 3 * j);
  }
  if constexpr (kRowsOfThree >= 4) {
    for (; j + 2 <= k; j += 2) dot_tile<T, 2, 3, kParts>(rows + j, vectors, n, out + 3 * j);
  }
  for (; j < k; ++j) dot_tile<T, 1, 3, kShareOfThree>(rows + j, vectors, n, out + 3 * j);
}

// ------------------------------------------------------------------------------------- combinations

// out_i = start_i + sum_j coeff[j] rows[j][i]; start null means 0. Blocks that are summed together share
// the reading of coefficients and pointers, and hide the latency of the additions.
template <typename T, int Parts>
BLINDSPOT_INLINE void combine_at(const T* start, const double* coeff, const T* const* rows, std::size_t k, T* out,
                                 std::size_t i) {
  Doubles sum[Parts];
#pragma GCC unroll 8
  for (int part = 0; part < Parts; ++part) {
    sum[part] = start == nullptr ? Doubles{} : load<Doubles>(start + i + part * kWidth);
  }
  for (std::size_t j = 0; j < k; ++j) {
    const T* row = rows[j] + i;
    if constexpr (Parts > 1) look_ahead<Parts * kWidth * sizeof(T)>(row);
    const Doubles c = Doubles{} + coeff[j];
#pragma GCC unroll 8
    for (int part = 0; part < Parts; ++part) sum[part] += c * load<Doubles>(row + part * kWidth);
  }
#pragma GCC unroll 8
  for (int part = 0; part < Parts; ++part) Memory<Doubles>::store(out + i + part * kWidth, sum[part]);
}

template <typename T>
BLINDSPOT_INLINE void combine_from(const T* start, const double* coeff, const T* const* rows, std::size_t k, T* out,
                                   std::size_t n) {
  constexpr std::size_t kWide = 8 * kWidth;
  constexpr std::size_t kNarrow = kWidth;
  std::size_t i = 0;
  for (; i + kWide <= n; i += kWide) combine_at<T, 8>(start, coeff, rows, k, out, i);
  for (; i + kNarrow <= n; i += kNarrow) combine_at<T, 1>(start, coeff, rows, k, out, i);
  for (; i < n; ++i) {
    double sum = start == nullptr ? 0.0 : static_cast<double>(start[i]);
    for (std::size_t j = 0; j < k; ++j) sum += coeff[j] * static_cast<double>(rows[j][i]);
    out[i] = static_cast<T>(sum);
  }
}

template <typename T>
void multi_axpy(const double* coeff, const T* const* rows, std::size_t k, T* y, std::size_t n) {
  combine_from(static_cast<const T*>(y), coeff, rows, k, y, n);
}

template <typename T>
void combine(const double* coeff, const T* const* rows, std::size_t k, T* out, std::size_t n) {
  combine_from(static_cast<const T*>(nullptr), coeff, rows, k, out, n);
}

template <typename T>
void axpy(double alpha, const T* x, T* y, std::size_t n) {
  const T a = static_cast<T>(alpha);
  typedef T Pack __attribute__((vector_size(BLINDSPOT_VECTOR_BYTES)));
  constexpr std::size_t kPack = BLINDSPOT_VECTOR_BYTES / sizeof(T);
  std::size_t i = 0;
  for (; i + 4 * kPack <= n; i += 4 * kPack) {
#pragma GCC unroll 4
    for (std::size_t part = i; part < i + 4 * kPack; part += kPack) {
      Pack p, q;
      __builtin_memcpy(&p, x + part, sizeof p);
      __builtin_memcpy(&q, y + part, sizeof q);
      q += a * p;
      __builtin_memcpy(y + part, &q, sizeof q);
    }
  }
  for (; i < n; ++i) y[i] += a * x[i];
}

template <typename T>
void subtract(const T* a, const T* b, T* out, std::size_t n) {
  sweep<0, 0>(n, nullptr, nullptr, [=]<typename V>(std::size_t i, V*, V*) BLINDSPOT_INLINE_LAMBDA {
    // The double difference of two floats rounds to float as the float difference does (53 >= 2*24+2).
    Memory<V>::store(out + i, load<V>(a + i) - load<V>(b + i));
  });
}

template <typename T>
double squared_distance(const T* a, const T* b, std::size_t n) {
  double sum;
  sweep<1, 0>(n, &sum, nullptr, [=]<typename V>(std::size_t i, V* term, V*) BLINDSPOT_INLINE_LAMBDA {
    const V difference = load<V>(a + i) - load<V>(b + i);
    term[0] = difference * difference;
  });
  return sum;
}

// ------------------------------------------------------------------------------- steps in the box

template <typename T>
void clipped_step(double alpha, const T* x, const T* d, const T* l, const T* u, T* out, std::size_t n) {
  sweep<0, 0>(n, nullptr, nullptr, [=]<typename V>(std::size_t i, V*, V*) BLINDSPOT_INLINE_LAMBDA {
    const V y = load<V>(x + i) + (V{} + alpha) * load<V>(d + i);
    Memory<V>::store(out + i, smaller(larger(y, load<V>(l + i)), load<V>(u + i)));
  });
}

template <typename T>
GradientScan scan_gradient(const T* x, const T* g, const T* l, const T* u, const T* was_free, T* d, T* free,
                           std::size_t n) {
  double sum[1];
  double maximum[3];
  const auto at = [=]<typename V>(std::size_t i, V* left, V* right, V* highest) BLINDSPOT_INLINE_LAMBDA {
    const V zero = {};
    const V one = zero + T(1);
    const V xi = load<V>(x + i);
    const V gi = load<V>(g + i);
    const V li = load<V>(l + i);
    const V ui = load<V>(u + i);
    const V projected = gi < zero ? larger(gi, xi - ui) : smaller(gi, xi - li);
    const V above = both(xi <= li, gi >= zero) ? zero : one;
    const V is_free = both(xi >= ui, gi <= zero) ? zero : above;
    const V direction = is_free > zero ? -gi : zero;
    const V before = load<V>(was_free + i);
    Memory<V>::store(d + i, direction);
    Memory<V>::store(free + i, is_free);
    left[0] = direction;
    right[0] = direction;
    highest[0] = larger(magnitude(projected), highest[0]);
    highest[1] = is_free == before ? highest[1] : one;
    highest[2] = is_free > zero ? highest[2] : one;
  };
  sweep_packs<T, 1, 3>(n, sum, maximum, at);
  return {maximum[0], sum[0], !(maximum[2] > 0.0), maximum[1] > 0.0};
}

template <typename T>
PairScan make_pair(const T* x1, const T* x0, const T* g1, const T* g0, const T* free, T* s, T* y, T* free_y,
                   std::size_t n) {
  double sum[4];
  sweep_packs<T, 4, 0>(n, sum, nullptr, [=]<typename V>(std::size_t i, V* left, V* right, V*) BLINDSPOT_INLINE_LAMBDA {
    const V si = load<V>(x1 + i) - load<V>(x0 + i);
    const V yi = load<V>(g1 + i) - load<V>(g0 + i);
    Memory<V>::store(s + i, si);
    Memory<V>::store(y + i, yi);
    const V free_yi = load<V>(free + i) > V{} ? yi : V{};
    Memory<V>::store(free_y + i, free_yi);
    left[0] = si, right[0] = yi;
    left[1] = yi, right[1] = yi;
    left[2] = si, right[2] = si;
    left[3] = free_yi, right[3] = free_yi;
  });
  return {sum[0], sum[1], sum[2], sum[3]};
}

template <typename T>
StepScan project_step(const T* x, const T* g, const T* l, const T* u, const T* free, T* d, T* z, std::size_t n) {
  double sum[2];
  double maximum[1];
  const auto at = [=]<typename V>(std::size_t i, V* left, V* right, V* highest) BLINDSPOT_INLINE_LAMBDA {
    const V zero = {};
    const V xi = load<V>(x + i);
    const V li = load<V>(l + i);
    const V ui = load<V>(u + i);
    const V is_free = load<V>(free + i);
    const V aim = xi + (is_free > zero ? load<V>(d + i) : zero);
    const V zi = smaller(larger(aim, li), ui);
    const V di = zi - xi;
    Memory<V>::store(z + i, zi);
    Memory<V>::store(d + i, di);
    left[0] = load<V>(g + i), right[0] = di;
    left[1] = di, right[1] = di;
    highest[0] = both(is_free > zero, either(aim <= li, aim >= ui)) ? zero + T(1) : highest[0];
  };
  sweep_packs<T, 2, 1>(n, sum, maximum, at);
  return {sum[0], sum[1], maximum[0] > 0.0};
}

template <typename T>
bool leaves_box(double t, const T* x, const T* d, const T* l, const T* u, std::size_t n) {
  double outside[1];
  const T step = static_cast<T>(t);
  sweep_packs<T, 0, 1>(n, nullptr, outside, [=]<typename V>(std::size_t i, V*, V*, V* highest) BLINDSPOT_INLINE_LAMBDA {
    const V aim = load<V>(x + i) + (V{} + step) * load<V>(d + i);
    highest[0] = either((aim < load<V>(l + i)), (aim > load<V>(u + i))) ? V{} + T(1) : highest[0];
  });
  return outside[0] > 0.0;
}

template <typename T>
double longest_step(const T* x, const T* d, const T* l, const T* u, std::size_t n) {
  // The minimum of a is minus the maximum of -a, from minus infinity; sweep's maxima start at 0, so the
  // reciprocal is kept: the largest d / (bound - x), 0 when no bound is ever met.
  double fastest[1];
  sweep<0, 1>(n, nullptr, fastest, [=]<typename V>(std::size_t i, V*, V* highest) BLINDSPOT_INLINE_LAMBDA {
    const V zero = {};
    const V di = load<V>(d + i);
    const V room = (di < zero ? load<V>(l + i) : load<V>(u + i)) - load<V>(x + i);
    const V speed = either((di < zero), (di > zero)) ? di / room : zero;
    highest[0] = larger(speed, highest[0]);
  });
  return fastest[0] > 0.0 ? 1.0 / fastest[0] : kInfinity;
}

template <typename T>
bool all_finite(const T* a, std::size_t n) {
  double bad[1];
  sweep<0, 1>(n, nullptr, bad, [=]<typename V>(std::size_t i, V*, V* highest) BLINDSPOT_INLINE_LAMBDA {
    const V nothing = load<V>(a + i) * V{};  // 0, or NaN when a_i is not finite
    highest[0] = nothing == V{} ? highest[0] : V{} + 1.0;
  });
  return bad[0] == 0.0;
}

}  // namespace

template <typename T>
const VectorOps<T>& table() {
  static constexpr VectorOps<T> ops = {
      dot<T>,          multi_dot<T>,  axpy<T>,         multi_axpy<T>,   subtract<T>,      squared_distance<T>,
      double_dot<T>,   triple_dot<T>, combine<T>,      clipped_step<T>, scan_gradient<T>, make_pair<T>,
      project_step<T>, leaves_box<T>, longest_step<T>, all_finite<T>,
  };
  return ops;
}

template const VectorOps<float>& table<float>();
template const VectorOps<double>& table<double>();

#include "linalg/search_ops_impl.hpp"

}  // namespace BLINDSPOT_SET
}  // namespace blindspot
