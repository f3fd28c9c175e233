// Bisection of a segment from the image, on the verdict alone: where along it does the answer change?
#pragma once

namespace blindspot {

class SegmentBisection {
 public:
  void begin() {
    outside_ = 0.0;
    across_ = 1.0;
  }
  // Where to look next, as a share of the segment as it was when the bisection began, and of what is left of it up to the nearest
  // adversarial point.
  double middle() const { return 0.5 * (outside_ + across_); }
  double share() const { return middle() / across_; }
  void absorb(bool adversarial) { (adversarial ? across_ : outside_) = middle(); }
  bool wider_than(double width) const { return across_ - outside_ > width * across_; }

 private:
  double outside_ = 0.0;  // where it was last seen not to be adversarial,
  double across_ = 1.0;   // and to be so
};

}  // namespace blindspot
