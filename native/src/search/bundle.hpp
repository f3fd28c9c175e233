// A bundle: the last few linearisations of the constraint s, as cutting planes ("cuts") c_j + a_j . (y - x) <= 0.
//
// Projecting the image on all of them (and the box) is the step of a cutting-plane method. s is not convex, so a cut may cut off
// what it should not: one that the iterate or the best point disproves is left out of the model. At a corner of several linear
// pieces the iterates go to and fro between them and meet the same cuts again; the one that recurs is replaced first.
//
// Sources: Kelley, The cutting-plane method for solving convex programs, J. SIAM 8 (1960); Bonnans et al., Numerical
// Optimization, 2nd ed., part II (bundles, null steps, aggregate subgradients).
#pragma once

#include <cstddef>

#include "search/metric/halfspace_box.hpp"

namespace blindspot {

// The cuts that a step's model is made of, the newest one last.
struct CutModel {
  const float* rows[kMaxPlanes];  // a_j, [n]
  double values[kMaxPlanes];      // c_j
  int slots[kMaxPlanes];          // where each is kept
  int count = 0;

  // Leaves the newest one only.
  void keep_newest() {
    rows[0] = rows[count - 1];
    values[0] = values[count - 1];
    slots[0] = slots[count - 1];
    count = 1;
  }
};

class Bundle {
 public:
  template <typename Source>
  void carve(Source& source, std::size_t n) {
    for (int j = 0; j < kMaxPlanes; ++j) row_[j] = source.template take<float>(n);
    spare_ = source.template take<float>(n);
  }

  // Empty but for one cut, whose gradient is written to newest() and whose value at x is then set.
  void begin(const float* x, std::size_t n);
  void set_newest_value(double value) { value_[newest_] = value; }

  int count() const { return count_; }
  const float* newest() const { return row_[newest_]; }
  float* newest() { return row_[newest_]; }
  // Where the gradient of the next cut is to be written before it is added.
  float* next() { return spare_; }

  // Where the iterates are: s and |a| at the iterate y, |y - x|, and the nearest adversarial point, null while there is none.
  struct Iterate {
    const float* y;
    const float* best;
    bool best_moved;  // best is y, since this step
    double margin;
    double slope;
    double distance;
  };

  // Adds the cut in next(), of this value at x. kinked: cuts but the newest will be asked for, so that what they say of the
  // iterate and of the best point is computed.
  void add(double value, bool kinked, const Iterate& at);

  // The cuts for the next model: the newest and, with `all`, the older ones that neither the iterate nor the best point disproves.
  CutModel model(bool all, const Iterate& at) const;

  // Multipliers of the last model, by slot; those of cuts that were not in it are 0.
  double multiplier(int slot) const { return multiplier_[slot]; }
  double set_multipliers(const CutModel& model, const double* multipliers);

  // What the j-th newest cut is.
  const float* row(int j) const { return row_[slot(j)]; }
  double value(int j) const { return value_[slot(j)]; }

  // Has s been met again on a linear piece that is held? Then it has few enough for the model to be exact soon.
  bool recurring() const { return recurring_; }

 private:
  int slot(int j) const { return (newest_ - j + kMaxPlanes) % kMaxPlanes; }
  bool recurs(int slot, const Iterate& at) const;
  void predict(const Iterate& at, bool continued);
  void make_room(const Iterate& at);

  const float* x_ = nullptr;
  std::size_t n_ = 0;
  float* row_[kMaxPlanes] = {};         // by slot
  double value_[kMaxPlanes] = {};       // of each at x
  double at_iterate_[kMaxPlanes] = {};  // what each predicts at the iterate,
  double at_best_[kMaxPlanes] = {};     // and at the best point; both of the older ones, when predicted_
  double multiplier_[kMaxPlanes] = {};
  bool predicted_ = false;
  bool recurring_ = false;
  float* spare_ = nullptr;
  int newest_ = 0;
  int count_ = 0;
};

}  // namespace blindspot
