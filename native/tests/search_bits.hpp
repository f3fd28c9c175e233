// Whole searches whose every bit is the same on every instruction set: fixtures/search_bits.txt, one a line,
//
//   <model> <fast|thorough> <bits of the lattice> <target> <status> <evaluations> <l2> <margin> <hash>
//
// the hash that of all points and of the example.
//
// Two classes, so that neither the model nor the margins call libm, whose last bits differ between systems.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "blindspot/blindspot.h"
#include "classifiers.hpp"
#include "solve.hpp"

inline std::string search_bits_line(const char* name, const classifiers::Classifier& model, bs_effort effort,
                                    int quantization, const std::vector<float>& image, bool targeted) {
  const int label = model.predict(image.data());
  const int target = targeted ? 1 - label : -1;
  bs_search_options options = {static_cast<double>(model.n),
                               2.0,
                               1.0,
                               static_cast<double>(BS_SEARCH_BOUNDARY),
                               static_cast<double>(effort),
                               0.0,
                               1.0,
                               0.0,
                               1e-4,
                               static_cast<double>(quantization),
                               5.0};
  bs_search* search = nullptr;
  if (bs_search_create(&options, &search) != BS_OK) std::abort();
  std::memcpy(bs_search_image(search), image.data(), model.n * sizeof(float));
  if (bs_search_submit(search, 0.0, label, target) != BS_OK) std::abort();
  Run run;
  while (bs_search_ask(search) > 0) {
    const int k = bs_search_one_hot(search)[1] == 1.0f ? 1 : 0;
    add_to_hash(run.hash, bs_search_points(search), model.n);
    model.answer(bs_search_points(search), k, bs_search_sign(search)[0], bs_search_temperature(search)[0],
                 bs_search_logits(search), bs_search_gradients(search));
    bs_search_tell(search);
  }
  bs_search_result result;
  if (bs_search_take(search, &result) != 1) std::abort();
  add_to_hash(run.hash, bs_search_example(search), model.n);
  bs_search_free(search);
  char text[256];
  std::snprintf(text, sizeof text, "%s %s %d %d %d %d %a %a %016llx", name,
                effort == BS_EFFORT_FAST ? "fast" : "thorough", quantization, target, static_cast<int>(result.status),
                static_cast<int>(result.evaluations), result.distance, result.margin,
                static_cast<unsigned long long>(run.hash));
  return text;
}

inline std::vector<std::string> search_bits_lines() {
  classifiers::Random random(600);
  const classifiers::Linear linear(300, 2, random);
  const classifiers::Network relu(150, 24, 2, 2, classifiers::Activation::kRelu, 1.5, random);
  std::vector<std::string> lines;
  for (bs_effort effort : {BS_EFFORT_FAST, BS_EFFORT_THOROUGH}) {
    for (int quantization : {0, 8}) {
      for (int image = 0; image < 4; ++image) {
        const bool targeted = image % 2 == 1;
        lines.push_back(search_bits_line("linear", linear, effort, quantization,
                                         classifiers::random_image(linear.n, random), targeted));
        lines.push_back(
            search_bits_line("relu", relu, effort, quantization, classifiers::random_image(relu.n, random), targeted));
      }
    }
  }
  return lines;
}
