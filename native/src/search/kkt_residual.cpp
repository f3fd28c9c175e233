#include "search/kkt_residual.hpp"

#include <cmath>

namespace blindspot {

double kkt_residual(const float* x, const float* y, const float* a, Box box, std::size_t n) {
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

}  // namespace blindspot
