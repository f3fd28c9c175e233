// What is asked of a search, and of one image.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindspot/blindspot.h"
#include "search/metric/metric.hpp"

namespace blindspot {

struct SearchOptions {
  std::size_t n = 0;
  int classes = 0;
  int lanes = 0;
  bs_search_method method = BS_SEARCH_BOUNDARY;
  bs_effort effort = BS_EFFORT_FAST;
  const Metric* metric = nullptr;  // what the length of a change is measured in
  Box box;
  int max_evaluations = 0;  // of an image; 0: the method's own budget
  double confidence = 0.0;  // success means hard margin < -confidence; 0: as the image's own logits have it
  int quantization = 0;     // bits of the lattice; 0: none
  std::uint64_t seed = 0;
  bool smoothable = false;  // the model answers gradients as smooth as the question wants them
};

struct Goal {
  int label = 0;
  int target = -1;  // -1: any class but the label
  bool targeted() const { return target >= 0; }
};

}  // namespace blindspot
