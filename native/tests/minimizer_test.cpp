// The minimizer through the C header: options, states, ends, and functions that misbehave.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "blindspot/blindspot.h"
#include "memory/arena.hpp"
#include "problems.hpp"

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

bs_minimizer_status status_of(const bs_minimizer_result& result) {
  return static_cast<bs_minimizer_status>(static_cast<int>(result.status));
}

bs_minimizer_options defaults(double n, bs_method method = BS_METHOD_LBFGSB) {
  return {n, 64.0, static_cast<double>(method), 10.0, 1e-5, 1e7 * 2.22e-16, 15000.0, 15000.0};
}

class Handle {
 public:
  explicit Handle(const bs_minimizer_options& options) { status = bs_minimizer_create(&options, &handle); }
  ~Handle() {
    if (handle != nullptr) bs_minimizer_free(handle);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  double* x() { return static_cast<double*>(bs_minimizer_x(handle)); }
  double* gradient() { return static_cast<double*>(bs_minimizer_gradient(handle)); }
  double* lower() { return static_cast<double*>(bs_minimizer_lower(handle)); }
  double* upper() { return static_cast<double*>(bs_minimizer_upper(handle)); }

  bs_minimizer_result result() const {
    bs_minimizer_result now;
    bs_minimizer_get_result(handle, &now);
    return now;
  }

  bs_minimizer_result run(const std::function<double(const double*, double*)>& evaluate) {
    REQUIRE(bs_minimizer_start(handle) == BS_OK);
    while (status_of(result()) == BS_MINIMIZER_EVALUATE) {
      REQUIRE(bs_minimizer_tell(handle, evaluate(x(), gradient())) == BS_OK);
    }
    return result();
  }

  int32_t status = -1;
  bs_minimizer* handle = nullptr;
};

double bowl(const double* x, double* g) {
  g[0] = 2.0 * (x[0] - 3.0);
  g[1] = 8.0 * (x[1] + 1.0);
  return (x[0] - 3.0) * (x[0] - 3.0) + 4.0 * (x[1] + 1.0) * (x[1] + 1.0);
}

}  // namespace

TEST_CASE("an option outside its range is refused by name") {
  struct Bad {
    double bs_minimizer_options::*field;
    double value;
    const char* name;
  };
  const Bad list[] = {
      {&bs_minimizer_options::n, 0.0, "n"},
      {&bs_minimizer_options::n, 2.5, "n"},
      {&bs_minimizer_options::n, kNan, "n"},
      {&bs_minimizer_options::n, 1e12, "n"},
      {&bs_minimizer_options::precision, 16.0, "precision"},
      {&bs_minimizer_options::method, 2.0, "method"},
      {&bs_minimizer_options::memory, 0.0, "memory"},
      {&bs_minimizer_options::memory, 65.0, "memory"},
      {&bs_minimizer_options::pg_tolerance, -1.0, "pg_tolerance"},
      {&bs_minimizer_options::pg_tolerance, kNan, "pg_tolerance"},
      {&bs_minimizer_options::f_tolerance, -1e-9, "f_tolerance"},
      {&bs_minimizer_options::max_iterations, -1.0, "max_iterations"},
      {&bs_minimizer_options::max_evaluations, 0.0, "max_evaluations"},
  };
  for (const Bad& bad : list) {
    CAPTURE(bad.name);
    CAPTURE(bad.value);
    bs_minimizer_options options = defaults(4.0);
    options.*bad.field = bad.value;
    Handle handle(options);
    CHECK(handle.status == BS_ERROR_OPTION);
    CHECK(handle.handle == nullptr);
    CHECK(std::string(bs_last_option()) == bad.name);
  }
  Handle good(defaults(4.0));
  CHECK(good.status == BS_OK);
  CHECK(std::string(bs_last_option()).empty());
}

TEST_CASE("more memory than the machine addresses gives a status") {
  blindspot::Arena arena;
  CHECK_FALSE(arena.reserve(SIZE_MAX));
  if (sizeof(void*) > 4) {
    CHECK_FALSE(arena.reserve(SIZE_MAX / 4));
    return;  // what a whole handle takes, some systems promise, and kill whoever uses it
  }
  bs_minimizer_options options = defaults(2147483647.0);
  options.memory = 64.0;
  Handle handle(options);
  CHECK(handle.status == BS_ERROR_ALLOCATION);
  CHECK(handle.handle == nullptr);
}

TEST_CASE("a new handle is open: bounds infinite, x zero, aligned to 64 bytes") {
  for (const double precision : {32.0, 64.0}) {
    for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
      bs_minimizer_options options = defaults(5.0, method);
      options.precision = precision;
      Handle handle(options);
      REQUIRE(handle.status == BS_OK);
      for (void* p : {bs_minimizer_x(handle.handle), bs_minimizer_gradient(handle.handle),
                      bs_minimizer_lower(handle.handle), bs_minimizer_upper(handle.handle)}) {
        CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
      }
      if (precision == 32.0) {
        CHECK(static_cast<float*>(bs_minimizer_lower(handle.handle))[4] == -std::numeric_limits<float>::infinity());
      } else {
        CHECK(handle.x()[4] == 0.0);
        CHECK(handle.lower()[4] == -kInf);
        CHECK(handle.upper()[0] == kInf);
      }
    }
  }
}

TEST_CASE("bounds and starts are checked before anything runs") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    Handle handle(defaults(3.0, method));
    handle.lower()[1] = 2.0;
    handle.upper()[1] = 1.0;
    CHECK(bs_minimizer_start(handle.handle) == BS_ERROR_BOUNDS);
    CHECK(bs_minimizer_tell(handle.handle, 0.0) == BS_ERROR_STATE);
    handle.upper()[1] = kNan;
    CHECK(bs_minimizer_start(handle.handle) == BS_ERROR_BOUNDS);
    handle.lower()[1] = kInf;
    handle.upper()[1] = kInf;
    CHECK(bs_minimizer_start(handle.handle) == BS_ERROR_BOUNDS);
    handle.lower()[1] = 2.0;
    handle.upper()[1] = 2.0;
    handle.x()[2] = kNan;
    CHECK(bs_minimizer_start(handle.handle) == BS_ERROR_START);
    handle.x()[2] = kInf;
    CHECK(bs_minimizer_start(handle.handle) == BS_ERROR_START);
    handle.x()[2] = 0.0;
    CHECK(bs_minimizer_start(handle.handle) == BS_OK);
    CHECK(handle.x()[1] == 2.0);
  }
}

TEST_CASE("tell fits only between start and end") {
  Handle handle(defaults(2.0));
  CHECK(bs_minimizer_tell(handle.handle, 1.0) == BS_ERROR_STATE);
  CHECK(status_of(handle.run(bowl)) == BS_MINIMIZER_CONVERGED_PG);
  CHECK(bs_minimizer_tell(handle.handle, 1.0) == BS_ERROR_STATE);
  CHECK(handle.x()[0] == doctest::Approx(3.0).epsilon(1e-5));
}

TEST_CASE("each end states its reason") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    CAPTURE(method);
    bs_minimizer_options options = defaults(2.0, method);
    const auto start_run = [&options](double pg, double f, double iterations, double evaluations) {
      options.pg_tolerance = pg;
      options.f_tolerance = f;
      options.max_iterations = iterations;
      options.max_evaluations = evaluations;
      Handle handle(options);
      handle.x()[0] = -1.2;
      handle.x()[1] = 1.0;
      return handle.run(problems::rosenbrock2);
    };
    CHECK(status_of(start_run(1e-5, 0.0, 1e4, 1e4)) == BS_MINIMIZER_CONVERGED_PG);
    CHECK(status_of(start_run(0.0, 1e-3, 1e4, 1e4)) == BS_MINIMIZER_CONVERGED_F);
    const bs_minimizer_result few = start_run(0.0, 0.0, 3.0, 1e4);
    CHECK(status_of(few) == BS_MINIMIZER_MAX_ITERATIONS);
    CHECK(few.iterations == 3.0);
    const bs_minimizer_result short_of = start_run(0.0, 0.0, 1e4, 7.0);
    CHECK(status_of(short_of) == BS_MINIMIZER_MAX_EVALUATIONS);
    CHECK(short_of.evaluations == 7.0);
    const bs_minimizer_result none = start_run(0.0, 0.0, 0.0, 1e4);
    CHECK(status_of(none) == BS_MINIMIZER_MAX_ITERATIONS);
    CHECK(none.evaluations == 1.0);
  }
}

TEST_CASE("a start at which f or a gradient is not finite ends at once") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    for (int bad = 0; bad < 3; ++bad) {
      Handle handle(defaults(2.0, method));
      const bs_minimizer_result result = handle.run([bad](const double* x, double* g) {
        const double f = bowl(x, g);
        if (bad == 1) g[1] = kNan;
        if (bad == 2) g[0] = -kInf;
        return bad == 0 ? kInf : f;
      });
      CHECK(status_of(result) == BS_MINIMIZER_NOT_FINITE);
      CHECK(result.evaluations == 1.0);
    }
  }
}

TEST_CASE("a function with a forbidden region is minimised up to its edge") {
  // log barrier: NaN beyond x0 + x1 = 1, minimum inside.
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    CAPTURE(method);
    Handle handle(defaults(2.0, method));
    const bs_minimizer_result result = handle.run([](const double* x, double* g) {
      const double room = 1.0 - x[0] - x[1];
      if (!(room > 0.0)) {
        g[0] = g[1] = kNan;
        return kNan;
      }
      g[0] = 0.01 / room - 1.0;
      g[1] = 0.01 / room - 1.0 + 2.0 * x[1];
      return -0.01 * std::log(room) - x[0] - x[1] + x[1] * x[1];
    });
    CHECK((status_of(result) == BS_MINIMIZER_CONVERGED_PG || status_of(result) == BS_MINIMIZER_CONVERGED_F));
    CHECK(handle.x()[0] + handle.x()[1] == doctest::Approx(0.99).epsilon(1e-3));
    CHECK(std::fabs(handle.x()[1]) < 1e-2);
    CHECK(std::isfinite(result.f));
  }
}

TEST_CASE("a gradient that points uphill ends as a failed line search at the start point") {
  Handle handle(defaults(2.0));
  const bs_minimizer_result result = handle.run([](const double* x, double* g) {
    const double f = bowl(x, g);
    g[0] = -g[0];
    g[1] = -g[1];
    return f;
  });
  CHECK(status_of(result) == BS_MINIMIZER_LINE_SEARCH);
  CHECK(handle.x()[0] == 0.0);
  CHECK(handle.x()[1] == 0.0);
  CHECK(result.f == 13.0);
}

TEST_CASE("fixed variables never move, and a box of one point ends at the first evaluation") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    Handle handle(defaults(2.0, method));
    handle.lower()[0] = handle.upper()[0] = 0.75;
    handle.run([](const double* x, double* g) {
      CHECK(x[0] == 0.75);
      return bowl(x, g);
    });
    CHECK(handle.x()[1] == doctest::Approx(-1.0).epsilon(1e-5));
    handle.lower()[1] = handle.upper()[1] = 4.0;
    const bs_minimizer_result result = handle.run(bowl);
    CHECK(status_of(result) == BS_MINIMIZER_CONVERGED_PG);
    CHECK(result.evaluations == 1.0);
    CHECK(handle.x()[1] == 4.0);
  }
}

TEST_CASE("a function unbounded below ends, and does not run away for ever") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    bs_minimizer_options options = defaults(1.0, method);
    options.max_evaluations = 500.0;
    Handle handle(options);
    const bs_minimizer_result result = handle.run([](const double* x, double* g) {
      g[0] = 1.0;
      return x[0];
    });
    CHECK(result.f < -1.0);
    CHECK(status_of(result) != BS_MINIMIZER_EVALUATE);
  }
}

TEST_CASE("a handle starts anew and repeats itself") {
  for (const bs_method method : {BS_METHOD_LBFGSB, BS_METHOD_SPG}) {
    Handle handle(defaults(2.0, method));
    double f[2];
    double evaluations[2];
    for (int round = 0; round < 2; ++round) {
      handle.x()[0] = -1.2;
      handle.x()[1] = 1.0;
      const bs_minimizer_result result = handle.run(problems::rosenbrock2);
      f[round] = result.f;
      evaluations[round] = result.evaluations;
    }
    CHECK(f[0] == f[1]);
    CHECK(evaluations[0] == evaluations[1]);
  }
}

TEST_CASE("every status has words") {
  for (int32_t status = BS_OK; status <= BS_ERROR_STATE; ++status) {
    CHECK(std::string(bs_status_message(status)).size() > 5);
    CHECK(std::string(bs_status_message(status)) != bs_status_message(-1));
  }
}

TEST_CASE("the instruction set can be named and restricted") {
  const std::string widest = bs_instruction_set();
  CHECK(bs_use_instruction_set("no such set") == BS_ERROR_OPTION);
  CHECK(bs_instruction_set() == widest);
  CHECK(bs_use_instruction_set(widest.c_str()) == BS_OK);
}
