// Whatever the options, the images and the model do (NaN, infinities, huge and tiny numbers, gradients that lie,
// answers that are never the same twice), a search asks whole questions inside the box, ends within its budget, and
// tells a result that agrees with itself.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "blindspot/blindspot.h"
#include "choices.hpp"

namespace {

constexpr int kLatticeRounds = 30;

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "search_fuzz: %s\n", what);
  std::abort();
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double symmetric() { return 2.0 * uniform() - 1.0; }

 private:
  std::uint64_t state_;
};

// A linear model, disturbed.
struct Model {
  unsigned kind;
  double scale;
  std::size_t n, classes;
  std::vector<double> weights;
  mutable Random noise;

  Model(Choices& choices, std::size_t pixels, std::size_t logits, std::uint64_t seed)
      : kind(choices.below(14)), n(pixels), classes(logits), noise(seed) {
    const double scales[] = {1.0, 1.0, 1.0, 30.0, 1e-3, 1e-12, 1e-30, 1e6, 1e15, 1e30, 1e37};
    scale = scales[choices.below(11)];
    for (std::size_t i = 0; i < n * classes; ++i) weights.push_back(noise.symmetric());
  }

  void answer(const float* x, std::size_t k, double sign, double temperature, float* z, float* gradient) const {
    std::size_t other = k == 0 ? 1 : 0;
    for (std::size_t j = 0; j < classes; ++j) {
      double sum = weights[j];
      for (std::size_t i = 0; i < n; ++i) sum += weights[j * n + i] * static_cast<double>(x[i]);
      z[j] = static_cast<float>(scale * sum);
      if (j != k && z[j] > z[other]) other = j;
    }
    for (std::size_t i = 0; i < n; ++i) {
      gradient[i] = static_cast<float>(sign * scale * (weights[other * n + i] - weights[k * n + i]));
    }
    disturb(z, gradient, temperature);
  }

  void disturb(float* z, float* gradient, double temperature) const {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    switch (kind) {
      case 1:
        if (noise.bits() % 4 == 0) z[noise.bits() % classes] = nan;
        break;
      case 2:
        if (noise.bits() % 4 == 0) gradient[noise.bits() % n] = infinity;
        break;
      case 3:
        for (std::size_t i = 0; i < n; ++i) gradient[i] = -gradient[i];
        break;
      case 4: std::memset(gradient, 0, n * sizeof(float)); break;
      case 5:
        for (std::size_t j = 0; j < classes; ++j) z[j] = 1.0f;
        break;
      case 6:
        for (std::size_t j = 0; j < classes; ++j) z[j] = static_cast<float>(scale * noise.symmetric());
        break;
      case 7:
        for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<float>(scale * noise.symmetric());
        break;
      case 8:
        for (std::size_t j = 0; j < classes; ++j) z[j] = std::floor(z[j]);
        break;
      case 9: gradient[noise.bits() % n] = std::numeric_limits<float>::max(); break;
      case 10:
        for (std::size_t i = 0; i < n; ++i) gradient[i] *= static_cast<float>(temperature);
        break;
      case 11:
        for (std::size_t j = 0; j < classes; ++j)
          z[j] = static_cast<float>(std::ldexp(1.0, static_cast<int>(noise.bits() % 250) - 125));
        break;
      case 12:
        for (std::size_t i = 1; i < n; ++i) gradient[i] = gradient[0];
        break;
      default: break;
    }
  }
};

double budget_of(const bs_search_options& options) {
  if (options.max_evaluations > 0.0) return options.max_evaluations;
  if (options.method == static_cast<double>(BS_SEARCH_PENALTY)) return options.effort == 0.0 ? 1000.0 : 4000.0;
  if (options.method == static_cast<double>(BS_SEARCH_DEEPFOOL)) return 50.0 * std::fmin(9.0, options.classes - 1.0);
  return 4.0 * (options.effort == 0.0 ? 50.0 : 400.0);
}

struct Submitted {
  std::vector<float> image;
  int label, target;
};

void check_result(const bs_search_options& options, const Submitted& given, const bs_search_result& result,
                  const float* example) {
  const std::size_t n = given.image.size();
  const float lower = static_cast<float>(options.lower), upper = static_cast<float>(options.upper);
  demand(result.evaluations >= 1.0, "an end without an evaluation");
  demand(result.evaluations <= budget_of(options) + (options.quantization > 0.0 ? kLatticeRounds : 0),
         "more evaluations than the budget");
  bool moved = false;
  for (std::size_t i = 0; i < n; ++i) {
    demand(example[i] >= lower && example[i] <= upper, "an example outside the box");
    moved = moved || example[i] != given.image[i];
  }
  const int status = static_cast<int>(result.status);
  demand(status >= BS_LANE_CONVERGED && status <= BS_LANE_STALLED, "an unknown status");
  demand(std::isfinite(result.margin), "a margin that is not finite");
  if (status == BS_LANE_FAILED || status == BS_LANE_NOT_FINITE) {
    demand(std::isnan(result.distance) && std::isnan(result.kkt_residual), "a distortion of nothing");
    demand(!moved, "an example that failed is not the image");
    demand(result.margin >= 0.0, "an image that is adversarial failed");
    demand(result.prediction == result.clean_prediction, "another class of the same image");
    return;
  }
  demand(std::isfinite(result.distance) && result.distance >= 0.0, "a distortion that is not finite");
  // Unknown when the answer that was to prove it, after smoothed ones, is not finite.
  const bool unknown = options.smoothable > 0.0 && std::isnan(result.kkt_residual);
  demand(unknown || (std::isfinite(result.kkt_residual) && result.kkt_residual >= 0.0),
         "a KKT residual that is not finite");
  demand(result.margin < 0.0, "a success that is not adversarial");
  if (status == BS_LANE_ALREADY) {
    demand(!moved && result.distance == 0.0, "an image that was wrong already has moved");
    return;
  }
  demand(result.margin < -options.confidence, "a success without the confidence asked for");
  if (given.target >= 0) demand(result.prediction == given.target, "another class than the target");
  if (given.target < 0) demand(result.prediction != given.label, "the label itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const double lowers[] = {0.0, 0.0, -1.0, -1e20, 0.5, 1e-30};
  const double uppers[] = {1.0, 1.0, 1.0, 1e20, std::nextafter(0.5f, 1.0f), 2e-30};
  const unsigned box = choices.below(6);
  bs_search_options options;
  options.n = 1.0 + choices.below(30);
  options.classes = 2.0 + choices.below(12);
  options.lanes = 1.0 + choices.below(4);
  options.method = choices.below(3);
  options.effort = choices.below(4) == 0 ? 1.0 : 0.0;
  options.lower = lowers[box];
  options.upper = uppers[box];
  options.max_evaluations = choices.below(2) == 0 ? 0.0 : choices.below(100);
  options.confidence = choices.below(3) == 0 ? 0.0 : choices.below(3) == 0 ? 10.0 : 1e-4;
  options.quantization = choices.below(2) == 0 ? 0.0 : 1.0 + choices.below(16);
  options.seed = choices.byte();
  options.smoothable = choices.below(2);
  options.norm = BS_NORM_L2;

  bs_search* search = nullptr;
  demand(bs_search_create(&options, &search) == BS_OK, "create refused good options");
  const std::size_t n = static_cast<std::size_t>(options.n);
  const std::size_t classes = static_cast<std::size_t>(options.classes);
  const float lower = static_cast<float>(options.lower), upper = static_cast<float>(options.upper);
  std::uint64_t seed = 0;
  for (int i = 0; i < 8; ++i) seed = seed << 8 | choices.byte();
  const Model model(choices, n, classes, seed);
  Random random(seed + 1);

  std::vector<Submitted> given;
  std::size_t done = 0;
  const std::size_t images = 1 + choices.below(5);
  while (done < images) {
    while (given.size() < images && bs_search_free_lanes(search) > 0) {
      Submitted one{std::vector<float>(n), static_cast<int>(random.bits() % classes), -1};
      for (float& pixel : one.image) {
        const double u = random.uniform();
        const double inside = static_cast<double>(lower) + random.uniform() * (static_cast<double>(upper) - lower);
        pixel = u < 0.3 ? lower : u < 0.6 ? upper : std::fmin(std::fmax(static_cast<float>(inside), lower), upper);
      }
      if (random.bits() % 2 == 0) one.target = (one.label + 1) % static_cast<int>(classes);
      std::memcpy(bs_search_image(search), one.image.data(), n * sizeof(float));
      demand(bs_search_submit(search, static_cast<double>(given.size()), one.label, one.target) == BS_OK,
             "submit refused a good image");
      given.push_back(one);
    }
    const int rows = bs_search_ask(search);
    demand(rows > 0, "nothing runs and nothing has ended");
    for (int row = 0; row < rows; ++row) {
      const std::size_t at = static_cast<std::size_t>(row);
      const float* point = bs_search_points(search) + at * n;
      const float* one_hot = bs_search_one_hot(search) + at * classes;
      for (std::size_t i = 0; i < n; ++i) demand(point[i] >= lower && point[i] <= upper, "a point outside the box");
      std::size_t k = classes;
      for (std::size_t j = 0; j < classes; ++j) {
        if (one_hot[j] == 0.0f) continue;
        demand(one_hot[j] == 1.0f && k == classes, "more than one class asked for");
        k = j;
      }
      demand(k < classes, "no class asked for");
      const double sign = bs_search_sign(search)[row], temperature = bs_search_temperature(search)[row];
      demand(sign == 1.0 || sign == -1.0, "a sign that is none");
      demand(temperature > 0.0 && temperature < 1e38, "a temperature that is none");
      model.answer(point, k, sign, temperature, bs_search_logits(search) + at * classes,
                   bs_search_gradients(search) + at * n);
    }
    demand(bs_search_tell(search) == BS_OK, "tell refused");
    for (bs_search_result result; bs_search_take(search, &result) == 1; ++done) {
      check_result(options, given[static_cast<std::size_t>(result.id)], result, bs_search_example(search));
    }
  }
  demand(bs_search_free_lanes(search) == static_cast<int>(options.lanes), "a lane was not freed");
  bs_search_free(search);
  return 0;
}
