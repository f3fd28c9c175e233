#include "search/lattice_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace blindspot {
namespace {
constexpr int kLinearRounds = 5;  // by the linear model; where several pieces meet it need not converge
constexpr double kFirstStretch = 1.005;
constexpr double kGrowth = 2.0;    // of what a stretch adds, from one to the next
constexpr double kLargest = 1e4;   // stretch: every change is at its bound long before
constexpr double kNarrow = 1.002;  // ratio of the two stretches at which the bisection ends
}  // namespace

// The float32 value of the nearest level: level / (2^bits - 1) of the box, as a decoder of 8-bit images computes it.
float LatticeRounding::level(double value) const {
  const double lower = options_->box.lower;
  const double width = static_cast<double>(options_->box.upper) - lower;
  const double levels = std::exp2(options_->quantization) - 1.0;
  const double whole = std::floor((value - lower) / width * levels + 0.5);
  return static_cast<float>(lower + width * (std::fmin(std::fmax(whole, 0.0), levels) / levels));
}

void LatticeRounding::begin(const float* x, const float* y, double margin, const float* gradient,
                            const SearchOptions& options, double confidence, float* point) {
  options_ = &options;
  std::memcpy(y_, y, options.n * sizeof(float));
  stretch_ = across_ = 0.0;
  short_ = 1.0;
  rounds_ = 0;
  aim_ = 1.5 * confidence;
  double moved = margin;
  for (std::size_t i = 0; i < options.n; ++i) {
    point[i] = level(y[i]);
    moved += static_cast<double>(gradient[i]) * (static_cast<double>(point[i]) - static_cast<double>(y[i]));
  }
  cross(x, moved, gradient, point);
}

// point is on the lattice with modelled margin `margin`: moves coordinates until that is below -aim.
void LatticeRounding::cross(const float* x, double margin, const float* gradient, float* point) {
  const double levels = std::exp2(options_->quantization) - 1.0;
  const double step = (static_cast<double>(options_->box.upper) - static_cast<double>(options_->box.lower)) / levels;
  for (int sweep = 0; sweep < 64 && margin > -aim_; ++sweep) {
    std::uint32_t count = 0;
    options_->metric->level_prices(x, point, gradient, step, options_->n, price_);
    for (std::size_t i = 0; i < options_->n; ++i) {
      if (!(std::fabs(gradient[i]) > 0.0f)) continue;
      const double move = gradient[i] > 0.0f ? -step : step;
      const double to = static_cast<double>(point[i]) + move;
      if (to < static_cast<double>(options_->box.lower) - 0.5 * step ||
          to > static_cast<double>(options_->box.upper) + 0.5 * step) {
        continue;
      }
      order_[count++] = static_cast<std::uint32_t>(i);
    }
    if (count == 0) return;
    std::sort(order_, order_ + count, [this](std::uint32_t a, std::uint32_t b) {
      return price_[a] < price_[b] || (price_[a] == price_[b] && a < b);
    });
    // A coordinate's next level costs more than this one, so prices are made anew after a part of them was moved.
    const std::uint32_t most = std::max<std::uint32_t>(1, count / 8);
    for (std::uint32_t k = 0; k < most && margin > -aim_; ++k) {
      const std::uint32_t i = order_[k];
      const float before = point[i];
      point[i] = level(static_cast<double>(before) + (gradient[i] > 0.0f ? -step : step));
      margin += static_cast<double>(gradient[i]) * (static_cast<double>(point[i]) - static_cast<double>(before));
    }
  }
}

void LatticeRounding::stretch(const float* x, double factor, float* point) {
  stretch_ = factor;
  for (std::size_t i = 0; i < options_->n; ++i) {
    const double lower = options_->box.lower, upper = options_->box.upper;
    const double y = x[i] + factor * (static_cast<double>(y_[i]) - static_cast<double>(x[i]));
    point[i] = level(std::fmin(std::fmax(y, lower), upper));
  }
}

bool LatticeRounding::refine(const float* x, double margin, const float* gradient, bool adversarial, float* point) {
  if (++rounds_ >= kRounds) return false;
  if (stretch_ == 0.0) {
    if (adversarial) return false;
    if (rounds_ < kLinearRounds) {
      aim_ += 0.5 * std::fmax(margin, 0.0);
      cross(x, margin, gradient, point);
      return true;
    }
    stretch(x, kFirstStretch, point);
    return true;
  }
  (adversarial ? across_ : short_) = stretch_;
  if (across_ == 0.0) {
    if (short_ >= kLargest) return false;
    stretch(x, 1.0 + kGrowth * (short_ - 1.0), point);
    return true;
  }
  if (across_ <= kNarrow * short_) return false;
  stretch(x, std::sqrt(short_ * across_), point);
  return true;
}

}  // namespace blindspot
