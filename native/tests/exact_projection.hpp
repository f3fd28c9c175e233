// The projection of a point on halfspaces and a box in double, slowly and surely: the oracle of the search's tests.
//
//   min 1/2 |y - z|^2   subject to   a_j . y <= c_j,   lower <= y <= upper
//
// Cyclic ascent of the dual: each multiplier in turn is set to where its own residual vanishes, which is monotone in
// it (Hildreth 1957, with the box inside). Any multipliers give a bound from below; the ascent only has to be long.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

struct ExactProjection {
  bool feasible = false;   // by residuals; an empty set lets the multipliers grow without bound
  double bound = 0.0;      // from below on |y - z|, whatever the rest
  double violation = 0.0;  // largest a_j . y - c_j
  std::vector<double> y;
  std::vector<double> multipliers;
};

class ProjectionOracle {
 public:
  ProjectionOracle(std::vector<double> z, double lower, double upper)
      : z_(std::move(z)), lower_(lower), upper_(upper) {}

  void add(std::vector<double> a, double c) {
    rows_.push_back(std::move(a));
    offsets_.push_back(c);
  }

  ExactProjection solve(int cycles = 4000) const {
    const std::size_t planes = rows_.size();
    ExactProjection out;
    out.multipliers.assign(planes, 0.0);
    std::vector<double> open = z_;  // z - sum mu a
    for (int cycle = 0; cycle < cycles; ++cycle) {
      double moved = 0.0;
      for (std::size_t j = 0; j < planes; ++j) {
        const double before = out.multipliers[j];
        const double now = best_multiplier(j, open, before);
        for (std::size_t i = 0; i < z_.size(); ++i) open[i] -= (now - before) * rows_[j][i];
        out.multipliers[j] = now;
        moved = std::fmax(moved, std::fabs(now - before) / (1e-12 + now));
      }
      if (moved < 1e-13) break;
    }
    finish(open, out);
    return out;
  }

 private:
  double clip(double value) const { return std::fmin(std::fmax(value, lower_), upper_); }

  // Residual of plane j when its multiplier changes by t, and the slope of that in t.
  double residual(std::size_t j, const std::vector<double>& open, double t, double& slope) const {
    const std::vector<double>& a = rows_[j];
    double sum = -offsets_[j];
    slope = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double value = open[i] - t * a[i];
      sum += a[i] * clip(value);
      if (value > lower_ && value < upper_) slope -= a[i] * a[i];
    }
    return sum;
  }

  // Bisection, helped by Newton where its step stays inside the bracket.
  double best_multiplier(std::size_t j, const std::vector<double>& open, double before) const {
    double slope;
    double low = -before;
    if (residual(j, open, low, slope) <= 0.0) return 0.0;
    double high = std::fmax(1e-3, before);
    while (residual(j, open, high, slope) > 0.0) {
      low = high;
      high *= 4.0;
      if (high > 1e15) return before + high;
    }
    double t = low < 0.0 && high > 0.0 ? 0.0 : 0.5 * (low + high);
    for (int step = 0; step < 200; ++step) {
      const double r = residual(j, open, t, slope);
      (r > 0.0 ? low : high) = t;
      const double newton = slope < 0.0 ? t - r / slope : low;
      const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
      if (std::fabs(next - t) <= 1e-15 * (before + std::fabs(t)) || next == low || next == high) return before + next;
      t = next;
    }
    return before + t;
  }

  void finish(const std::vector<double>& open, ExactProjection& out) const {
    double dual = 0.0;
    out.y.resize(z_.size());
    for (std::size_t i = 0; i < z_.size(); ++i) {
      out.y[i] = clip(open[i]);
      dual += 0.5 * (out.y[i] - z_[i]) * (out.y[i] - z_[i]);
    }
    out.violation = -HUGE_VAL;
    out.feasible = true;
    for (std::size_t j = 0; j < rows_.size(); ++j) {
      double r = -offsets_[j];
      double norm = 0.0;
      for (std::size_t i = 0; i < z_.size(); ++i) {
        r += rows_[j][i] * out.y[i];
        norm += rows_[j][i] * rows_[j][i];
      }
      dual += out.multipliers[j] * r;
      out.violation = std::fmax(out.violation, r);
      if (r > 1e-7 * std::sqrt(norm)) out.feasible = false;
    }
    out.bound = std::sqrt(std::fmax(0.0, 2.0 * dual));
  }

  std::vector<double> z_;
  double lower_, upper_;
  std::vector<std::vector<double>> rows_;
  std::vector<double> offsets_;
};
