// Random convex quadratics in random boxes: at the end the Karush-Kuhn-Tucker conditions hold.
#include <doctest/doctest.h>

#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"
#include "solve.hpp"

namespace {

problems::Problem random_problem(std::uint64_t seed) {
  problems::Random random(seed);
  const std::size_t n = 1 + static_cast<std::size_t>(random.uniform() * (seed % 5 == 0 ? 200 : 30));
  problems::Problem p{"random " + std::to_string(seed), true, {}, {}, {}, {}, std::nan("")};
  const double spread = std::pow(10.0, random.between(0.0, 3.0));
  p.evaluate = problems::Quadratic(n, static_cast<std::size_t>(random.uniform() * 6.0), spread, random);
  for (std::size_t i = 0; i < n; ++i) {
    const double kind = random.uniform();
    const double l = random.between(-1.0, 0.5);
    const double u = kind < 0.15 ? l : l + random.uniform();
    p.lower.push_back(kind > 0.8 ? -problems::kInfinity : l);
    p.upper.push_back(kind > 0.7 && kind < 0.9 ? problems::kInfinity : u);
    p.start.push_back(random.between(-3.0, 3.0));  // often outside the box
  }
  return p;
}

// max |P(x - g) - x|, by its definition, at the point that a run ended at.
double kkt_residual(const problems::Problem& p, const std::vector<double>& x) {
  std::vector<double> g(p.n());
  p.evaluate(x.data(), g.data());
  double residual = 0.0;
  for (std::size_t i = 0; i < p.n(); ++i) {
    const double moved = std::fmin(std::fmax(x[i] - g[i], p.lower[i]), p.upper[i]);
    residual = std::fmax(residual, std::fabs(moved - x[i]));
  }
  return residual;
}

// What rounding in f leaves of the gradient: a point within rounding of the lowest f has a gradient of at most
// sqrt(2 eps |f| L), L the largest curvature (here under 2000).
double rounding_of(double f, double epsilon) { return 4.0 * std::sqrt(epsilon * (1.0 + std::fabs(f)) * 2000.0); }

bool inside(const problems::Problem& p, const std::vector<double>& x, bool single) {
  for (std::size_t i = 0; i < p.n(); ++i) {
    const double l = single ? static_cast<double>(static_cast<float>(p.lower[i])) : p.lower[i];
    const double u = single ? static_cast<double>(static_cast<float>(p.upper[i])) : p.upper[i];
    if (!(x[i] >= l && x[i] <= u)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("L-BFGS-B in double ends at a KKT point inside the box") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const problems::Problem p = random_problem(seed);
    blindspot::Lbfgsb<double>::Options options;
    options.memory = 1 + seed % 17;
    options.pg_tolerance = 1e-7;
    options.f_tolerance = 0.0;
    const Run run = solve<double, blindspot::Lbfgsb>(p, options);
    CHECK(inside(p, run.x, false));
    const double residual = kkt_residual(p, run.x);
    CHECK(residual <= 1e-7 + rounding_of(run.f, 2.2e-16));
    CHECK(std::fabs(run.pg_norm - residual) <= 1e-12 + 1e-9 * residual);
  }
}

TEST_CASE("L-BFGS-B in float ends near a KKT point, inside the box") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const problems::Problem p = random_problem(seed);
    blindspot::Lbfgsb<float>::Options options;
    options.memory = 1 + seed % 13;
    options.f_tolerance = 0.0;
    const Run run = solve<float, blindspot::Lbfgsb>(p, options);
    CHECK(inside(p, run.x, true));
    CHECK(kkt_residual(p, run.x) <= 2e-3);
  }
}

TEST_CASE("the spectral projected gradient ends at a KKT point inside the box") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const problems::Problem p = random_problem(seed);
    blindspot::SpectralProjectedGradient<double>::Options options;
    options.f_tolerance = 0.0;
    const Run run = solve<double, blindspot::SpectralProjectedGradient>(p, options);
    CHECK(inside(p, run.x, false));
    CHECK(kkt_residual(p, run.x) <= 1.001e-5 + rounding_of(run.f, 2.2e-16));
  }
}

TEST_CASE("a run ends at the lowest point that it has seen, whenever it is stopped") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    for (int budget = 1; budget <= 12; ++budget) {
      const problems::Problem p = random_problem(1000 + seed);
      double lowest = problems::kInfinity;
      problems::Problem watched = p;
      watched.evaluate = [&](const double* x, double* g) {
        const double f = p.evaluate(x, g);
        lowest = std::fmin(lowest, f);
        return f;
      };
      blindspot::Lbfgsb<double>::Options options;
      options.max_evaluations = budget;
      const Run run = solve<double, blindspot::Lbfgsb>(watched, options);
      CHECK(run.evaluations <= budget);
      CHECK((run.f == lowest || run.status == BS_MINIMIZER_CONVERGED_PG));
      std::vector<double> g(p.n());
      CHECK(p.evaluate(run.x.data(), g.data()) == run.f);
      CHECK(kkt_residual(p, run.x) == doctest::Approx(run.pg_norm).epsilon(1e-9));

      lowest = problems::kInfinity;
      blindspot::SpectralProjectedGradient<double>::Options spg;
      spg.max_evaluations = budget;
      const Run other = solve<double, blindspot::SpectralProjectedGradient>(watched, spg);
      CHECK(other.evaluations <= budget);
      CHECK((other.f == lowest || other.status == BS_MINIMIZER_CONVERGED_PG));
    }
  }
}
