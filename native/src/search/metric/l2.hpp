// The Euclidean norm, the paper's.
#pragma once

#include "search/metric/metric.hpp"

namespace blindspot {

const Metric& l2_metric();

}  // namespace blindspot
