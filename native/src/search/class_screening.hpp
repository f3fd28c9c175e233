// Which class to go to. Untargeted, the runner-up class is often not the nearest one: one gradient a class at the image gives the
// distance to that class's boundary to first order (a projection on a halfspace and the box), and classes are ranked by it.
//
// Where units are saturated, the gradients at the image tell nothing of distances. A class whose boundary they put outside the
// box is ranked after the others, not left out; and where the distance found belies what was predicted, each class is asked
// for once more at that distance from the image (a probe): the class comes first then whose boundary, linearised there, passes
// the image the nearest.
#pragma once

#include <cmath>
#include <cstddef>

#include "search/schedule.hpp"
#include "search/search_options.hpp"

namespace blindspot {

class ClassScreening {
 public:
  // A class that a descent may go to, with its constraint at the image.
  struct Candidate {
    int one_hot = 0;
    int slot = 0;  // of its gradient
    double margin = 0.0;
    double slope = 0.0;
    double distance = 0.0;  // to first order, by the gradient at the image,
    double probed = 0.0;    // and by that at the probe
    double end = HUGE_VAL;  // where a descent from the image has ended by itself
  };
  static constexpr int kMost = 9;

  static int most(const SearchOptions& options);

  template <typename Source>
  void carve(Source& source, const SearchOptions& options) {
    const int kept = most(options);
    for (int j = 0; j < kept; ++j) gradient_[j] = source.template take<float>(options.n);
  }
  // Two vectors, [n] each, used within a call only.
  void use_scratch(float* const* scratch) { scratch_ = scratch; }

  // x: the image, kept by the caller.
  void begin(const SearchOptions& options, const float* x);

  // The one candidate of a targeted search.
  void add_target(const Candidate& target, const float* gradient);

  // The classes with the largest logits become candidates, in that order.
  void order_by_logits(const float* logits, int label);
  // The class whose gradient at the image is wanted next; -1 when no other can be the nearest.
  int next_question(const Schedule& schedule);
  // Classes may be asked for, ranked and probed once more, by another schedule.
  void forget_probes();
  void absorb(double margin, double slope, const float* gradient);
  // From then on candidates are those screened, nearest first, at most `count` of them.
  void rank(int count);

  int count() const { return count_; }
  const Candidate& candidate(int rank) const { return candidates_[rank]; }
  void settle(int rank, double distance) { candidates_[rank].end = distance; }
  const float* gradient(const Candidate& candidate) const { return gradient_[candidate.slot]; }

  // Did the gradients at the image err so much about the class that was found, at this distance, that their order of the classes is
  // worth nothing?
  bool failed(int found_class, double distance) const;
  // The class to be probed next, whose probe is written to point; -1 when all are.
  int next_probe(int found_class, double distance, float* point);
  void absorb_probe(double margin, double slope, const float* gradient, const float* point);
  // The class whose probe, written to point, a descent is to begin from next; -1 when there is none.
  int next_probe_start(double distance, float* point);

 private:
  bool may_be_nearest(const Candidate& candidate, const Schedule& schedule) const;
  void probe(const Candidate& candidate, double distance, float* point) const;
  double first_order(double margin, double slope, const float* gradient) const;

  const SearchOptions* options_ = nullptr;
  const float* x_ = nullptr;
  float* const* scratch_ = nullptr;
  float* gradient_[kMost] = {};
  Candidate candidates_[kMost];
  int ordered_ = 0;             // candidates: by logits at first,
  int screened_ = 0;            // those whose gradient is known,
  int count_ = 0;               // and those that descents go to
  int probed_ = 0;              // of the candidates,
  bool probes_ranked_ = false;  // which then are in the order of what was seen there
  int next_probe_start_ = 0;
};

}  // namespace blindspot
