// Bound-constrained problems with known minima, shared by the oracle (which records what the original Fortran
// does on them) and by the tests.
//
// HS n: W. Hock, K. Schittkowski, Test examples for nonlinear programming codes (1981).
// Problems that are `exact` use only + - * / and sqrt, which round alike everywhere: their iterates are compared bit
// for bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace problems {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Problem {
  std::string name;
  bool exact;
  std::vector<double> start, lower, upper;
  std::function<double(const double* x, double* g)> evaluate;
  double minimum;           // NaN: known only from the oracle
  std::size_t memory = 10;  // correction pairs
  std::size_t n() const { return start.size(); }
};

// Uniform in [0, 1), the same everywhere (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double between(double a, double b) { return a + (b - a) * uniform(); }

 private:
  std::uint64_t state_;
};

inline double rosenbrock2(const double* x, double* g) {
  const double a = x[1] - x[0] * x[0];
  const double b = 1.0 - x[0];
  g[0] = -400.0 * x[0] * a - 2.0 * b;
  g[1] = 200.0 * a;
  return 100.0 * a * a + b * b;
}

// sum 100 (x_i+1 - x_i^2)^2 + (1 - x_i)^2
inline double rosenbrock(const double* x, double* g, std::size_t n) {
  double f = 0.0;
  std::fill_n(g, n, 0.0);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const double a = x[i + 1] - x[i] * x[i];
    const double b = 1.0 - x[i];
    f += 100.0 * a * a + b * b;
    g[i] += -400.0 * x[i] * a - 2.0 * b;
    g[i + 1] += 200.0 * a;
  }
  return f;
}

// The problem of the drivers that come with the Fortran code.
inline double driver(const double* x, double* g, std::size_t n) {
  double f = 0.25 * (x[0] - 1.0) * (x[0] - 1.0);
  for (std::size_t i = 1; i < n; ++i) {
    const double t = x[i] - x[i - 1] * x[i - 1];
    f += t * t;
  }
  double t = x[1] - x[0] * x[0];
  g[0] = 2.0 * (x[0] - 1.0) - 16.0 * x[0] * t;
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double before = t;
    t = x[i + 1] - x[i] * x[i];
    g[i] = 8.0 * before - 16.0 * x[i] * t;
  }
  g[n - 1] = 8.0 * t;
  return 4.0 * f;
}

inline Problem driver_problem(std::size_t n) {
  Problem p{"driver n=" + std::to_string(n), true, std::vector<double>(n, 3.0), {}, {}, {}, std::nan(""), 5};
  for (std::size_t i = 0; i < n; ++i) {
    p.lower.push_back(i % 2 == 0 ? 1.0 : -100.0);
    p.upper.push_back(100.0);
  }
  p.evaluate = [n](const double* x, double* g) { return driver(x, g, n); };
  return p;
}

// 1/2 x^T A x - b^T x, A = sum of `rank` outer products + diagonal in [1, spread].
struct Quadratic {
  std::size_t n;
  std::vector<double> rows, diagonal, b;

  Quadratic(std::size_t size, std::size_t rank, double spread, Random& random) : n(size) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(n));
    for (std::size_t i = 0; i < rank * n; ++i) rows.push_back(scale * random.between(-2.0, 2.0));
    for (std::size_t i = 0; i < n; ++i) diagonal.push_back(1.0 + (spread - 1.0) * random.uniform());
    for (std::size_t i = 0; i < n; ++i) b.push_back(random.between(-3.0, 3.0));
  }

  double operator()(const double* x, double* g) const {
    double f = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      g[i] = diagonal[i] * x[i] - b[i];
      f += x[i] * (0.5 * diagonal[i] * x[i] - b[i]);
    }
    for (std::size_t r = 0; r < rows.size() / n; ++r) {
      double dot = 0.0;
      for (std::size_t i = 0; i < n; ++i) dot += rows[r * n + i] * x[i];
      for (std::size_t i = 0; i < n; ++i) g[i] += dot * rows[r * n + i];
      f += 0.5 * dot * dot;
    }
    return f;
  }
};

// c |r|^2 + softplus-like margin of a linear model on n pixels in [0,1], many of them at a bound: the shape of
// the penalty search, with (z + sqrt(1 + z^2)) / 2 for softplus.
inline Problem pixels_problem(std::size_t n) {
  Random random(7);
  std::vector<double> image(n), a(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double u = random.uniform();
    image[i] = u < 0.7 ? 0.0 : u < 0.82 ? 1.0 : random.uniform();
    a[i] = random.between(-1.0, 1.0);
  }
  Problem p{"pixels n=" + std::to_string(n), true, image,       std::vector<double>(n, 0.0),
            std::vector<double>(n, 1.0),     {},   std::nan("")};
  p.evaluate = [n, image, a](const double* x, double* g) {
    double z = 4.0;
    double r2 = 0.0;
    double curl = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double r = x[i] - image[i];
      z -= a[i] * r;
      r2 += r * r;
      curl += r * r * r * r;
    }
    const double root = std::sqrt(1.0 + z * z);
    const double slope = 0.5 * (1.0 + z / root);
    for (std::size_t i = 0; i < n; ++i) {
      const double r = x[i] - image[i];
      g[i] = 0.2 * r + 0.4 * r * r * r - slope * a[i];
    }
    return 0.1 * r2 + 0.1 * curl + 0.5 * (z + root);
  };
  return p;
}

inline std::vector<Problem> all() {
  std::vector<Problem> list;
  const auto constant = [](std::size_t n, double v) { return std::vector<double>(n, v); };

  list.push_back({"Rosenbrock 2, bounded", true, {-1.2, 1.0}, {-2.0, -2.0}, {0.5, 2.0}, rosenbrock2, 0.25, 5});
  list.push_back(
      {"Rosenbrock 2, x1 <= 0.5", true, {-1.2, 1.0}, {-2.0, -kInfinity}, {0.5, kInfinity}, rosenbrock2, 0.25});
  list.push_back(
      {"Rosenbrock 2, free", true, {-1.2, 1.0}, constant(2, -kInfinity), constant(2, kInfinity), rosenbrock2, 0.0});
  list.push_back({"Rosenbrock 10, free", true, constant(10, -1.0), constant(10, -kInfinity), constant(10, kInfinity),
                  [](const double* x, double* g) { return rosenbrock(x, g, 10); }, std::nan("")});
  list.push_back({"Rosenbrock 10, x <= 0.8", true, constant(10, -1.0), constant(10, -2.0), constant(10, 0.8),
                  [](const double* x, double* g) { return rosenbrock(x, g, 10); }, std::nan("")});
  list.push_back({"Rosenbrock 100, x >= -0.5", true, constant(100, 0.0), constant(100, -0.5), constant(100, 0.9),
                  [](const double* x, double* g) { return rosenbrock(x, g, 100); }, std::nan("")});
  list.push_back({"HS1", true, {-2.0, 1.0}, {-kInfinity, -1.5}, constant(2, kInfinity), rosenbrock2, 0.0});
  list.push_back({"HS2", true, {-2.0, 1.0}, {-kInfinity, 1.5}, constant(2, kInfinity), rosenbrock2, std::nan("")});
  list.push_back({"HS3",
                  true,
                  {10.0, 1.0},
                  {-kInfinity, 0.0},
                  constant(2, kInfinity),
                  [](const double* x, double* g) {
                    const double d = x[1] - x[0];
                    g[0] = -2e-5 * d;
                    g[1] = 1.0 + 2e-5 * d;
                    return x[1] + 1e-5 * d * d;
                  },
                  0.0});
  list.push_back({"HS4",
                  true,
                  {1.125, 0.125},
                  {1.0, 0.0},
                  constant(2, kInfinity),
                  [](const double* x, double* g) {
                    const double a = x[0] + 1.0;
                    g[0] = a * a;
                    g[1] = 1.0;
                    return a * a * a / 3.0 + x[1];
                  },
                  8.0 / 3.0});
  list.push_back({"HS5",
                  false,
                  {0.0, 0.0},
                  {-1.5, -3.0},
                  {4.0, 3.0},
                  [](const double* x, double* g) {
                    const double c = std::cos(x[0] + x[1]);
                    const double d = x[0] - x[1];
                    g[0] = c + 2.0 * d - 1.5;
                    g[1] = c - 2.0 * d + 2.5;
                    return std::sin(x[0] + x[1]) + d * d - 1.5 * x[0] + 2.5 * x[1] + 1.0;
                  },
                  -1.9132229549810367});
  // From the book's own start the gradient is under any tolerance: another is taken.
  list.push_back({"HS25",
                  false,
                  {60.0, 20.0, 2.0},
                  {0.1, 0.0, 0.0},
                  {100.0, 25.6, 5.0},
                  [](const double* x, double* g) {
                    double f = 0.0;
                    g[0] = g[1] = g[2] = 0.0;
                    for (int i = 1; i <= 99; ++i) {
                      const double u = 25.0 + std::pow(-50.0 * std::log(0.01 * i), 2.0 / 3.0);
                      const double base = u - x[1];
                      const double power = std::pow(base, x[2]);
                      const double e = std::exp(-power / x[0]);
                      const double r = e - 0.01 * i;
                      f += r * r;
                      g[0] += 2.0 * r * e * power / (x[0] * x[0]);
                      g[1] += 2.0 * r * e * x[2] * power / base / x[0];
                      g[2] -= 2.0 * r * e * power * std::log(base) / x[0];
                    }
                    return f;
                  },
                  0.0});
  list.push_back({"HS38",
                  true,
                  {-3.0, -1.0, -3.0, -1.0},
                  constant(4, -10.0),
                  constant(4, 10.0),
                  [](const double* x, double* g) {
                    const double a = x[1] - x[0] * x[0], b = 1.0 - x[0], c = x[3] - x[2] * x[2], d = 1.0 - x[2];
                    const double e = x[1] - 1.0, h = x[3] - 1.0;
                    g[0] = -400.0 * x[0] * a - 2.0 * b;
                    g[1] = 200.0 * a + 20.2 * e + 19.8 * h;
                    g[2] = -360.0 * x[2] * c - 2.0 * d;
                    g[3] = 180.0 * c + 20.2 * h + 19.8 * e;
                    return 100.0 * a * a + b * b + 90.0 * c * c + d * d + 10.1 * (e * e + h * h) + 19.8 * e * h;
                  },
                  0.0});
  list.push_back({"HS45",
                  true,
                  constant(5, 2.0),
                  constant(5, 0.0),
                  {1.0, 2.0, 3.0, 4.0, 5.0},
                  [](const double* x, double* g) {
                    double product = 1.0;
                    for (int i = 0; i < 5; ++i) product *= x[i];
                    for (int i = 0; i < 5; ++i) {
                      double others = 1.0;
                      for (int j = 0; j < 5; ++j) others *= i == j ? 1.0 : x[j];
                      g[i] = -others / 120.0;
                    }
                    return 2.0 - product / 120.0;
                  },
                  1.0});
  list.push_back({"HS110", false, constant(10, 9.0), constant(10, 2.001), constant(10, 9.999),
                  [](const double* x, double* g) {
                    double f = 0.0, product = 1.0;
                    for (int i = 0; i < 10; ++i) {
                      const double a = std::log(x[i] - 2.0), b = std::log(10.0 - x[i]);
                      f += a * a + b * b;
                      product *= x[i];
                      g[i] = 2.0 * a / (x[i] - 2.0) - 2.0 * b / (10.0 - x[i]);
                    }
                    const double root = std::pow(product, 0.2);
                    for (int i = 0; i < 10; ++i) g[i] -= 0.2 * root / x[i];
                    return f - root;
                  },
                  -45.77846970744629});

  {
    Random random(1);
    Problem p{"convex QP n=50, some bounds active",
              true,
              constant(50, 0.0),
              constant(50, -1.0),
              constant(50, 0.7),
              {},
              std::nan("")};
    p.evaluate = Quadratic(50, 10, 20.0, random);
    list.push_back(p);
  }
  {
    Random random(2);
    Problem p{"convex QP n=40, fixed and infinite", true, constant(40, 0.25), {}, {}, {}, std::nan("")};
    p.evaluate = Quadratic(40, 8, 50.0, random);
    for (std::size_t i = 0; i < 40; ++i) {
      const bool fixed = i % 5 == 0;
      p.lower.push_back(fixed ? 0.125 : i % 3 == 0 ? -kInfinity : -0.25);
      p.upper.push_back(fixed ? 0.125 : i % 4 == 0 ? kInfinity : 0.5);
    }
    list.push_back(p);
  }
  {
    Random random(3);
    Problem p{"convex QP n=100, no bound active",
              true,
              constant(100, 1.0),
              constant(100, -50.0),
              constant(100, 50.0),
              {},
              std::nan("")};
    p.evaluate = Quadratic(100, 5, 100.0, random);
    list.push_back(p);
  }
  list.push_back({"all bounds active n=20", true, constant(20, 0.7), constant(20, 0.0), constant(20, 1.0),
                  [](const double* x, double* g) {
                    double f = 0.0;
                    for (int i = 0; i < 20; ++i) {
                      const double to = i % 2 == 0 ? -1.0 : 3.0;
                      f += (x[i] - to) * (x[i] - to);
                      g[i] = 2.0 * (x[i] - to);
                    }
                    return f;
                  },
                  50.0});
  list.push_back({"n=1, at a bound",
                  true,
                  {4.5},
                  {3.0},
                  {5.0},
                  [](const double* x, double* g) {
                    g[0] = 2.0 * (x[0] - 2.0);
                    return (x[0] - 2.0) * (x[0] - 2.0);
                  },
                  1.0});
  list.push_back({"n=1, quartic inside",
                  true,
                  {3.0},
                  {-4.0},
                  {4.0},
                  [](const double* x, double* g) {
                    const double d = x[0] - 1.0;
                    g[0] = 4.0 * d * d * d + 2.0 * d;
                    return d * d * d * d + d * d;
                  },
                  0.0});
  list.push_back(driver_problem(25));
  list.push_back(driver_problem(1000));
  list.push_back(driver_problem(25000));
  list.push_back(pixels_problem(784));
  return list;
}

}  // namespace problems
