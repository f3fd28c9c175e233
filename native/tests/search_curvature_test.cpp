// The inverse Hessian of the Lagrangian against the dense BFGS update that it stands for.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "linalg/vector_ops.hpp"
#include "memory/arena.hpp"
#include "problems.hpp"
#include "search/lagrangian_curvature.hpp"

using blindspot::Arena;
using blindspot::ArenaMeter;
using blindspot::LagrangianCurvature;
using problems::Random;

namespace {

constexpr int kPairs = LagrangianCurvature::kPairs;

struct Pair {
  std::vector<float> d, c;
};

std::vector<float> random_vector(std::size_t n, Random& random) {
  std::vector<float> v(n);
  for (float& value : v) value = static_cast<float>(random.between(-1.0, 1.0));
  return v;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// t = d + theta mu c, theta by Powell's damping against the identity.
std::vector<double> damped(const Pair& pair, double mu) {
  const std::vector<double> d(pair.d.begin(), pair.d.end());
  const std::vector<double> c(pair.c.begin(), pair.c.end());
  const double dd = dot(d, d);
  const double curvature = dd + mu * dot(d, c);
  const double theta = curvature < 0.2 * dd ? 0.8 * dd / (dd - curvature) : 1.0;
  std::vector<double> t(d);
  for (std::size_t i = 0; i < t.size(); ++i) t[i] += theta * mu * c[i];
  return t;
}

// Nocedal & Wright (6.17), from the identity: H := (I - rho d t^T) H (I - rho t d^T) + rho d d^T.
std::vector<std::vector<double>> dense_inverse(const std::vector<Pair>& pairs, double mu) {
  const std::size_t n = pairs.front().d.size();
  std::vector<std::vector<double>> h(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) h[i][i] = 1.0;
  for (const Pair& pair : pairs) {
    const std::vector<double> d(pair.d.begin(), pair.d.end());
    const std::vector<double> t = damped(pair, mu);
    const double rho = 1.0 / dot(d, t);
    std::vector<double> ht(n);
    for (std::size_t i = 0; i < n; ++i) ht[i] = dot(h[i], t);
    const double tht = dot(t, ht);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        h[i][j] += rho * ((1.0 + rho * tht) * d[i] * d[j] - d[i] * ht[j] - ht[i] * d[j]);
      }
    }
  }
  return h;
}

class Curvature {
 public:
  explicit Curvature(std::size_t n) : n_(n) {
    ArenaMeter meter;
    matrix.carve(meter, n);
    REQUIRE(arena_.reserve(meter.bytes()));
    matrix.carve(arena_, n);
    matrix.clear();
  }

  void write(const Pair& pair) {
    for (std::size_t i = 0; i < n_; ++i) {
      matrix.next_move()[i] = pair.d[i];
      matrix.next_change()[i] = pair.c[i];
    }
  }

  void commit(const Pair& pair) {
    write(pair);
    matrix.commit(n_);
  }

  std::vector<double> times(const std::vector<float>& v, double mu) const {
    const std::size_t count = static_cast<std::size_t>(2 * matrix.count());
    const float* rows[2 * kPairs];
    double dots[2 * kPairs];
    double coefficients[2 * kPairs];
    matrix.rows(rows);
    blindspot::vector_ops<float>().multi_dot(rows, count, v.data(), n_, dots);
    matrix.multiply(mu, dots, coefficients);
    std::vector<double> out(v.begin(), v.end());
    for (std::size_t j = 0; j < count; ++j) {
      for (std::size_t i = 0; i < n_; ++i) out[i] += coefficients[j] * static_cast<double>(rows[j][i]);
    }
    return out;
  }

  LagrangianCurvature matrix;

 private:
  std::size_t n_;
  Arena arena_;
};

void check_same(const Curvature& curvature, const std::vector<Pair>& last, double mu, Random& random) {
  const std::size_t n = last.front().d.size();
  const auto h = dense_inverse(last, mu);
  const std::vector<float> v = random_vector(n, random);
  const std::vector<double> found = curvature.times(v, mu);
  const std::vector<double> wide(v.begin(), v.end());
  double worst = 0.0, size = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double expected = dot(h[i], wide);
    worst = std::fmax(worst, std::fabs(found[i] - expected));
    size = std::fmax(size, std::fabs(expected));
  }
  CHECK(worst <= 1e-5 * size);  // the inner products are of float32 sums
}

std::vector<Pair> newest(const std::vector<Pair>& pairs) {
  const std::ptrdiff_t surplus = static_cast<std::ptrdiff_t>(pairs.size()) - kPairs;
  return {pairs.begin() + (surplus > 0 ? surplus : 0), pairs.end()};
}

}  // namespace

TEST_CASE("the product is that of the dense update, whatever the number of pairs and the multiplier") {
  Random random(31);
  for (std::size_t n : {1, 2, 7, 40}) {
    CAPTURE(n);
    Curvature curvature(n);
    std::vector<Pair> pairs;
    for (int step = 0; step < 3 * kPairs; ++step) {
      CAPTURE(step);
      Pair pair{random_vector(n, random), random_vector(n, random)};
      // Every third pair curves strongly against the move, so that it is damped for all but small multipliers.
      if (step % 3 == 2) {
        for (std::size_t i = 0; i < n; ++i) pair.c[i] = -4.0f * pair.d[i] + 0.3f * pair.c[i];
      }
      curvature.commit(pair);
      pairs.push_back(pair);
      CHECK(curvature.matrix.count() == (step < kPairs ? step + 1 : kPairs));
      for (double mu : {0.0, 0.05, 0.7, 12.0}) {
        CAPTURE(mu);
        check_same(curvature, newest(pairs), mu, random);
      }
    }
  }
}

TEST_CASE("without a multiplier, and without pairs, it is the identity") {
  Random random(32);
  Curvature curvature(9);
  const std::vector<float> v = random_vector(9, random);
  CHECK(curvature.times(v, 3.0) == std::vector<double>(v.begin(), v.end()));
  curvature.commit({random_vector(9, random), random_vector(9, random)});
  const std::vector<double> product = curvature.times(v, 0.0);
  for (std::size_t i = 0; i < 9; ++i) CHECK(product[i] == doctest::Approx(static_cast<double>(v[i])));
  curvature.matrix.clear();
  CHECK(curvature.matrix.count() == 0);
  CHECK(curvature.times(v, 3.0) == std::vector<double>(v.begin(), v.end()));
}

TEST_CASE("the newest pair is reproduced: H t = d") {
  Random random(33);
  Curvature curvature(25);
  Pair pair;
  for (int step = 0; step < 6; ++step) {
    pair = {random_vector(25, random), random_vector(25, random)};
    curvature.commit(pair);
  }
  const double mu = 0.25;
  const std::vector<double> t = damped(pair, mu);
  const std::vector<float> rounded(t.begin(), t.end());
  const std::vector<double> product = curvature.times(rounded, mu);
  for (std::size_t i = 0; i < 25; ++i) CHECK(product[i] == doctest::Approx(pair.d[i]).epsilon(1e-4));
}

TEST_CASE("a pair that is written and then discarded leaves a consistent matrix") {
  Random random(34);
  for (int committed : {1, kPairs - 1, kPairs, kPairs + 3}) {
    CAPTURE(committed);
    Curvature curvature(12);
    std::vector<Pair> pairs;
    for (int step = 0; step < committed; ++step) {
      pairs.push_back({random_vector(12, random), random_vector(12, random)});
      curvature.commit(pairs.back());
    }
    curvature.write({random_vector(12, random), random_vector(12, random)});
    curvature.matrix.discard();
    std::vector<Pair> left = newest(pairs);
    if (committed >= kPairs) left.erase(left.begin());  // its place was written over
    check_same(curvature, left, 0.4, random);
    pairs = left;
    pairs.push_back({random_vector(12, random), random_vector(12, random)});
    curvature.commit(pairs.back());
    check_same(curvature, newest(pairs), 0.4, random);
  }
}
