// A batch of lanes as the C ABI sees it, whatever the method.
#pragma once

#include "blindspot/blindspot.h"

namespace blindspot {

// Rows and single vectors that the caller reads and writes; [lanes, n] and so on, row-major.
struct BatchRows {
  float* points = nullptr;
  float* one_hot = nullptr;
  float* sign = nullptr;
  float* temperature = nullptr;
  float* smoothing = nullptr;
  float* logits = nullptr;
  float* gradients = nullptr;
  float* image = nullptr;    // [n], to submit
  float* start = nullptr;    // [n], to submit with it; NaN first: none
  float* example = nullptr;  // [n], last taken
};

class BatchDoor {
 public:
  virtual ~BatchDoor() = default;
  virtual bs_status submit(double id, int label, int target) = 0;
  virtual int free_lanes() const = 0;
  virtual int ask() = 0;
  virtual bs_status tell() = 0;
  virtual bool take(bs_search_result& out) = 0;
  BatchRows rows;
};

}  // namespace blindspot
