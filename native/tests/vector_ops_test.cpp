// Every kernel against a naive loop (within rounding), and bit for bit between instruction sets.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "instruction_sets.hpp"
#include "linalg/vector_ops.hpp"
#include "linalg/x86_level.hpp"
#include "problems.hpp"

using blindspot::vector_ops;
using blindspot::VectorOps;
using problems::Random;

namespace {

std::vector<std::size_t> sizes() {
  std::vector<std::size_t> list;
  for (std::size_t n = 0; n <= 70; ++n) list.push_back(n);
  for (std::size_t n : {127, 784, 1000, 1027, 3072, 5003}) list.push_back(n);
  return list;
}

template <typename T>
std::vector<T> random_vector(std::size_t n, Random& random, double low = -1.5, double high = 1.5) {
  std::vector<T> v(n);
  for (T& value : v) value = static_cast<T>(random.between(low, high));
  return v;
}

// A case: everything a kernel may read, the same for every instruction set.
template <typename T>
struct Case {
  static constexpr std::size_t kRows = 23;
  std::size_t n;
  std::vector<std::vector<T>> rows;
  std::vector<T> x, g, lower, upper, free;
  std::vector<double> coefficients;

  Case(std::size_t size, std::uint64_t seed) : n(size) {
    Random random(seed);
    for (std::size_t j = 0; j < kRows; ++j) rows.push_back(random_vector<T>(n, random));
    x = random_vector<T>(n, random, 0.0, 1.0);
    g = random_vector<T>(n, random);
    lower.assign(n, T(0));
    upper.assign(n, T(1));
    free.assign(n, T(1));
    for (std::size_t i = 0; i < n; ++i) {
      const double u = random.uniform();
      if (u < 0.2) x[i] = lower[i];
      if (u > 0.8) x[i] = upper[i];
      if (u > 0.4 && u < 0.45) lower[i] = -std::numeric_limits<T>::infinity();
      if (u > 0.45 && u < 0.5) upper[i] = std::numeric_limits<T>::infinity();
      if (u > 0.5 && u < 0.55) lower[i] = upper[i] = x[i];
      if (random.uniform() < 0.1) g[i] = T(0);
      if (random.uniform() < 0.3) free[i] = T(0);
    }
    for (std::size_t j = 0; j < kRows; ++j) coefficients.push_back(random.between(-2.0, 2.0));
  }
};

// All that the kernels answer and write for a case, as doubles (exact for float).
template <typename T>
std::vector<double> everything(const VectorOps<T>& ops, const Case<T>& c) {
  std::vector<double> all;
  const auto keep = [&all](const std::vector<T>& v) {
    for (T value : v) all.push_back(static_cast<double>(value));
  };
  std::vector<const T*> rows;
  for (const auto& row : c.rows) rows.push_back(row.data());
  const std::size_t n = c.n;
  const T* a = rows[0];
  const T* b = rows[1];
  all.push_back(ops.dot(a, b, n));
  all.push_back(ops.squared_distance(a, b, n));
  for (std::size_t k : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{20}, Case<T>::kRows}) {
    std::vector<double> out(3 * k, -1.0);
    ops.multi_dot(rows.data(), k, b, n, out.data());
    all.insert(all.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k));
    const T* three[3] = {c.x.data(), c.g.data(), rows[2]};
    ops.triple_dot(rows.data(), k, three, n, out.data());
    all.insert(all.end(), out.begin(), out.end());
    ops.double_dot(rows.data(), k, three, n, out.data());
    all.insert(all.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(2 * k));
    std::vector<T> y = c.x;
    ops.multi_axpy(c.coefficients.data(), rows.data(), k, y.data(), n);
    keep(y);
    ops.combine(c.coefficients.data(), rows.data(), k, y.data(), n);
    keep(y);
  }
  std::vector<T> out = c.g, d(n), z(n), free(n);
  ops.axpy(0.37, c.x.data(), out.data(), n);
  keep(out);
  ops.subtract(a, b, out.data(), n);
  keep(out);
  ops.clipped_step(0.6, c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), out.data(), n);
  keep(out);
  const auto scan = ops.scan_gradient(c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), c.free.data(), d.data(),
                                      free.data(), n);
  all.insert(all.end(), {scan.pg_norm, scan.squared_norm, scan.all_free ? 1.0 : 0.0, scan.changed ? 1.0 : 0.0});
  keep(d);
  keep(free);
  const auto pair = ops.make_pair(a, b, c.g.data(), c.x.data(), c.free.data(), d.data(), z.data(), out.data(), n);
  all.insert(all.end(), {pair.sy, pair.yy, pair.ss, pair.free_yy});
  keep(d);
  keep(z);
  keep(out);
  d = c.rows[3];
  const auto step =
      ops.project_step(c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), c.free.data(), d.data(), z.data(), n);
  all.insert(all.end(), {step.slope, step.squared_norm, step.clipped ? 1.0 : 0.0});
  keep(d);
  keep(z);
  all.push_back(ops.leaves_box(0.01, c.x.data(), a, c.lower.data(), c.upper.data(), n) ? 1.0 : 0.0);
  all.push_back(ops.longest_step(c.x.data(), d.data(), c.lower.data(), c.upper.data(), n));
  all.push_back(ops.all_finite(a, n) ? 1.0 : 0.0);
  return all;
}

// Rounding of a double sum of n terms of the given total magnitude.
double sum_tolerance(std::size_t n, double magnitude) {
  return (static_cast<double>(n) + 4.0) * std::numeric_limits<double>::epsilon() * magnitude;
}

template <typename T>
void check_against_naive(const VectorOps<T>& ops, const Case<T>& c) {
  const std::size_t n = c.n;
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  std::vector<const T*> rows;
  for (const auto& row : c.rows) rows.push_back(row.data());
  const auto at = [](const std::vector<T>& v, std::size_t i) { return static_cast<double>(v[i]); };
  const auto naive_dot = [&](const std::vector<T>& a, const std::vector<T>& b, double& magnitude) {
    double sum = 0.0;
    magnitude = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += at(a, i) * at(b, i);
      magnitude += std::fabs(at(a, i) * at(b, i));
    }
    return sum;
  };
  double magnitude;

  double expected = naive_dot(c.rows[0], c.rows[1], magnitude);
  CHECK(std::fabs(ops.dot(rows[0], rows[1], n) - expected) <= sum_tolerance(n, magnitude));

  double distance = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double difference = at(c.rows[0], i) - at(c.rows[1], i);
    distance += difference * difference;
  }
  CHECK(std::fabs(ops.squared_distance(rows[0], rows[1], n) - distance) <= sum_tolerance(n, distance));

  const std::size_t k = Case<T>::kRows;
  std::vector<double> dots(3 * k);
  ops.multi_dot(rows.data(), k, c.g.data(), n, dots.data());
  for (std::size_t j = 0; j < k; ++j) {
    expected = naive_dot(c.rows[j], c.g, magnitude);
    CHECK(std::fabs(dots[j] - expected) <= sum_tolerance(n, magnitude));
  }
  const std::vector<T>* three[3] = {&c.x, &c.g, &c.rows[4]};
  const T* vectors[3] = {c.x.data(), c.g.data(), rows[4]};
  ops.triple_dot(rows.data(), k, vectors, n, dots.data());
  std::vector<double> twos(2 * k);
  ops.double_dot(rows.data(), k, vectors, n, twos.data());
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t q = 0; q < 3; ++q) {
      if (q < 2) CHECK(twos[2 * j + q] == dots[3 * j + q]);
      expected = naive_dot(c.rows[j], *three[q], magnitude);
      CHECK(std::fabs(dots[3 * j + q] - expected) <= sum_tolerance(n, magnitude));
    }
  }

  std::vector<T> added = c.x, combined(n), stepped = c.x, clipped(n), difference(n);
  ops.multi_axpy(c.coefficients.data(), rows.data(), k, added.data(), n);
  ops.combine(c.coefficients.data(), rows.data(), k, combined.data(), n);
  ops.axpy(-1.25, c.g.data(), stepped.data(), n);
  ops.clipped_step(0.75, c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), clipped.data(), n);
  ops.subtract(rows[5], rows[6], difference.data(), n);
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0, size = std::fabs(at(c.x, i));
    for (std::size_t j = 0; j < k; ++j) {
      sum += c.coefficients[j] * at(c.rows[j], i);
      size += std::fabs(c.coefficients[j] * at(c.rows[j], i));
    }
    CHECK(std::fabs(at(combined, i) - sum) <= 2.0 * epsilon * size + sum_tolerance(k, size));
    CHECK(std::fabs(at(added, i) - (at(c.x, i) + sum)) <= 2.0 * epsilon * size + sum_tolerance(k, size));
    CHECK(std::fabs(at(stepped, i) - (at(c.x, i) - 1.25 * at(c.g, i))) <= 4.0 * epsilon);
    const double aim = at(c.x, i) + 0.75 * at(c.g, i);
    CHECK(std::fabs(at(clipped, i) - std::fmin(std::fmax(aim, at(c.lower, i)), at(c.upper, i))) <= 4.0 * epsilon);
    CHECK(difference[i] == c.rows[5][i] - c.rows[6][i]);
  }
}

// The kernels that follow the box, element by element by their definitions.
template <typename T>
void check_box_kernels(const VectorOps<T>& ops, const Case<T>& c) {
  const std::size_t n = c.n;
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  std::vector<T> d(n), free(n), z(n);
  const auto scan = ops.scan_gradient(c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), c.free.data(), d.data(),
                                      free.data(), n);
  double pg_norm = 0.0, squared = 0.0;
  bool all_free = true;
  bool changed = false;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(c.x[i]), g = static_cast<double>(c.g[i]);
    const double l = static_cast<double>(c.lower[i]), u = static_cast<double>(c.upper[i]);
    pg_norm = std::fmax(pg_norm, std::fabs(std::fmin(std::fmax(x - g, l), u) - x));
    const bool blocked = (x <= l && g >= 0.0) || (x >= u && g <= 0.0);
    CHECK(free[i] == (blocked ? T(0) : T(1)));
    CHECK(d[i] == (blocked ? T(0) : -c.g[i]));
    squared += static_cast<double>(d[i]) * static_cast<double>(d[i]);
    all_free = all_free && !blocked;
    changed = changed || free[i] != c.free[i];
  }
  CHECK(std::fabs(scan.pg_norm - pg_norm) <= 4.0 * epsilon);
  CHECK(std::fabs(scan.squared_norm - squared) <= sum_tolerance(n, squared));
  CHECK(scan.all_free == all_free);
  CHECK(scan.changed == changed);

  d = c.rows[7];
  const auto step =
      ops.project_step(c.x.data(), c.g.data(), c.lower.data(), c.upper.data(), c.free.data(), d.data(), z.data(), n);
  double slope = 0.0, magnitude = 0.0;
  bool clipped = false;
  double longest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(c.x[i]), l = static_cast<double>(c.lower[i]);
    const double u = static_cast<double>(c.upper[i]);
    const bool is_free = c.free[i] > T(0);
    const double aim = x + (is_free ? static_cast<double>(c.rows[7][i]) : 0.0);
    CHECK(std::fabs(static_cast<double>(z[i]) - std::fmin(std::fmax(aim, l), u)) <= 4.0 * epsilon);
    CHECK(z[i] >= c.lower[i]);
    CHECK(z[i] <= c.upper[i]);
    CHECK(d[i] == z[i] - c.x[i]);
    clipped = clipped || (is_free && (aim <= l || aim >= u));
    const double term = static_cast<double>(c.g[i]) * static_cast<double>(d[i]);
    slope += term;
    magnitude += std::fabs(term);
    const double di = static_cast<double>(d[i]);
    if (di != 0.0) longest = std::fmin(longest, ((di < 0.0 ? l : u) - x) / di);
  }
  CHECK(std::fabs(step.slope - slope) <= sum_tolerance(n, magnitude));
  CHECK(step.clipped == clipped);
  const double reach = ops.longest_step(c.x.data(), d.data(), c.lower.data(), c.upper.data(), n);
  if (std::isinf(longest)) {
    CHECK(reach == longest);
  } else {
    CHECK(reach == doctest::Approx(longest).epsilon(1e-14));
  }
  for (double t : {1e-6, 0.05, 0.5}) {
    bool leaves = false;
    for (std::size_t i = 0; i < n; ++i) {
      const T aim = c.x[i] + static_cast<T>(t) * d[i];
      leaves = leaves || aim < c.lower[i] || aim > c.upper[i];
    }
    CHECK(ops.leaves_box(t, c.x.data(), d.data(), c.lower.data(), c.upper.data(), n) == leaves);
  }
  for (std::size_t i = 0; i < n; i += 1 + n / 7) {
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
      std::vector<T> spoilt = c.x;
      CHECK(ops.all_finite(spoilt.data(), n));
      spoilt[i] = bad;
      CHECK_FALSE(ops.all_finite(spoilt.data(), n));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("kernels agree with naive loops within rounding, at every length", T, float, double) {
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    for (std::size_t n : sizes()) {
      CAPTURE(n);
      const Case<T> c(n, 100 + n);
      check_against_naive(vector_ops<T>(), c);
      check_box_kernels(vector_ops<T>(), c);
    }
  }
}

TEST_CASE_TEMPLATE("kernels give the same bits on every instruction set", T, float, double) {
  const std::vector<std::string> sets = instruction_sets();
  REQUIRE(!sets.empty());
  for (std::size_t n : sizes()) {
    CAPTURE(n);
    const Case<T> c(n, 900 + n);
    std::vector<double> first;
    for (const std::string& set : sets) {
      CAPTURE(set);
      const UseInstructionSet use(set);
      const std::vector<double> now = everything(vector_ops<T>(), c);
      if (first.empty()) first = now;
      REQUIRE(now.size() == first.size());
      CHECK(std::memcmp(now.data(), first.data(), now.size() * sizeof(double)) == 0);
    }
  }
}

TEST_CASE_TEMPLATE("a dot follows the order of summation that the header states, bit for bit", T, float, double) {
  for (std::size_t n : sizes()) {
    CAPTURE(n);
    const Case<T> c(n, 1700 + n);
    double lanes[16] = {};
    for (std::size_t i = 0; i < n; ++i) {
      lanes[i % 16] += static_cast<double>(c.rows[0][i]) * static_cast<double>(c.rows[1][i]);
    }
    for (int stride = 8; stride >= 1; stride /= 2) {
      for (int lane = 0; lane < stride; ++lane) lanes[lane] += lanes[lane + stride];
    }
    for (const std::string& set : instruction_sets()) {
      CAPTURE(set);
      const UseInstructionSet use(set);
      CHECK(vector_ops<T>().dot(c.rows[0].data(), c.rows[1].data(), n) == lanes[0]);
      const T* row = c.rows[0].data();
      double out = 0.0;
      vector_ops<T>().multi_dot(&row, 1, c.rows[1].data(), n, &out);
      CHECK(out == lanes[0]);
    }
  }
}

TEST_CASE("kernels do not need aligned vectors") {
  Random random(5);
  const std::vector<float> a = random_vector<float>(200, random);
  const std::vector<float> b = random_vector<float>(200, random);
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    for (std::size_t shift = 0; shift < 17; ++shift) {
      const std::vector<float> copy_a(a.begin() + static_cast<std::ptrdiff_t>(shift), a.end());
      const std::vector<float> copy_b(b.begin() + 3, b.begin() + 3 + static_cast<std::ptrdiff_t>(copy_a.size()) - 17);
      CHECK(vector_ops<float>().dot(a.data() + shift, b.data() + 3, copy_b.size()) ==
            vector_ops<float>().dot(copy_a.data(), copy_b.data(), copy_b.size()));
    }
  }
}

TEST_CASE("an unknown instruction set is refused and changes nothing") {
  const std::string before = blindspot::instruction_set_name();
  CHECK_FALSE(blindspot::use_instruction_set("mmx"));
  CHECK_FALSE(blindspot::use_instruction_set(nullptr));
  CHECK(before == blindspot::instruction_set_name());
}

#if defined(__x86_64__)
TEST_CASE("the level of the processor is what the compiler's own library makes of it") {
  __builtin_cpu_init();
  const int level = blindspot::x86::level();
  CHECK((level >= 3) == (__builtin_cpu_supports("x86-64-v3") != 0));
  CHECK((level >= 4) == (__builtin_cpu_supports("x86-64-v4") != 0));
}
#endif
