#include <LBFGSB.h>

#include <Eigen/Core>
#include <chrono>
#include <exception>
#include <vector>

#include "contestant.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <typename T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

template <typename T>
Vector<T> vector_of(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size())).cast<T>();
}

template <typename T>
ContestantRun run(const Task& task) {
  const std::size_t n = task.problem.n();
  std::vector<double> wide(n), g(n);
  ContestantRun result;
  double in_function = 0.0;
  auto function = [&](const Vector<T>& x, Vector<T>& gradient) {
    const auto before = Clock::now();
    for (std::size_t i = 0; i < n; ++i) wide[i] = static_cast<double>(x[static_cast<Eigen::Index>(i)]);
    result.f = task.problem.evaluate(wide.data(), g.data());
    for (std::size_t i = 0; i < n; ++i) gradient[static_cast<Eigen::Index>(i)] = static_cast<T>(g[i]);
    ++result.evaluations;
    in_function += seconds_since(before);
    return static_cast<T>(result.f);
  };
  LBFGSpp::LBFGSBParam<T> options;
  options.m = task.memory;
  options.epsilon = T(0);
  options.epsilon_rel = T(0);
  options.past = 0;
  options.max_iterations = task.iterations;
  LBFGSpp::LBFGSBSolver<T> solver(options);
  Vector<T> x = vector_of<T>(task.problem.start);
  const Vector<T> lower = vector_of<T>(task.problem.lower);
  const Vector<T> upper = vector_of<T>(task.problem.upper);
  T f = 0;
  const auto before = Clock::now();
  try {
    result.iterations = solver.minimize(function, x, f, lower, upper);
  } catch (const std::exception&) {
    // Its line search gives up by throwing, and then it does not tell its iterations: one an evaluation, at most.
    result.iterations = result.evaluations - 1;
  }
  result.seconds = seconds_since(before) - in_function;
  return result;
}

}  // namespace

ContestantRun run_lbfgspp_float(const Task& task) { return run<float>(task); }
ContestantRun run_lbfgspp_double(const Task& task) { return run<double>(task); }
