// The runs whose every bit is the same on every instruction set: fixtures/same_bits.txt, one a line,
//
//   <method> <precision> <iterations> <evaluations> <f> <hash of all points> <problem>
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "optim/lbfgsb.hpp"
#include "optim/projected_gradient.hpp"
#include "solve.hpp"

template <typename T, template <typename> class Method>
std::string bits_line(const char* method, const problems::Problem& problem) {
  typename Method<T>::Options options;
  const bool single = sizeof(T) == sizeof(float);
  options.memory = problem.memory;
  options.pg_tolerance = single ? 1e-4 : 1e-7;
  options.f_tolerance = single ? 1e-8 : 1e-14;
  options.max_evaluations = problem.n() > 10000 ? 60 : 400;
  const Run run = solve<T, Method>(problem, options);
  char text[256];
  std::snprintf(text, sizeof text, "%s %d %d %d %a %016llx ", method, single ? 32 : 64, run.iterations, run.evaluations,
                run.f, static_cast<unsigned long long>(run.hash));
  return text + problem.name;
}

inline std::vector<std::string> bits_lines() {
  std::vector<std::string> lines;
  for (const problems::Problem& problem : problems::all()) {
    if (!problem.exact) continue;
    lines.push_back(bits_line<double, blindspot::Lbfgsb>("lbfgsb", problem));
    lines.push_back(bits_line<float, blindspot::Lbfgsb>("lbfgsb", problem));
    lines.push_back(bits_line<double, blindspot::SpectralProjectedGradient>("spg", problem));
    lines.push_back(bits_line<float, blindspot::SpectralProjectedGradient>("spg", problem));
  }
  return lines;
}
