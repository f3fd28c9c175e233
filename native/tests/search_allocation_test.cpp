// The search takes its memory in create, as much as bs_search_bytes says, and none afterwards.
#include <doctest/doctest.h>

#include <vector>

#include "allocation_counter.hpp"
#include "search_run.hpp"

using classifiers::Activation;
using classifiers::Network;
using classifiers::Random;

namespace {

std::vector<bs_search_options> all_options() {
  std::vector<bs_search_options> list;
  for (double method : {0.0, 1.0, 2.0}) {
    for (double effort : {0.0, 1.0}) {
      for (double quantization : {0.0, 8.0}) {
        for (double lanes : {1.0, 5.0}) {
          list.push_back({30.0, 6.0, lanes, method, effort, 0.0, 1.0, 0.0, 1e-4, quantization, 3.0});
        }
      }
    }
  }
  return list;
}

}  // namespace

TEST_CASE("create takes what bs_search_bytes says") {
#if defined(BLINDSPOT_WRAPS_MALLOC)
  for (bs_search_options options : all_options()) {
    for (double n : {1.0, 30.0, 784.0}) {
      for (double classes : {2.0, 6.0, 40.0}) {
        options.n = n;
        options.classes = classes;
        CAPTURE(options.method);
        CAPTURE(options.effort);
        CAPTURE(options.lanes);
        CAPTURE(n);
        const double said = bs_search_bytes(&options);
        bs_search* search = nullptr;
        const std::size_t before = allocated_bytes;
        const int32_t status = bs_search_create(&options, &search);
        const std::size_t taken = allocated_bytes - before;
        REQUIRE(status == BS_OK);
        CHECK(static_cast<double>(taken) == said);
        bs_search_free(search);
      }
    }
  }
#endif
}

TEST_CASE("nothing is allocated after create: submit, ask, tell and take, images that come and go") {
  Random random(500);
  const Network model(30, 16, 1, 6, Activation::kRelu, 1.5, random);
  std::vector<std::vector<float>> images;
  for (int i = 0; i < 12; ++i) images.push_back(classifiers::random_image(30, random));
  for (const bs_search_options& options : all_options()) {
    CAPTURE(options.method);
    CAPTURE(options.effort);
    CAPTURE(options.quantization);
    bs_search* search = nullptr;
    const long before_create = allocations;
    REQUIRE(bs_search_create(&options, &search) == BS_OK);
    CHECK(allocations > before_create);
    long during = 0;
    const auto counted = [&during](auto call) {
      const long before = allocations;
      const auto answer = call();
      during += allocations - before;
      return answer;
    };
    std::size_t next = 0, done = 0;
    while (done < images.size()) {
      while (next < images.size() && bs_search_free_lanes(search) > 0) {
        const std::vector<float>& image = images[next];
        std::copy(image.begin(), image.end(), bs_search_image(search));
        const int label = model.predict(image.data());
        const int target = next % 2 == 0 ? -1 : (label + 1) % 6;
        REQUIRE(counted([&] { return bs_search_submit(search, static_cast<double>(next), label, target); }) == BS_OK);
        ++next;
      }
      const int rows = counted([&] { return bs_search_ask(search); });
      for (int row = 0; row < rows; ++row) {
        int k = 0;
        while (bs_search_one_hot(search)[6 * row + k] == 0.0f) ++k;
        model.answer(bs_search_points(search) + 30 * row, k, bs_search_sign(search)[row],
                     bs_search_temperature(search)[row], bs_search_logits(search) + 6 * row,
                     bs_search_gradients(search) + 30 * row);
      }
      REQUIRE(counted([&] { return bs_search_tell(search); }) == BS_OK);
      bs_search_result result;
      while (counted([&] { return bs_search_take(search, &result); }) == 1) ++done;
    }
    CHECK(during == 0);
    bs_search_free(search);
  }
}
