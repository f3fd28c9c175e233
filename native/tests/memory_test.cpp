// What a handle took goes back to the system when it is freed: runs one after the other need no more than one of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "blindspot/blindspot.h"

#if defined(__linux__)
#include <unistd.h>

namespace {

// MiB that the process has in memory now.
double resident() {
  long pages = 0, ignored = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file != nullptr);
  REQUIRE(std::fscanf(file, "%ld %ld", &ignored, &pages) == 2);
  std::fclose(file);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// A whole run on |x - 1|^2, n = 1e5: about 25 MiB.
void minimise() {
  constexpr int n = 100000;
  bs_minimizer_options options = {n, 64.0, static_cast<double>(BS_METHOD_LBFGSB), 10.0, 1e-5, 2.22e-9, 100.0, 200.0};
  bs_minimizer* minimizer = nullptr;
  REQUIRE(bs_minimizer_create(&options, &minimizer) == BS_OK);
  double* const x = static_cast<double*>(bs_minimizer_x(minimizer));
  double* const g = static_cast<double*>(bs_minimizer_gradient(minimizer));
  REQUIRE(bs_minimizer_start(minimizer) == BS_OK);
  bs_minimizer_result result;
  do {
    double f = 0.0;
    for (int i = 0; i < n; ++i) {
      f += (x[i] - 1.0) * (x[i] - 1.0);
      g[i] = 2.0 * (x[i] - 1.0);
    }
    bs_minimizer_tell(minimizer, f);
    bs_minimizer_get_result(minimizer, &result);
  } while (result.status == BS_MINIMIZER_EVALUATE);
  bs_minimizer_free(minimizer);
}

}  // namespace

TEST_CASE("runs one after the other take no more memory than the first") {
  minimise();
  const double before = resident();
  double most = before;
  for (int run = 0; run < 60; ++run) {
    minimise();
    most = std::max(most, resident());
  }
  CHECK(most - before < 8.0);
}
#endif
