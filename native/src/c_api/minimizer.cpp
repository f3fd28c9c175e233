// The minimizer's door: checks options, picks the method and precision, and passes calls on.
#include <cmath>
#include <cstdint>
#include <iterator>
#include <new>

#include "blindspot/blindspot.h"
#include "c_api/last_option.hpp"
#include "c_api/option_rules.generated.hpp"
#include "memory/arena.hpp"
#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"

namespace blindspot {
namespace {

constexpr double kMostSteps = 2147483647.0;
constexpr double kSpg = static_cast<double>(BS_METHOD_SPG);

// One interface over method x precision.
class Minimizer {
 public:
  virtual ~Minimizer() = default;
  virtual bool create(const bs_minimizer_options& options) = 0;
  virtual void* x() = 0;
  virtual void* gradient() = 0;
  virtual void* lower() = 0;
  virtual void* upper() = 0;
  virtual bs_status start() = 0;
  virtual bool tell(double f) = 0;
  virtual void result(bs_minimizer_result& out) const = 0;
};

template <typename Solver>
class SolverMinimizer final : public Minimizer {
 public:
  bool create(const bs_minimizer_options& from) override {
    if (from.n > static_cast<double>(SIZE_MAX / 32)) return false;  // sizes would wrap round on 32-bit machines
    typename Solver::Options options;
    options.n = static_cast<std::size_t>(from.n);
    options.memory = static_cast<std::size_t>(from.memory);
    options.pg_tolerance = from.pg_tolerance;
    options.f_tolerance = from.f_tolerance;
    options.max_iterations = static_cast<int>(std::fmin(from.max_iterations, kMostSteps));
    options.max_evaluations = static_cast<int>(std::fmin(from.max_evaluations, kMostSteps));
    return arena_.reserve(Solver::bytes(options)) && solver_.create(options, arena_);
  }
  void* x() override { return solver_.x(); }
  void* gradient() override { return solver_.gradient(); }
  void* lower() override { return solver_.lower(); }
  void* upper() override { return solver_.upper(); }
  bs_status start() override { return solver_.start(); }
  bool tell(double f) override {
    if (!solver_.waiting()) return false;
    solver_.tell(f);
    return true;
  }
  void result(bs_minimizer_result& out) const override {
    out.status = static_cast<double>(solver_.status());
    out.f = solver_.f();
    out.pg_norm = solver_.pg_norm();
    out.iterations = static_cast<double>(solver_.iterations());
    out.evaluations = static_cast<double>(solver_.evaluations());
  }

 private:
  Arena arena_;
  Solver solver_;
};

// The name of the first option outside its range, or null.
const char* bad_option(const bs_minimizer_options& options) {
  static_assert(sizeof options == sizeof(double) * std::size(kMinimizerOptionsRules));
  return first_unruly(kMinimizerOptionsRules, reinterpret_cast<const double*>(&options));
}

template <typename T>
Minimizer* make(double method) {
  if (method == kSpg) return new (std::nothrow) SolverMinimizer<SpectralProjectedGradient<T>>;
  return new (std::nothrow) SolverMinimizer<Lbfgsb<T>>;
}

Minimizer* inside(bs_minimizer* handle) { return reinterpret_cast<Minimizer*>(handle); }

}  // namespace
}  // namespace blindspot

using blindspot::inside;

int32_t bs_minimizer_create(const bs_minimizer_options* options, bs_minimizer** out) {
  blindspot::clear_refused_option();
  if (out == nullptr) return BS_ERROR_STATE;
  *out = nullptr;
  if (options == nullptr) return BS_ERROR_STATE;
  if (const char* name = blindspot::bad_option(*options)) {
    blindspot::refuse_option(name);
    return BS_ERROR_OPTION;
  }
  blindspot::Minimizer* minimizer =
      options->precision == 32.0 ? blindspot::make<float>(options->method) : blindspot::make<double>(options->method);
  if (minimizer == nullptr) return BS_ERROR_ALLOCATION;
  if (!minimizer->create(*options)) {
    delete minimizer;
    return BS_ERROR_ALLOCATION;
  }
  *out = reinterpret_cast<bs_minimizer*>(minimizer);
  return BS_OK;
}

void bs_minimizer_free(bs_minimizer* minimizer) { delete inside(minimizer); }

void* bs_minimizer_x(bs_minimizer* minimizer) { return inside(minimizer)->x(); }
void* bs_minimizer_gradient(bs_minimizer* minimizer) { return inside(minimizer)->gradient(); }
void* bs_minimizer_lower(bs_minimizer* minimizer) { return inside(minimizer)->lower(); }
void* bs_minimizer_upper(bs_minimizer* minimizer) { return inside(minimizer)->upper(); }

int32_t bs_minimizer_start(bs_minimizer* minimizer) { return inside(minimizer)->start(); }

int32_t bs_minimizer_tell(bs_minimizer* minimizer, double f) {
  return inside(minimizer)->tell(f) ? BS_OK : BS_ERROR_STATE;
}

void bs_minimizer_get_result(const bs_minimizer* minimizer, bs_minimizer_result* out) {
  reinterpret_cast<const blindspot::Minimizer*>(minimizer)->result(*out);
}
