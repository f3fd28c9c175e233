#include "search/lattice_rounding.hpp"

#include <algorithm>
#include <cmath>

namespace blindspot {
namespace {
constexpr int kRounds = 12;
constexpr int kLinearRounds = 5;  // of these, by the linear model; where several pieces meet it need not converge
constexpr double kFirstStretch = 0.005;  // of y - x after those, doubled with every further round
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
  y_ = y;
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
    for (std::size_t i = 0; i < options_->n; ++i) {
      const double gain = std::fabs(static_cast<double>(gradient[i]));
      if (!(gain > 0.0)) continue;
      const double move = gradient[i] > 0.0f ? -step : step;
      const double to = static_cast<double>(point[i]) + move;
      if (to < static_cast<double>(options_->box.lower) - 0.5 * step ||
          to > static_cast<double>(options_->box.upper) + 0.5 * step) {
        continue;
      }
      const double f = static_cast<double>(point[i]) - static_cast<double>(x[i]);
      price_[i] = static_cast<float>((2.0 * f + move) * move / gain);
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

bool LatticeRounding::refine(const float* x, double margin, const float* gradient, bool adversarial, float* point) {
  if (adversarial || ++rounds_ >= kRounds) return false;
  if (rounds_ < kLinearRounds) {
    aim_ += 0.5 * std::fmax(margin, 0.0);
    cross(x, margin, gradient, point);
    return true;
  }
  const double stretch = 1.0 + std::ldexp(kFirstStretch, rounds_ - kLinearRounds);
  for (std::size_t i = 0; i < options_->n; ++i) {
    point[i] = level(x[i] + stretch * (static_cast<double>(y_[i]) - static_cast<double>(x[i])));
  }
  return true;
}

}  // namespace blindspot
