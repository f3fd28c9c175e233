// The box that every pixel lies in.
#pragma once

namespace blindspot {

struct Box {
  float lower = 0.0f;
  float upper = 1.0f;
};

}  // namespace blindspot
