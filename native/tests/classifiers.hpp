// Small classifiers with random weights: logits, and the gradient of the smoothed margin as a model's graph gives it.
// All arithmetic is in double, rounded to float32 at the end.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "problems.hpp"

namespace classifiers {

using problems::Random;

class Classifier {
 public:
  Classifier(std::size_t pixels, int logits) : n(pixels), classes(logits) {}
  virtual ~Classifier() = default;

  virtual std::vector<double> logits(const float* x) const = 0;
  // gradient := J^T weights at x, J the Jacobian of the logits.
  virtual void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const = 0;

  // The contract of bs_search: logits, and the gradient of
  //   sign (temperature log sum_{j != k} exp(z_j / temperature) - z_k)
  virtual void answer(const float* x, int k, double sign, double temperature, float* out, float* gradient) const {
    const std::vector<double> z = logits(x);
    std::vector<double> weights(z.size());
    double largest = -HUGE_VAL;
    for (std::size_t j = 0; j < z.size(); ++j) {
      out[j] = static_cast<float>(z[j]);
      if (static_cast<int>(j) != k) largest = std::fmax(largest, z[j]);
    }
    double sum = 0.0;
    for (std::size_t j = 0; j < z.size(); ++j) {
      // exp(0) is 1 everywhere, so that two classes need no exp.
      const double exponent = (z[j] - largest) / temperature;
      weights[j] = static_cast<int>(j) == k ? 0.0 : exponent == 0.0 ? 1.0 : std::exp(exponent);
      sum += weights[j];
    }
    for (double& w : weights) w *= sign / sum;
    weights[static_cast<std::size_t>(k)] = -sign;
    pull_back(x, weights, gradient);
  }

  int predict(const float* x) const {
    const std::vector<double> z = logits(x);
    std::size_t best = 0;
    for (std::size_t j = 1; j < z.size(); ++j) {
      if (static_cast<float>(z[j]) > static_cast<float>(z[best])) best = j;
    }
    return static_cast<int>(best);
  }

  // Largest other logit minus z_k for a target, the opposite for a label, of the float32 logits.
  double hard_margin(const float* x, int label, int target) const {
    const std::vector<double> z = logits(x);
    const std::size_t k = static_cast<std::size_t>(target >= 0 ? target : label);
    double largest = -HUGE_VAL;
    for (std::size_t j = 0; j < z.size(); ++j) {
      if (j != k) largest = std::fmax(largest, static_cast<double>(static_cast<float>(z[j])));
    }
    const double towards = largest - static_cast<double>(static_cast<float>(z[k]));
    return target >= 0 ? towards : -towards;
  }

  const std::size_t n;
  const int classes;
};

// z = W x + b
class Linear final : public Classifier {
 public:
  Linear(std::size_t pixels, int logits, Random& random, double scale = 1.0) : Classifier(pixels, logits) {
    for (std::size_t i = 0; i < n * static_cast<std::size_t>(classes); ++i) {
      weights.push_back(scale * random.between(-1.0, 1.0));
    }
    for (int j = 0; j < classes; ++j) bias.push_back(scale * random.between(-0.5, 0.5));
  }

  std::vector<double> logits(const float* x) const override {
    std::vector<double> z = bias;
    for (std::size_t j = 0; j < z.size(); ++j) {
      for (std::size_t i = 0; i < n; ++i) z[j] += weights[j * n + i] * static_cast<double>(x[i]);
    }
    return z;
  }

  void pull_back(const float*, const std::vector<double>& w, float* gradient) const override {
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < w.size(); ++j) sum += w[j] * weights[j * n + i];
      gradient[i] = static_cast<float>(sum);
    }
  }

  std::vector<double> weights;  // [classes, n]
  std::vector<double> bias;
};

enum class Activation { kSigmoid, kTanh, kRelu };

// Fully connected, all hidden layers of one width.
class Network final : public Classifier {
 public:
  Network(std::size_t pixels, std::size_t width, int hidden, int logits, Activation kind, double gain, Random& random)
      : Classifier(pixels, logits), kind_(kind) {
    std::size_t inputs = pixels;
    for (int layer = 0; layer <= hidden; ++layer) {
      const std::size_t outputs = layer == hidden ? static_cast<std::size_t>(logits) : width;
      Layer made{inputs, outputs, {}, {}};
      const double scale = gain * std::sqrt(3.0 / static_cast<double>(inputs));
      for (std::size_t i = 0; i < inputs * outputs; ++i) made.weights.push_back(scale * random.between(-1.0, 1.0));
      for (std::size_t j = 0; j < outputs; ++j) made.bias.push_back(0.3 * random.between(-1.0, 1.0));
      layers_.push_back(made);
      inputs = outputs;
    }
  }

  std::vector<double> logits(const float* x) const override { return activations(x).back(); }

  void pull_back(const float* x, const std::vector<double>& weights, float* gradient) const override {
    const std::vector<std::vector<double>> values = activations(x);
    std::vector<double> cotangent = weights;
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const Layer& layer = layers_[l];
      if (l + 1 < layers_.size()) {
        for (std::size_t j = 0; j < cotangent.size(); ++j) cotangent[j] *= slope(values[l][j]);
      }
      std::vector<double> before(layer.inputs, 0.0);
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        for (std::size_t i = 0; i < layer.inputs; ++i) before[i] += layer.weights[j * layer.inputs + i] * cotangent[j];
      }
      cotangent = before;
    }
    for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<float>(cotangent[i]);
  }

 private:
  struct Layer {
    std::size_t inputs, outputs;
    std::vector<double> weights, bias;
  };

  // Of each layer, the last one without activation.
  std::vector<std::vector<double>> activations(const float* x) const {
    std::vector<std::vector<double>> values;
    std::vector<double> in(x, x + n);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      std::vector<double> out = layer.bias;
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        for (std::size_t i = 0; i < layer.inputs; ++i) out[j] += layer.weights[j * layer.inputs + i] * in[i];
        if (l + 1 < layers_.size()) out[j] = activate(out[j]);
      }
      values.push_back(out);
      in = out;
    }
    return values;
  }

  double activate(double t) const {
    switch (kind_) {
      case Activation::kSigmoid: return 1.0 / (1.0 + std::exp(-t));
      case Activation::kTanh: return std::tanh(t);
      default: return std::fmax(t, 0.0);
    }
  }

  // From the activated value.
  double slope(double value) const {
    switch (kind_) {
      case Activation::kSigmoid: return value * (1.0 - value);
      case Activation::kTanh: return 1.0 - value * value;
      default: return value > 0.0 ? 1.0 : 0.0;
    }
  }

  Activation kind_;
  std::vector<Layer> layers_;
};

// Pixels of [0, 1], about 40 % of them at 0 and 20 % at 1.
inline std::vector<float> random_image(std::size_t n, Random& random) {
  std::vector<float> image(n);
  for (float& pixel : image) {
    const double u = random.uniform();
    pixel = u < 0.4 ? 0.0f : u < 0.6 ? 1.0f : static_cast<float>(random.uniform());
  }
  return image;
}

}  // namespace classifiers
