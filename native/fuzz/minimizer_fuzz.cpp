// Whatever the options, the box and the function do (NaN, infinities, holes, steps, a gradient that lies), a run ends
// within its budget, inside the box, at the lowest value that it was told or at a stationary point.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "blindspot/blindspot.h"
#include "choices.hpp"

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kModerate = 1e100;  // beyond it g . d may overflow, and the point be taken as outside the domain

struct Function {
  unsigned kind;
  std::vector<double> centre, scale;

  double operator()(const std::vector<double>& x, std::vector<double>& g) const {
    double f = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double d = x[i] - centre[i];
      f += scale[i] * d * d;
      g[i] = 2.0 * scale[i] * d;
    }
    switch (kind) {
      case 1: return x[0] > 0.5 ? std::nan("") : f;  // a hole
      case 2: return x[0] > 0.25 ? f + 10.0 : f;     // a step
      case 3:
        for (double& gi : g) gi = -gi;
        return f;                    // a gradient that lies
      case 4: return std::floor(f);  // terraces
      case 5:
        if (x[0] < 0.0) g[0] = std::nan("");
        return f;  // a hole in the gradient
      case 6:
        for (double& gi : g) gi = 0.0;
        return -f;  // a gradient that says nothing
      case 7:
        for (std::size_t i = 0; i < x.size(); ++i) g[i] = -g[i];
        return -f;  // unbounded below
      default: return f;
    }
  }
};

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "minimizer_fuzz: %s\n", what);
  std::abort();
}

template <typename T>
void run(Choices& choices, const bs_minimizer_options& options) {
  bs_minimizer* minimizer = nullptr;
  demand(bs_minimizer_create(&options, &minimizer) == BS_OK, "create refused good options");
  const std::size_t n = static_cast<std::size_t>(options.n);
  T* x = static_cast<T*>(bs_minimizer_x(minimizer));
  T* g = static_cast<T*>(bs_minimizer_gradient(minimizer));
  T* lower = static_cast<T*>(bs_minimizer_lower(minimizer));
  T* upper = static_cast<T*>(bs_minimizer_upper(minimizer));
  const unsigned rounds = 1 + choices.below(2);
  for (unsigned round = 0; round < rounds; ++round) {
    Function function{choices.below(12), {}, {}};
    for (std::size_t i = 0; i < n; ++i) {
      const double start = choices.number();
      x[i] = std::isfinite(start) || choices.below(16) == 0 ? static_cast<T>(start) : T(0);
      const double a = choices.number();
      const double b = choices.number();
      lower[i] = static_cast<T>(std::fmin(a, b));
      upper[i] = static_cast<T>(choices.below(6) == 0 ? std::fmin(a, b) : std::fmax(a, b));
      const double centre = choices.number();
      function.centre.push_back(std::isfinite(centre) ? centre : 0.0);
      function.scale.push_back(std::fmin(std::fabs(choices.number()), 1e6));
    }
    if (bs_minimizer_start(minimizer) != BS_OK) continue;
    double lowest = kInfinity;
    bs_minimizer_result result;
    std::vector<double> at(n), gradient(n);
    do {
      for (std::size_t i = 0; i < n; ++i) {
        demand(x[i] >= lower[i] && x[i] <= upper[i], "a trial outside the box");
        at[i] = static_cast<double>(x[i]);
      }
      const double f = function(at, gradient);
      bool moderate = std::fabs(f) < kModerate;
      for (std::size_t i = 0; i < n; ++i) {
        g[i] = static_cast<T>(gradient[i]);
        moderate = moderate && std::fabs(static_cast<double>(g[i])) < kModerate;
      }
      if (moderate) lowest = std::fmin(lowest, f);
      demand(bs_minimizer_tell(minimizer, f) == BS_OK, "tell refused");
      bs_minimizer_get_result(minimizer, &result);
    } while (result.status == 0.0);
    demand(result.evaluations <= options.max_evaluations, "more evaluations than the budget");
    demand(result.iterations <= options.max_iterations, "more iterations than the limit");
    for (std::size_t i = 0; i < n; ++i) demand(x[i] >= lower[i] && x[i] <= upper[i], "the end outside the box");
    if (static_cast<int>(result.status) == BS_MINIMIZER_NOT_FINITE) continue;
    const bool stationary = static_cast<int>(result.status) == BS_MINIMIZER_CONVERGED_PG;
    demand(stationary || result.f <= lowest, "a lower point was seen");
    demand(std::isfinite(result.f), "the end is not finite");
    for (std::size_t i = 0; i < n; ++i) at[i] = static_cast<double>(x[i]);
    demand(function(at, gradient) == result.f, "f is not the value at x");
    for (std::size_t i = 0; i < n; ++i) demand(g[i] == static_cast<T>(gradient[i]), "gradient is not that at x");
  }
  bs_minimizer_free(minimizer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  bs_minimizer_options options;
  options.n = 1.0 + choices.below(40);
  options.precision = choices.below(2) == 0 ? 32.0 : 64.0;
  options.method = choices.below(2);
  options.memory = 1.0 + choices.below(12);
  options.pg_tolerance = choices.below(3) == 0 ? 0.0 : 1e-6;
  options.f_tolerance = choices.below(3) == 0 ? 0.0 : 1e-10;
  options.max_iterations = choices.below(200);
  options.max_evaluations = 1.0 + choices.below(250);
  if (options.precision == 32.0) {
    run<float>(choices, options);
  } else {
    run<double>(choices, options);
  }
  return 0;
}
