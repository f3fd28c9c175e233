// Options against their rules, which the header states (scripts/generate makes the tables).
#pragma once

#include <cmath>
#include <cstddef>

namespace blindspot {

// A value v is fine when least <= v <= most and v / step is whole; step 0: any.
struct OptionRule {
  const char* name;
  double least;
  double most;
  double step;
};

// The name of the first option that is not, or null. values: one double a rule, as the struct of options lies in memory.
template <std::size_t Count>
const char* first_unruly(const OptionRule (&rules)[Count], const double* values) {
  for (std::size_t i = 0; i < Count; ++i) {
    const OptionRule& rule = rules[i];
    const double v = values[i];
    if (!(v >= rule.least && v <= rule.most)) return rule.name;
    if (rule.step > 0.0 && std::floor(v / rule.step) * rule.step != v) return rule.name;
  }
  return nullptr;
}

}  // namespace blindspot
