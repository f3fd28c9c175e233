// Written by scripts/generate from native/include/blindspot/blindspot.h. Do not edit.
#pragma once

#include <cmath>

#include "c_api/option_rules.hpp"

namespace blindspot {

inline constexpr OptionRule kMinimizerOptionsRules[] = {
    {"n", 1, 2147483647, 1},
    {"precision", 32, 64, 32},
    {"method", 0, 1, 1},
    {"memory", 1, 64, 1},
    {"pg_tolerance", 0, HUGE_VAL, 0},
    {"f_tolerance", 0, HUGE_VAL, 0},
    {"max_iterations", 0, HUGE_VAL, 1},
    {"max_evaluations", 1, HUGE_VAL, 1},
};

inline constexpr OptionRule kSearchOptionsRules[] = {
    {"n", 1, 2147483647, 1},
    {"classes", 2, 2147483647, 1},
    {"lanes", 1, 65536, 1},
    {"method", 0, 2, 1},
    {"effort", 0, 2, 1},
    {"lower", -1e+30, 1e+30, 0},
    {"upper", -1e+30, 1e+30, 0},
    {"max_evaluations", 0, 2147483647, 1},
    {"confidence", 0, 1e+30, 0},
    {"quantization", 0, 16, 1},
    {"seed", 0, 9007199254740991, 1},
    {"smoothable", 0, 1, 1},
    {"norm", 0, 0, 1},
};

}  // namespace blindspot
