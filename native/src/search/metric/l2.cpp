#include "search/metric/l2.hpp"

#include <cmath>

#include "linalg/search_ops.hpp"
#include "linalg/vector_ops.hpp"

namespace blindspot {
namespace {

class L2 final : public Metric {
 public:
  double length(const float* x, const float* y, std::size_t n) const override {
    return std::sqrt(vector_ops<float>().squared_distance(y, x, n));
  }

  // Squares of floats are finite in double.
  double dual_length(const float* a, std::size_t n) const override {
    return std::sqrt(vector_ops<float>().dot(a, a, n));
  }

  double diagonal(Box box, std::size_t n) const override {
    return static_cast<double>(box.upper - box.lower) * std::sqrt(static_cast<double>(n));
  }

  // Uniform in [-t, t) has the variance t^2 / 3.
  double noise_amplitude(double length, std::size_t n) const override {
    return std::sqrt(3.0 / static_cast<double>(n)) * length;
  }

  HalfspaceProjection project(const float* z, const float* const* rows, const double* values, int planes, Box box,
                              std::size_t n, const double* start, float* y, double tolerance) const override {
    return project_halfspaces(z, rows, values, planes, box, n, start, y, tolerance);
  }

  // |P(f + mu a)| / |f|, f = y - x: at a minimum f + mu a = 0 for some mu >= 0, but for coordinates at a bound that f + mu a would
  // push further out. mu is the least-squares one over the others.
  double kkt_residual(const float* x, const float* y, const float* a, Box box, std::size_t n) const override {
    StationaritySums sums = {};
    double mu = 0.0;
    for (int pass = 0; pass < 4; ++pass) {
      sums = search_ops().stationarity(x, y, a, mu, box.lower, box.upper, n);
      if (!(sums.aa > 0.0) || pass == 3) break;
      const double next = std::fmax(0.0, -sums.fa / sums.aa);
      if (std::fabs(next - mu) <= 1e-12 * next) break;
      mu = next;
    }
    return sums.ff > 0.0 ? std::sqrt(sums.gg / sums.ff) : 0.0;
  }

  // By what |f|^2 grows.
  void level_prices(const float* x, const float* point, const float* a, double step, std::size_t n,
                    float* price) const override {
    for (std::size_t i = 0; i < n; ++i) {
      const double gain = std::fabs(static_cast<double>(a[i]));
      const double move = a[i] > 0.0f ? -step : step;
      const double f = static_cast<double>(point[i]) - static_cast<double>(x[i]);
      price[i] = static_cast<float>((2.0 * f + move) * move / gain);
    }
  }
};

constexpr L2 kL2;

}  // namespace

const Metric& l2_metric() { return kL2; }

}  // namespace blindspot
