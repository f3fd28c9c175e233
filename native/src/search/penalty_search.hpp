// The paper's search: for a constant c, minimise c |r|^2 + loss(x + r) with x + r in the box by L-BFGS-B, loss the
// cross-entropy of the wanted class; find the largest c whose minimiser is still adversarial (a larger c gives a smaller r).
//
//   loss = softplus(s) at temperature 1: -log softmax_target for a target, -log(1 - softmax_label) without
//
// c is bisected in its logarithm between the largest that succeeded and the smallest that failed. Each c starts
// from the best point so far; the smallest adversarial point of the whole path is kept.
//
// Source: Szegedy et al. 2013, section 4.1, with squared L2 for its |r|, and "minimum c" read as the largest.
#pragma once

#include <cstddef>

#include "optim/lbfgsb.hpp"
#include "search/lane.hpp"

namespace blindspot {

class PenaltySearch final : public Lane {
 public:
  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    Lane::carve(source, options);
  }
  static Lbfgsb<float>::Options solver_options(const SearchOptions& options);
  static std::uint64_t own_bytes(const SearchOptions& options) { return Lbfgsb<float>::bytes(solver_options(options)); }
  bool create(const SearchOptions& options, Arena& arena) { return solver_.create(solver_options(options), arena); }

  void begin(const SearchOptions& options, double id, Goal goal);
  void tell(const float* logits, const float* gradient);

 private:
  void start_minimisation();
  void after_minimisation();

  Lbfgsb<float> solver_;
  bool minimising_ = false;
  int budget_ = 0;
  double c_ = 0.0;
  double largest_success_ = 0.0;
  double smallest_failure_ = 0.0;
  bool last_adversarial_ = false;  // verdict at the point of lowest penalty function of this c
  double lowest_ = 0.0;
};

}  // namespace blindspot
