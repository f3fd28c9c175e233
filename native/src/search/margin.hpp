// Margins of a classifier's logits z, in double.
//
//   smoothed  s = sign * (tau log sum_{j != k} exp(z_j / tau) - z_k)    the function whose gradient the model gives
//   hard      the limit tau -> 0; adversarial if and only if negative
//
// sign +1: towards class k (targeted); sign -1: away from class k (untargeted).
#pragma once

#include <cmath>

namespace blindspot {

struct Question {
  int one_hot = 0;  // class k
  double sign = 1.0;
  double temperature = 1.0;
  double smoothing = 0.0;  // of the gradient: see bs_search_smoothing
};

// Largest logit outside class k.
inline double largest_other(const float* z, int classes, int k) {
  double largest = -HUGE_VAL;
  for (int j = 0; j < classes; ++j) {
    if (j != k && z[j] > largest) largest = z[j];
  }
  return largest;
}

inline double hard_margin(const float* z, int classes, int k, double sign) {
  return sign * (largest_other(z, classes, k) - static_cast<double>(z[k]));
}

inline double smoothed_margin(const float* z, int classes, const Question& q) {
  const double largest = largest_other(z, classes, q.one_hot);
  double sum = 0.0;
  for (int j = 0; j < classes; ++j) {
    // Below -40 a term no longer reaches the last bit of the sum; exp is the whole cost here.
    const double exponent = (z[j] - largest) / q.temperature;
    if (j != q.one_hot && exponent > -40.0) sum += exponent == 0.0 ? 1.0 : std::exp(exponent);
  }
  const double others = sum == 1.0 ? largest : largest + q.temperature * std::log(sum);
  return q.sign * (others - static_cast<double>(z[q.one_hot]));
}

inline int largest_class(const float* z, int classes) {
  int best = 0;
  for (int j = 1; j < classes; ++j) {
    if (z[j] > z[best]) best = j;
  }
  return best;
}

inline bool finite_logits(const float* z, int classes) {
  for (int j = 0; j < classes; ++j) {
    if (!(z[j] - z[j] == 0.0f)) return false;
  }
  return true;
}

}  // namespace blindspot
