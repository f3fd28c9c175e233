// The search's kernels, bit for bit the loops that search_ops.hpp writes down, on every instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "instruction_sets.hpp"
#include "linalg/search_ops.hpp"
#include "problems.hpp"

using blindspot::kMaxPlanes;
using blindspot::MoveSums;
using blindspot::search_ops;
using blindspot::StationaritySums;
using blindspot::StepSums;
using problems::Random;

namespace {

// A sum in the order that vector_ops.hpp states.
class LaneSum {
 public:
  void add(std::size_t i, double term) { lanes_[i % 16] += term; }
  double value() const {
    double lanes[16];
    std::memcpy(lanes, lanes_, sizeof lanes);
    for (int stride = 8; stride >= 1; stride /= 2) {
      for (int lane = 0; lane < stride; ++lane) lanes[lane] += lanes[lane + stride];
    }
    return lanes[0];
  }

 private:
  double lanes_[16] = {};
};

double clip(double value, double lower, double upper) { return std::fmin(std::fmax(value, lower), upper); }

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

std::vector<std::size_t> sizes() {
  std::vector<std::size_t> list;
  for (std::size_t n = 1; n <= 70; ++n) list.push_back(n);
  list.push_back(784);
  return list;
}

// Points of a box, many of them at its bounds, and vectors with zeros.
struct Case {
  std::size_t n;
  double lower, upper;
  std::vector<float> x, y, target, beyond, d, rows[kMaxPlanes];
  double mu[kMaxPlanes];

  Case(std::size_t size, std::uint64_t seed) : n(size) {
    Random random(seed);
    const bool unit = random.uniform() < 0.5;
    lower = unit ? 0.0 : -0.75;
    upper = unit ? 1.0 : 0.3f;
    const auto pixel = [&] {
      const double u = random.uniform();
      return static_cast<float>(u < 0.3 ? lower : u < 0.5 ? upper : random.between(lower, upper));
    };
    for (std::size_t i = 0; i < n; ++i) {
      x.push_back(pixel());
      y.push_back(pixel());
      target.push_back(random.uniform() < 0.4 ? y[i] : pixel());
      beyond.push_back(static_cast<float>(random.between(lower - 0.5, upper + 0.5)));
      d.push_back(static_cast<float>(random.between(-1.0, 1.0)));
      for (auto& row : rows) {
        row.push_back(random.uniform() < 0.2 ? 0.0f : static_cast<float>(random.between(-2.0, 2.0)));
      }
    }
    for (double& m : mu) m = random.uniform() < 0.3 ? 0.0 : random.between(0.0, 0.6);
  }
};

void check_dual_point(const Case& c, int planes, const std::vector<float>& z) {
  const float* rows[kMaxPlanes];
  for (int j = 0; j < kMaxPlanes; ++j) rows[j] = c.rows[j].data();
  std::vector<float> y(c.n, -9.0f);
  double residual[kMaxPlanes];
  double gram[kMaxPlanes * kMaxPlanes];
  const double moved =
      search_ops().dual_point(z.data(), rows, c.mu, planes, c.lower, c.upper, c.n, y.data(), residual, gram);
  LaneSum expected_moved;
  LaneSum expected_residual[kMaxPlanes];
  LaneSum expected_gram[kMaxPlanes][kMaxPlanes];
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    double value = z[i];
    for (int j = 0; j < planes; ++j) value -= c.mu[j] * static_cast<double>(c.rows[j][i]);
    const double yi = clip(value, c.lower, c.upper);
    const bool free = value >= c.lower && value <= c.upper;
    same = same && y[i] == static_cast<float>(yi);
    expected_moved.add(i, (yi - z[i]) * (yi - z[i]));
    for (int j = 0; j < planes; ++j) {
      const double a = c.rows[j][i];
      expected_residual[j].add(i, a * yi);
      for (int k = 0; k < planes; ++k) expected_gram[j][k].add(i, free ? a * static_cast<double>(c.rows[k][i]) : 0.0);
    }
  }
  CHECK(same);
  CHECK(same_bits(moved, expected_moved.value()));
  for (int j = 0; j < planes; ++j) {
    CHECK(same_bits(residual[j], expected_residual[j].value()));
    for (int k = 0; k < planes; ++k) CHECK(gram[j * kMaxPlanes + k] == expected_gram[j][k].value());
  }
}

void check_compare_points(const Case& c) {
  std::vector<float> d(c.n), change(c.n);
  const StepSums sums = search_ops().compare_points(c.x.data(), c.y.data(), c.target.data(), c.rows[0].data(),
                                                    c.rows[1].data(), c.lower, c.upper, c.n, d.data(), change.data());
  LaneSum dd, a0d, a1d, ff, a1a1;
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const float step = c.target[i] - c.y[i];
    const bool held = step == 0.0f && (c.target[i] <= c.lower || c.target[i] >= c.upper);
    same = same && d[i] == step && change[i] == (held ? 0.0f : c.rows[1][i] - c.rows[0][i]);
    const double di = step, a0 = c.rows[0][i], a1 = c.rows[1][i];
    const double f = static_cast<double>(c.target[i]) - static_cast<double>(c.x[i]);
    dd.add(i, di * di);
    a0d.add(i, a0 * di);
    a1d.add(i, a1 * di);
    ff.add(i, f * f);
    a1a1.add(i, a1 * a1);
  }
  CHECK(same);
  CHECK(sums.dd == dd.value());
  CHECK(sums.a0d == a0d.value());
  CHECK(sums.a1d == a1d.value());
  CHECK(sums.ff == ff.value());
  CHECK(sums.a1a1 == a1a1.value());
}

void check_split_free(const Case& c) {
  std::vector<float> f(c.n), m(c.n);
  const double fixed_part = search_ops().split_free(c.x.data(), c.y.data(), c.rows[0].data(), c.target.data(), c.lower,
                                                    c.upper, c.n, f.data(), m.data());
  LaneSum expected;
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const bool free = c.lower < c.target[i] && c.target[i] < c.upper;
    same = same && f[i] == (free ? c.y[i] - c.x[i] : 0.0f) && m[i] == (free ? c.rows[0][i] : 0.0f);
    const double step = static_cast<double>(c.target[i]) - static_cast<double>(c.y[i]);
    expected.add(i, free ? 0.0 : static_cast<double>(c.rows[0][i]) * step);
  }
  CHECK(same);
  CHECK(fixed_part == expected.value());
}

// out: nullptr, or one of the inputs that out may be.
void check_move(const Case& c, double scale, int alias) {
  std::vector<float> d = c.d, target = c.target, separate(c.n);
  float* out = alias == 0 ? separate.data() : alias == 1 ? d.data() : target.data();
  const MoveSums sums =
      search_ops().move(c.x.data(), c.y.data(), d.data(), target.data(), scale, c.lower, c.upper, c.n, out);
  LaneSum dd, ff;
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const bool free = c.lower < c.target[i] && c.target[i] < c.upper;
    const double at = c.y[i];
    const double step = free ? static_cast<double>(c.d[i]) : static_cast<double>(c.target[i]) - at;
    const float next = static_cast<float>(clip(at + scale * step, c.lower, c.upper));
    same = same && out[i] == next;
    const double moved = static_cast<double>(next) - at;
    const double f = static_cast<double>(next) - static_cast<double>(c.x[i]);
    dd.add(i, moved * moved);
    ff.add(i, f * f);
  }
  CHECK(same);
  CHECK(sums.dd == dd.value());
  CHECK(sums.ff == ff.value());
}

void check_stationarity(const Case& c, double mu) {
  const StationaritySums sums =
      search_ops().stationarity(c.x.data(), c.y.data(), c.rows[0].data(), mu, c.lower, c.upper, c.n);
  LaneSum gg, fa, aa, ff;
  for (std::size_t i = 0; i < c.n; ++i) {
    const double y = c.y[i], a = c.rows[0][i];
    const double f = y - static_cast<double>(c.x[i]);
    const double g = f + mu * a;
    const bool held = (y <= c.lower && g > 0.0) || (y >= c.upper && g < 0.0);
    gg.add(i, held ? 0.0 : g * g);
    fa.add(i, held ? 0.0 : f * a);
    aa.add(i, held ? 0.0 : a * a);
    ff.add(i, f * f);
  }
  CHECK(sums.gg == gg.value());
  CHECK(sums.fa == fa.value());
  CHECK(sums.aa == aa.value());
  CHECK(sums.ff == ff.value());
}

void check_between(const Case& c, double t) {
  std::vector<float> out(c.n);
  search_ops().between(c.x.data(), c.y.data(), t, c.n, out.data());
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const double from = c.x[i];
    same = same && out[i] == static_cast<float>(from + t * (static_cast<double>(c.y[i]) - from));
    same = same && out[i] >= c.lower && out[i] <= c.upper;
  }
  CHECK(same);
}

}  // namespace

TEST_CASE("every kernel does what its contract writes down, to the bit, at every length and on every set") {
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    for (std::size_t n : sizes()) {
      CAPTURE(n);
      const Case c(n, 4000 + n);
      for (int planes = 0; planes <= kMaxPlanes; ++planes) {
        CAPTURE(planes);
        check_dual_point(c, planes, c.x);
        check_dual_point(c, planes, c.beyond);
      }
      check_compare_points(c);
      check_split_free(c);
      for (int alias = 0; alias < 3; ++alias) {
        check_move(c, 1.0, alias);
        check_move(c, 0.37, alias);
      }
      check_stationarity(c, 0.0);
      check_stationarity(c, 0.8);
      check_between(c, 0.61);
      check_between(c, 1.0);
    }
  }
}

TEST_CASE("a coordinate that lands exactly on a bound counts as free") {
  const float z[2] = {0.5f, 0.5f};
  const float a[2] = {-0.5f, -0.25f};
  const float* row = a;
  const double mu = 1.0;
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    float y[2];
    double residual, gram;
    CHECK(search_ops().dual_point(z, &row, &mu, 1, 0.0, 1.0, 2, y, &residual, &gram) == 0.3125);
    CHECK(y[0] == 1.0f);
    CHECK(gram == 0.3125);
    CHECK(search_ops().dual_point(z, &row, &mu, 1, 0.0, 0.875, 2, y, &residual, &gram) == 0.203125);
    CHECK(gram == 0.0625);
  }
}

TEST_CASE("not a number stays inside the box") {
  const float nan = std::nanf("");
  std::vector<float> bad(40, nan), x(40, 0.5f), out(40);
  const float* row = bad.data();
  const double mu = 0.5;
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    double residual, gram;
    search_ops().dual_point(x.data(), &row, &mu, 1, 0.25, 0.75, 40, out.data(), &residual, &gram);
    for (float value : out) CHECK((value >= 0.25f && value <= 0.75f));
    search_ops().move(x.data(), x.data(), bad.data(), x.data(), 1.0, 0.25, 0.75, 40, out.data());
    for (float value : out) CHECK((value >= 0.25f && value <= 0.75f));
  }
}
