// The search's kernels, bit for bit the loops that search_ops.hpp writes down, on every instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "instruction_sets.hpp"
#include "linalg/search_ops.hpp"
#include "problems.hpp"
#include "search/noise.hpp"

using blindspot::kMaxPlanes;
using blindspot::MoveSums;
using blindspot::search_ops;
using blindspot::StationaritySums;
using blindspot::StepSums;
using problems::Random;

namespace {

double tree_sum(const double (&given)[16]) {
  double lanes[16];
  std::memcpy(lanes, given, sizeof lanes);
  for (int stride = 8; stride >= 1; stride /= 2) {
    for (int lane = 0; lane < stride; ++lane) lanes[lane] += lanes[lane + stride];
  }
  return lanes[0];
}

// A sum in the order that vector_ops.hpp states.
class LaneSum {
 public:
  void add(std::size_t i, double term) { lanes_[i % 16] += term; }
  double value() const { return tree_sum(lanes_); }

 private:
  double lanes_[16] = {};
};

// A sum of n terms in the order that search_ops.hpp states, and how far it may be from the exact one.
class RunSum {
 public:
  explicit RunSum(std::size_t n) : whole_(n - n % 16) {}
  void add(std::size_t i, float term) {
    if (i % blindspot::kRun == 0 || i == whole_) end_run();
    run_[i % 16] += term;
    exact_ += static_cast<double>(term);
    magnitude_ += std::fabs(static_cast<double>(term));
  }
  double value() {
    end_run();
    const double sum = tree_sum(lanes_);
    CHECK(std::fabs(sum - exact_) <= 2e-6 * magnitude_);
    return sum;
  }

 private:
  void end_run() {
    for (int lane = 0; lane < 16; ++lane) {
      lanes_[lane] += static_cast<double>(run_[lane]);
      run_[lane] = 0.0f;
    }
  }

  std::size_t whole_;
  float run_[16] = {};
  double lanes_[16] = {};
  double exact_ = 0.0;
  double magnitude_ = 0.0;
};

float clip(float value, float lower, float upper) { return std::fmin(std::fmax(value, lower), upper); }

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

std::vector<std::size_t> sizes() {
  std::vector<std::size_t> list;
  for (std::size_t n = 1; n <= 70; ++n) list.push_back(n);
  for (std::size_t n : {511, 512, 513, 527, 528, 784, 1030}) list.push_back(n);
  return list;
}

// Points of a box, many of them at its bounds, and vectors with zeros.
struct Case {
  std::size_t n;
  float lower, upper;
  std::vector<float> x, y, target, beyond, d, rows[kMaxPlanes];
  float mu[kMaxPlanes];

  Case(std::size_t size, std::uint64_t seed) : n(size) {
    Random random(seed);
    const bool unit = random.uniform() < 0.5;
    lower = unit ? 0.0f : -0.75f;
    upper = unit ? 1.0f : 0.3f;
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
    for (float& m : mu) m = random.uniform() < 0.3 ? 0.0f : static_cast<float>(random.between(0.0, 0.6));
  }
};

std::vector<const float*> rows_of(const Case& c) {
  std::vector<const float*> rows;
  for (const std::vector<float>& row : c.rows) rows.push_back(row.data());
  return rows;
}

// One plane, and several: the same sums, which for one come together; what sits at a bound unclipped is free for one only.
void check_dual(const Case& c, int planes, const std::vector<float>& z) {
  const std::vector<const float*> rows = rows_of(c);
  std::vector<float> y(c.n, -9.0f);
  double residual[kMaxPlanes];
  double gram[kMaxPlanes * kMaxPlanes];
  double moved = 0.0;
  const auto& ops = search_ops();
  if (planes == 1) {
    const auto sums = ops.dual_line(z.data(), rows[0], c.mu[0], c.lower, c.upper, c.n, y.data());
    moved = sums.dd, residual[0] = sums.ad, gram[0] = sums.aa;
  } else {
    moved = ops.dual_point(z.data(), rows.data(), c.mu, planes, c.lower, c.upper, c.n, y.data(), residual);
    ops.dual_gram(y.data(), rows.data(), planes, c.lower, c.upper, c.n, gram);
  }
  RunSum expected_moved(c.n);
  std::vector<RunSum> expected_residual(kMaxPlanes, RunSum(c.n)), expected_gram(kMaxPlanes * kMaxPlanes, RunSum(c.n));
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    float value = z[i];
    for (int j = 0; j < planes; ++j) value -= c.mu[j] * c.rows[j][i];
    const float yi = clip(value, c.lower, c.upper);
    const bool free = planes == 1 ? value >= c.lower && value <= c.upper : yi > c.lower && yi < c.upper;
    same = same && y[i] == yi;
    const float d = yi - z[i];
    expected_moved.add(i, d * d);
    for (int j = 0; j < planes; ++j) {
      expected_residual[j].add(i, c.rows[j][i] * d);
      for (int k = 0; k < planes; ++k) {
        expected_gram[j * kMaxPlanes + k].add(i, free ? c.rows[j][i] * c.rows[k][i] : 0.0f);
      }
    }
  }
  CHECK(same);
  CHECK(same_bits(moved, expected_moved.value()));
  for (int j = 0; j < planes; ++j) {
    CHECK(same_bits(residual[j], expected_residual[j].value()));
    for (int k = 0; k < planes; ++k) CHECK(gram[j * kMaxPlanes + k] == expected_gram[j * kMaxPlanes + k].value());
  }
}

float scaled(float a, float scale) { return std::fabs(scale * a) >= 0x1p-40f ? scale * a : 0.0f; }

void check_scaled_copy(const Case& c) {
  std::vector<float> a = c.rows[0];
  for (std::size_t i = 0; i < c.n; i += 3) a[i] *= 0x1p-40f;
  for (const float scale : {1.0f, 0.37f, 0x1p40f}) {
    std::vector<float> out(c.n);
    search_ops().scaled_copy(a.data(), scale, c.n, out.data());
    bool same = true;
    for (std::size_t i = 0; i < c.n; ++i) same = same && out[i] == scaled(a[i], scale);
    CHECK(same);
  }
}

void check_compare_points(const Case& c) {
  constexpr float kScale = 0.37f;
  std::vector<float> y0 = c.y, plane(c.n), d(c.n), change(c.n);
  const StepSums sums =
      search_ops().compare_points(c.x.data(), y0.data(), c.target.data(), c.rows[0].data(), c.rows[1].data(), kScale,
                                  c.lower, c.upper, c.n, plane.data(), d.data(), change.data());
  RunSum dd(c.n), a0d(c.n), a1d(c.n), ff(c.n), a1f(c.n), free_ff(c.n), free_af(c.n), free_aa(c.n);
  bool same = y0 == c.target;
  for (std::size_t i = 0; i < c.n; ++i) {
    const float step = c.target[i] - c.y[i];
    const float a0 = c.rows[0][i], a1 = scaled(c.rows[1][i], kScale);
    const bool free = c.lower < c.target[i] && c.target[i] < c.upper;
    const bool held = step == 0.0f && !free;
    same = same && plane[i] == a1 && d[i] == step && change[i] == (held ? 0.0f : a1 - a0);
    const float f = c.target[i] - c.x[i];
    dd.add(i, step * step);
    a0d.add(i, a0 * step);
    a1d.add(i, a1 * step);
    ff.add(i, f * f);
    a1f.add(i, a1 * f);
    free_ff.add(i, free ? f * f : 0.0f);
    free_af.add(i, free ? f * a1 : 0.0f);
    free_aa.add(i, free ? a1 * a1 : 0.0f);
  }
  CHECK(same);
  CHECK(sums.dd == dd.value());
  CHECK(sums.a0d == a0d.value());
  CHECK(sums.a1d == a1d.value());
  CHECK(sums.ff == ff.value());
  CHECK(sums.a1f == a1f.value());
  CHECK(sums.free_ff == free_ff.value());
  CHECK(sums.free_af == free_af.value());
  CHECK(sums.free_aa == free_aa.value());

  std::vector<float> y0_alone = c.y, plane_alone(c.n);
  const StepSums alone =
      search_ops().compare_points(c.x.data(), y0_alone.data(), c.target.data(), c.rows[0].data(), c.rows[1].data(),
                                  kScale, c.lower, c.upper, c.n, plane_alone.data(), nullptr, nullptr);
  CHECK(y0_alone == y0);
  CHECK(plane_alone == plane);
  CHECK(alone.dd == sums.dd);
  CHECK(alone.free_aa == sums.free_aa);
}

void check_split_free(const Case& c) {
  std::vector<float> f(c.n), m(c.n);
  const double fixed_part = search_ops().split_free(c.x.data(), c.y.data(), c.rows[0].data(), c.target.data(), c.lower,
                                                    c.upper, c.n, f.data(), m.data());
  RunSum expected(c.n);
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const bool free = c.lower < c.target[i] && c.target[i] < c.upper;
    same = same && f[i] == (free ? c.y[i] - c.x[i] : 0.0f) && m[i] == (free ? c.rows[0][i] : 0.0f);
    expected.add(i, free ? 0.0f : c.rows[0][i] * (c.target[i] - c.y[i]));
  }
  CHECK(same);
  CHECK(fixed_part == expected.value());
}

// alias: 0, or out is the target.
void check_move(const Case& c, float scale, std::size_t k, int alias) {
  std::vector<float> target = c.target, separate(c.n);
  const float coefficients[] = {0.9f, -0.3f, 0.07f, 1.0f};
  const std::vector<const float*> rows = rows_of(c);
  float* out = alias == 0 ? separate.data() : target.data();
  const MoveSums sums = search_ops().move(c.x.data(), c.y.data(), target.data(), coefficients, rows.data(), k, scale,
                                          c.lower, c.upper, c.n, out);
  RunSum dd(c.n), ff(c.n);
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    const bool free = c.lower < c.target[i] && c.target[i] < c.upper;
    float combined = 0.0f;
    for (std::size_t j = 0; j < k; ++j) combined += coefficients[j] * rows[j][i];
    const float step = free ? combined : c.target[i] - c.y[i];
    const float next = clip(c.y[i] + scale * step, c.lower, c.upper);
    same = same && out[i] == next;
    const float moved = next - c.y[i], f = next - c.x[i];
    dd.add(i, moved * moved);
    ff.add(i, f * f);
  }
  CHECK(same);
  CHECK(sums.dd == dd.value());
  CHECK(sums.ff == ff.value());
}

void check_dots(const Case& c) {
  std::vector<const float*> rows = rows_of(c);
  for (const std::vector<float>* more : {&c.x, &c.d, &c.target, &c.beyond, &c.y, &c.rows[2]}) {
    rows.push_back(more->data());
  }
  for (std::size_t k = 0; k <= rows.size(); ++k) {
    std::vector<double> dots(2 * k), from(k);
    search_ops().pair_dots(rows.data(), k, c.d.data(), c.y.data(), c.n, dots.data());
    search_ops().dots_from(rows.data(), k, c.x.data(), c.y.data(), c.n, from.data());
    bool same = true;
    for (std::size_t j = 0; j < k; ++j) {
      RunSum du(c.n), dv(c.n), fu(c.n);
      for (std::size_t i = 0; i < c.n; ++i) {
        du.add(i, rows[j][i] * c.d[i]);
        dv.add(i, rows[j][i] * c.y[i]);
        fu.add(i, rows[j][i] * (c.y[i] - c.x[i]));
      }
      same = same && dots[2 * j] == du.value() && dots[2 * j + 1] == dv.value();
      same = same && from[j] == fu.value();
    }
    CHECK(same);
  }
  RunSum squares(c.n);
  for (std::size_t i = 0; i < c.n; ++i) squares.add(i, (c.x[i] - c.y[i]) * (c.x[i] - c.y[i]));
  CHECK(search_ops().squared_distance(c.x.data(), c.y.data(), c.n) == squares.value());
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

void check_between(const Case& c, float t) {
  std::vector<float> out(c.n);
  search_ops().between(c.x.data(), c.y.data(), t, c.lower, c.upper, c.n, out.data());
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    same = same && out[i] == clip(c.x[i] + t * (c.y[i] - c.x[i]), c.lower, c.upper);
    same = same && out[i] >= c.lower && out[i] <= c.upper;
  }
  CHECK(same);
}

std::uint32_t xorshift(std::uint32_t word) {
  word ^= word << 13;
  word ^= word >> 17;
  word ^= word << 5;
  return word;
}

void check_add_noise(const Case& c, float amplitude) {
  std::uint32_t state[16], expected[16];
  for (std::uint32_t lane = 0; lane < 16; ++lane) state[lane] = expected[lane] = 0x9e3779b9u * (lane + 1);
  std::vector<float> out(c.n);
  search_ops().add_noise(c.x.data(), amplitude, c.lower, c.upper, c.n, state, out.data());
  bool same = true;
  for (std::size_t i = 0; i < c.n; ++i) {
    std::uint32_t& word = expected[i % 16];
    word = xorshift(word);
    const float drawn = static_cast<float>(static_cast<std::int32_t>(word));
    same = same && out[i] == clip(c.x[i] + amplitude * 0x1p-31f * drawn, c.lower, c.upper);
  }
  CHECK(same);
  CHECK(std::memcmp(state, expected, sizeof state) == 0);
}

}  // namespace

TEST_CASE("every kernel does what its contract writes down, to the bit, at every length and on every set") {
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    for (std::size_t n : sizes()) {
      CAPTURE(n);
      const Case c(n, 4000 + n);
      for (int planes = 1; planes <= kMaxPlanes; ++planes) {
        CAPTURE(planes);
        check_dual(c, planes, c.x);
        check_dual(c, planes, c.beyond);
      }
      check_scaled_copy(c);
      check_compare_points(c);
      check_split_free(c);
      for (int alias = 0; alias < 2; ++alias) {
        check_move(c, 1.0f, 4, alias);
        check_move(c, 0.37f, 3, alias);
      }
      check_move(c, 1.0f, 0, 0);
      check_dots(c);
      check_stationarity(c, 0.0);
      check_stationarity(c, 0.8);
      check_between(c, 0.61f);
      check_between(c, 1.0f);
      check_add_noise(c, 0.2f);
      check_add_noise(c, 2.0f);
    }
  }
}

TEST_CASE("a point between two of the box stays in it, however the sum rounds") {
  const float lower = -0.9f;
  bool rounds_beyond = false;
  for (int k = 1; k < 4096 && !rounds_beyond; ++k) {
    const float x = lower + static_cast<float>(k) * 1e-4f;
    for (float upper : {0.3f, 0.7f, 0.45f}) {
      if (!(x + 1.0f * (upper - x) > upper)) continue;
      rounds_beyond = true;
      for (const std::string& set : instruction_sets()) {
        CAPTURE(set);
        const UseInstructionSet use(set);
        std::vector<float> from(16, x), to(16, upper), out(16);
        search_ops().between(from.data(), to.data(), 1.0f, lower, upper, 16, out.data());
        for (float value : out) CHECK(value <= upper);
      }
    }
  }
  CHECK(rounds_beyond);
}

TEST_CASE("noise is uniform, of the norm that its amplitude says, and another one each time") {
  constexpr std::size_t n = 100'000;
  const std::vector<float> around(n, 0.0f);
  std::vector<float> first(n), second(n);
  blindspot::Noise noise;
  noise.seed(7);
  noise.add(around.data(), 2.0f, -9.0f, 9.0f, n, first.data());
  noise.add(around.data(), 2.0f, -9.0f, 9.0f, n, second.data());
  double mean = 0.0, square = 0.0, neighbours = 0.0, draws = 0.0;
  int bins[8] = {};
  for (std::size_t i = 0; i < n; ++i) {
    mean += first[i];
    square += first[i] * first[i];
    neighbours += first[i] * first[(i + 1) % n];
    draws += first[i] * second[i];
    ++bins[static_cast<int>((first[i] + 2.0f) * 1.9999f)];
  }
  // Four standard deviations of each.
  CHECK(std::fabs(mean / n) < 4.0 * 1.155 / std::sqrt(n));
  CHECK(std::fabs(square / n - 4.0 / 3.0) < 4.0 * 1.193 / std::sqrt(n));
  CHECK(std::fabs(neighbours / n) < 4.0 * 1.334 / std::sqrt(n));
  CHECK(std::fabs(draws / n) < 4.0 * 1.334 / std::sqrt(n));
  for (int bin : bins) CHECK(std::fabs(bin - n / 8.0) < 4.5 * std::sqrt(n / 8.0 * 7.0 / 8.0));
}

TEST_CASE("a coordinate that lands exactly on a bound counts as free") {
  const float z[2] = {0.5f, 0.5f};
  const float a[2] = {-0.5f, -0.25f};
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    float y[2];
    blindspot::DualSums sums = search_ops().dual_line(z, a, 1.0f, 0.0f, 1.0f, 2, y);
    CHECK(sums.dd == 0.3125);
    CHECK(y[0] == 1.0f);
    CHECK(sums.aa == 0.3125);
    sums = search_ops().dual_line(z, a, 1.0f, 0.0f, 0.875f, 2, y);
    CHECK(sums.dd == 0.203125);
    CHECK(sums.aa == 0.0625);
  }
}

TEST_CASE("not a number stays inside the box") {
  const float nan = std::nanf("");
  std::vector<float> bad(40, nan), x(40, 0.5f), out(40);
  const float* rows[2] = {bad.data(), bad.data()};
  const float mu[2] = {0.5f, 0.5f};
  for (const std::string& set : instruction_sets()) {
    CAPTURE(set);
    const UseInstructionSet use(set);
    double residual[2];
    search_ops().dual_line(x.data(), bad.data(), 0.5f, 0.25f, 0.75f, 40, out.data());
    for (float value : out) CHECK((value >= 0.25f && value <= 0.75f));
    search_ops().dual_point(x.data(), rows, mu, 2, 0.25f, 0.75f, 40, out.data(), residual);
    for (float value : out) CHECK((value >= 0.25f && value <= 0.75f));
    search_ops().move(x.data(), x.data(), x.data(), mu, rows, 1, 1.0f, 0.25f, 0.75f, 40, out.data());
    for (float value : out) CHECK((value >= 0.25f && value <= 0.75f));
  }
}
