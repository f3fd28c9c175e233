// Margins against their formulas in long double, which no temperature and no logit overflows there.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "problems.hpp"
#include "search/margin.hpp"

using blindspot::finite_logits;
using blindspot::hard_margin;
using blindspot::largest_class;
using blindspot::Question;
using blindspot::smoothed_margin;
using problems::Random;

namespace {

long double exact_margin(const std::vector<float>& z, int k, long double sign, long double temperature) {
  long double largest = -HUGE_VALL;
  for (std::size_t j = 0; j < z.size(); ++j) {
    if (static_cast<int>(j) != k) largest = std::fmax(largest, static_cast<long double>(z[j]));
  }
  long double sum = 0.0L;
  for (std::size_t j = 0; j < z.size(); ++j) {
    if (static_cast<int>(j) != k) sum += std::exp((static_cast<long double>(z[j]) - largest) / temperature);
  }
  return sign * (largest + temperature * std::log(sum) - static_cast<long double>(z[static_cast<std::size_t>(k)]));
}

std::vector<float> logits(std::size_t classes, double size, Random& random) {
  std::vector<float> z(classes);
  for (float& value : z) value = static_cast<float>(random.between(-size, size));
  return z;
}

}  // namespace

TEST_CASE("smoothed and hard margins agree with long double") {
  Random random(71);
  for (int classes : {2, 3, 10, 1000}) {
    for (double size : {1e-3, 1.0, 30.0, 1e4}) {
      for (double temperature : {1e-3, 0.02, 0.1, 1.0}) {
        for (double sign : {1.0, -1.0}) {
          CAPTURE(classes);
          CAPTURE(size);
          CAPTURE(temperature);
          const std::vector<float> z = logits(static_cast<std::size_t>(classes), size, random);
          const int k = static_cast<int>(random.uniform() * classes);
          const Question question{k, sign, temperature};
          const double found = smoothed_margin(z.data(), classes, question);
          const double expected = static_cast<double>(exact_margin(z, k, sign, temperature));
          CHECK(std::fabs(found - expected) <= 1e-14 * (size + temperature * classes));
          const double hard = hard_margin(z.data(), classes, k, sign);
          CHECK(std::fabs(hard - static_cast<double>(exact_margin(z, k, sign, 1e-9L))) <= 1e-8);
          // The smoothed maximum lies above the hard one by at most temperature log(K - 1).
          CHECK(sign * (found - hard) >= 0.0);
          CHECK(sign * (found - hard) <= temperature * std::log(classes - 1.0) + 1e-12);
        }
      }
    }
  }
}

TEST_CASE("with two classes both margins are the difference, exactly, at any temperature") {
  const float z[2] = {1.25f, -2.5f};
  for (double temperature : {1e-3, 1.0}) {
    CHECK(smoothed_margin(z, 2, {0, 1.0, temperature}) == -3.75);
    CHECK(smoothed_margin(z, 2, {0, -1.0, temperature}) == 3.75);
    CHECK(smoothed_margin(z, 2, {1, 1.0, temperature}) == 3.75);
  }
}

TEST_CASE("ties") {
  const float z[4] = {2.0f, 2.0f, 2.0f, 2.0f};
  CHECK(hard_margin(z, 4, 1, 1.0) == 0.0);
  CHECK(smoothed_margin(z, 4, {1, 1.0, 0.5}) == doctest::Approx(0.5 * std::log(3.0)));
  CHECK(largest_class(z, 4) == 0);
}

TEST_CASE("the largest float32 logits neither overflow nor lose the margin") {
  const float most = std::numeric_limits<float>::max();
  const float z[3] = {most, -most, 0.0f};
  CHECK(finite_logits(z, 3));
  CHECK(smoothed_margin(z, 3, {1, 1.0, 1e-3}) == 2.0 * static_cast<double>(most));
  CHECK(smoothed_margin(z, 3, {0, 1.0, 1e-3}) == -static_cast<double>(most));
  CHECK(largest_class(z, 3) == 0);
}

TEST_CASE("infinity and not a number are found among the logits") {
  for (const float bad : {HUGE_VALF, -HUGE_VALF, std::nanf("")}) {
    for (int at = 0; at < 5; ++at) {
      float z[5] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
      CHECK(finite_logits(z, 5));
      z[at] = bad;
      CHECK_FALSE(finite_logits(z, 5));
    }
  }
}
