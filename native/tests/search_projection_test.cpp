// Projection on halfspaces and a box: the optimality conditions, and a slow independent solver.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "exact_projection.hpp"
#include "problems.hpp"
#include "search/metric/halfspace_box.hpp"

using blindspot::Box;
using blindspot::HalfspaceProjection;
using blindspot::kMaxPlanes;
using blindspot::project_halfspaces;
using problems::Random;

namespace {

enum class Planes { kGeneral, kParallel, kNearlyParallel, kThroughOnePoint };

double value_at(const std::vector<float>& z, const std::vector<float>& a, double offset) {
  double value = -offset;
  for (std::size_t i = 0; i < z.size(); ++i) value += static_cast<double>(a[i]) * static_cast<double>(z[i]);
  return value;
}

// A set that is not empty: every halfspace holds a point of the box.
struct Instance {
  std::size_t n;
  int planes;
  Box box;
  std::vector<float> z;
  std::vector<std::vector<float>> rows;
  std::vector<double> offsets;  // of a . y <= offset

  Instance(std::size_t size, int count, Planes kind, Random& random) : n(size), planes(count) {
    if (random.uniform() < 0.5) box = {-0.75f, 0.3f};
    std::vector<float> inside(n);
    for (float& value : inside) value = within(random.uniform());
    for (std::size_t i = 0; i < n; ++i) {
      const double u = random.uniform();
      z.push_back(u < 0.4 ? box.lower : u < 0.6 ? box.upper : within(random.uniform()));
    }
    for (int j = 0; j < planes; ++j) {
      std::vector<float> row(n);
      for (std::size_t i = 0; i < n; ++i) {
        row[i] = static_cast<float>(random.between(-1.0, 1.0));
        if (j > 0 && kind == Planes::kParallel) row[i] = rows[0][i] * (j == 1 ? 1.0f : 2.0f);
        if (j > 0 && kind == Planes::kNearlyParallel) row[i] = rows[0][i] + 0.01f * row[i];
      }
      double offset = 0.0;
      for (std::size_t i = 0; i < n; ++i) offset += static_cast<double>(row[i]) * static_cast<double>(inside[i]);
      if (kind != Planes::kThroughOnePoint && random.uniform() < 0.5) offset += 0.1 * random.uniform();
      rows.push_back(row);
      offsets.push_back(offset);
    }
  }

  float within(double u) const {
    return static_cast<float>(box.lower + u * (static_cast<double>(box.upper) - box.lower));
  }

  HalfspaceProjection project(const double* start, std::vector<float>& y) const {
    const float* pointers[kMaxPlanes];
    for (int j = 0; j < planes; ++j) pointers[j] = rows[static_cast<std::size_t>(j)].data();
    y.assign(n, NAN);
    return project_halfspaces(z.data(), pointers, values().data(), planes, box, n, start, y.data());
  }

  // The constraints at z.
  std::vector<double> values() const {
    std::vector<double> at_z;
    for (std::size_t j = 0; j < rows.size(); ++j) at_z.push_back(value_at(z, rows[j], offsets[j]));
    return at_z;
  }

  ExactProjection exact() const {
    ProjectionOracle oracle({z.begin(), z.end()}, box.lower, box.upper);
    for (int j = 0; j < planes; ++j) {
      const std::vector<float>& row = rows[static_cast<std::size_t>(j)];
      oracle.add({row.begin(), row.end()}, offsets[static_cast<std::size_t>(j)]);
    }
    return oracle.solve(n > 100 ? 200 : 2000);
  }
};

bool all_inside(const std::vector<float>& y, Box box) {
  for (float value : y) {
    if (!(value >= box.lower && value <= box.upper)) return false;
  }
  return true;
}

// y = clip(z - sum mu a), mu >= 0, a . y <= c, and a . y = c where mu > 0. These are sufficient: the problem is convex.
void check_optimality(const Instance& instance, const HalfspaceProjection& found, const std::vector<float>& y) {
  const std::size_t planes = static_cast<std::size_t>(instance.planes);
  std::vector<double> residual(planes), norm(planes, 0.0);
  for (std::size_t j = 0; j < planes; ++j) {
    CHECK(found.multipliers[j] >= 0.0);
    residual[j] = -instance.offsets[j];
  }
  double squared = 0.0;
  bool same = true;
  for (std::size_t i = 0; i < instance.n; ++i) {
    float value = instance.z[i];
    for (std::size_t j = 0; j < planes; ++j) {
      value -= static_cast<float>(found.multipliers[j]) * instance.rows[j][i];
    }
    const float clipped = std::fmin(std::fmax(value, instance.box.lower), instance.box.upper);
    same = same && y[i] == clipped;
    const double yi = clipped;
    squared += (yi - instance.z[i]) * (yi - instance.z[i]);
    for (std::size_t j = 0; j < planes; ++j) {
      const double a = instance.rows[j][i];
      residual[j] += a * yi;
      norm[j] += a * a;
    }
  }
  CHECK(same);
  CHECK(found.length * found.length == doctest::Approx(squared).epsilon(1e-6));
  for (std::size_t j = 0; j < planes; ++j) {
    const double tolerance = (1e-7 + 1e-6 * std::sqrt(squared)) * std::sqrt(norm[j]) + 1e-13;
    CHECK(residual[j] <= tolerance);
    if (found.multipliers[j] > 0.0) CHECK(residual[j] >= -tolerance);
  }
}

void check_family(Planes kind) {
  Random random(60 + static_cast<int>(kind));
  int small = 0, small_solved = 0;
  for (std::size_t n : {1, 2, 3, 5, 10, 20, 50, 100, 784}) {
    for (int planes = 1; planes <= kMaxPlanes; ++planes) {
      for (int trial = 0; trial < (n > 100 ? 6 : 30); ++trial) {
        CAPTURE(n);
        CAPTURE(planes);
        CAPTURE(trial);
        const Instance instance(n, planes, kind, random);
        std::vector<float> y;
        const HalfspaceProjection found = instance.project(nullptr, y);
        CHECK(all_inside(y, instance.box));
        CHECK(std::isfinite(found.length));
        if (n < 20) {
          ++small;
          small_solved += found.solved ? 1 : 0;
        } else {
          CHECK(found.solved);
        }
        if (!found.solved) continue;
        check_optimality(instance, found, y);
        const double distance = found.length;
        const ExactProjection exact = instance.exact();
        CHECK(distance >= exact.bound - 4e-6);
        // Planes that are nearly one starve the slow solver; there the optimality conditions have to do.
        if (kind == Planes::kGeneral && n >= 20) CHECK(distance <= exact.bound + 4e-6);

        std::vector<float> again;
        const HalfspaceProjection warm = instance.project(found.multipliers, again);
        CHECK(warm.solved);
        CHECK(again == y);
      }
    }
  }
  // A handful of pixels may meet in a corner of the box where no multipliers are in sight.
  CHECK(small_solved >= 0.95 * small);
}

HalfspaceProjection project_one(const std::vector<float>& z, const std::vector<float>& a, double c,
                                std::vector<float>& y) {
  const float* row = a.data();
  const double value = value_at(z, a, c);
  y.assign(z.size(), NAN);
  return project_halfspaces(z.data(), &row, &value, 1, Box{0.0f, 1.0f}, z.size(), nullptr, y.data());
}

}  // namespace

TEST_CASE("random planes") { check_family(Planes::kGeneral); }
TEST_CASE("duplicate and parallel planes") { check_family(Planes::kParallel); }
TEST_CASE("nearly parallel planes") { check_family(Planes::kNearlyParallel); }
TEST_CASE("planes that all meet in one point") { check_family(Planes::kThroughOnePoint); }

TEST_CASE("a point that satisfies everything stays where it is") {
  std::vector<float> y;
  const HalfspaceProjection found = project_one({0.25f, 1.0f, 0.0f}, {1.0f, 1.0f, 1.0f}, 1.25, y);
  CHECK(found.solved);
  CHECK(found.multipliers[0] == 0.0);
  CHECK(found.length == 0.0);
  CHECK(y == std::vector<float>{0.25f, 1.0f, 0.0f});
}

TEST_CASE("a multiplier of a warm start that is no longer wanted is taken back") {
  const std::vector<float> z = {0.25f, 0.5f};
  const std::vector<float> a = {1.0f, 1.0f};
  const float* row = a.data();
  const double value = value_at(z, a, 2.0);
  const double start[1] = {0.4};
  std::vector<float> y(2);
  const HalfspaceProjection found = project_halfspaces(z.data(), &row, &value, 1, Box{}, 2, start, y.data());
  CHECK(found.solved);
  CHECK(found.multipliers[0] == 0.0);
  CHECK(y == z);
}

TEST_CASE("the end in a corner of the box, every coordinate at a bound") {
  std::vector<float> y;
  // From the far corner, to where only the last coordinate is free.
  const HalfspaceProjection found = project_one({0.0f, 0.0f, 0.0f, 0.0f}, {-1.0f, -4.0f, -4.0f, 2.0f}, -8.5, y);
  CHECK(found.solved);
  CHECK(y == std::vector<float>{0.5f, 1.0f, 1.0f, 0.0f});
  CHECK(found.length == doctest::Approx(1.5));
}

TEST_CASE("an empty set is said to be empty, in finite numbers and inside the box") {
  std::vector<float> y;
  // Out of the box's reach; a plane without a gradient; one that pushes only against bounds.
  CHECK_FALSE(project_one({0.5f, 0.5f}, {1.0f, 1.0f}, -0.5, y).solved);
  CHECK(all_inside(y, Box{}));
  const HalfspaceProjection flat = project_one({0.5f, 0.5f}, {0.0f, 0.0f}, -1.0, y);
  CHECK_FALSE(flat.solved);
  CHECK(std::isfinite(flat.length));
  CHECK(std::isfinite(flat.multipliers[0]));
  CHECK(all_inside(y, Box{}));
  const HalfspaceProjection blocked = project_one({0.0f, 1.0f}, {1.0f, -1.0f}, -1.5, y);
  CHECK_FALSE(blocked.solved);
  CHECK(std::isfinite(blocked.length));
  CHECK(all_inside(y, Box{}));

  // Two halfspaces that exclude each other.
  const std::vector<float> z = {0.5f, 0.5f, 0.5f}, a = {1.0f, 2.0f, -1.0f}, b = {-1.0f, -2.0f, 1.0f};
  const float* rows[2] = {a.data(), b.data()};
  const double values[2] = {value_at(z, a, 0.4), value_at(z, b, -0.9)};
  y.assign(3, NAN);
  const HalfspaceProjection torn = project_halfspaces(z.data(), rows, values, 2, Box{}, 3, nullptr, y.data());
  CHECK_FALSE(torn.solved);
  CHECK(std::isfinite(torn.length));
  for (int j = 0; j < 2; ++j) CHECK(std::isfinite(torn.multipliers[j]));
  CHECK(all_inside(y, Box{}));
}

TEST_CASE("gradients of any size: the projection does not depend on the scale of a plane") {
  Random random(9);
  for (const float scale : {1e-6f, 1e-3f, 1.0f, 1e3f, 1e6f}) {
    CAPTURE(scale);
    for (int trial = 0; trial < 10; ++trial) {
      Instance instance(60, 2, Planes::kGeneral, random);
      std::vector<float> plain, scaled;
      REQUIRE(instance.project(nullptr, plain).solved);
      for (auto& row : instance.rows) {
        for (float& a : row) a *= scale;
      }
      for (double& c : instance.offsets) c *= static_cast<double>(scale);
      CHECK(instance.project(nullptr, scaled).solved);
      double worst = 0.0;
      for (std::size_t i = 0; i < plain.size(); ++i) worst = std::fmax(worst, std::fabs(plain[i] - scaled[i]));
      CHECK(worst <= 1e-5);
    }
  }
}
