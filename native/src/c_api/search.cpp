// The search's door: checks options, picks the method, and passes calls on.
#include <cmath>
#include <cstdint>
#include <new>

#include "blindspot/blindspot.h"
#include "c_api/last_option.hpp"
#include "search/batch.hpp"

namespace blindspot {
namespace {

constexpr double kMost = 2147483647.0;

bool whole_within(double value, double least, double most) {
  return value >= least && value <= most && value == std::floor(value);
}

// The name of the first option outside its range, or null.
const char* bad_option(const bs_search_options& options) {
  if (!whole_within(options.n, 1.0, kMost)) return "n";
  if (!whole_within(options.classes, 2.0, kMost)) return "classes";
  if (!whole_within(options.lanes, 1.0, 65536.0)) return "lanes";
  if (!whole_within(options.method, BS_SEARCH_BOUNDARY, BS_SEARCH_PENALTY)) return "method";
  if (!whole_within(options.effort, BS_EFFORT_FAST, BS_EFFORT_EXHAUSTIVE)) return "effort";
  if (!(std::fabs(options.lower) < 1e30)) return "lower";
  if (!(std::fabs(options.upper) < 1e30)) return "upper";
  if (!(static_cast<float>(options.lower) < static_cast<float>(options.upper))) return "upper";
  if (!whole_within(options.max_evaluations, 0.0, kMost)) return "max_evaluations";
  if (!(options.confidence >= 0.0 && options.confidence < 1e30)) return "confidence";
  if (!whole_within(options.quantization, 0.0, 16.0)) return "quantization";
  if (!whole_within(options.seed, 0.0, 9007199254740992.0)) return "seed";
  if (!whole_within(options.smoothable, 0.0, 1.0)) return "smoothable";
  return nullptr;
}

SearchOptions read(const bs_search_options& from) {
  SearchOptions options;
  options.n = static_cast<std::size_t>(from.n);
  options.classes = static_cast<int>(from.classes);
  options.lanes = static_cast<int>(from.lanes);
  options.method = static_cast<bs_search_method>(static_cast<int>(from.method));
  options.effort = static_cast<bs_effort>(static_cast<int>(from.effort));
  options.box = {static_cast<float>(from.lower), static_cast<float>(from.upper)};
  options.max_evaluations = static_cast<int>(from.max_evaluations);
  options.confidence = from.confidence;
  options.quantization = static_cast<int>(from.quantization);
  options.seed = static_cast<std::uint64_t>(from.seed);
  options.smoothable = from.smoothable > 0.0;
  return options;
}

template <typename Method>
BatchDoor* make(const SearchOptions& options) {
  auto* batch = new (std::nothrow) Batch<Method>(options);
  if (batch != nullptr && !batch->create()) {
    delete batch;
    batch = nullptr;
  }
  return batch;
}

BatchDoor* inside(bs_search* handle) { return reinterpret_cast<BatchDoor*>(handle); }
const BatchDoor* inside(const bs_search* handle) { return reinterpret_cast<const BatchDoor*>(handle); }

}  // namespace
}  // namespace blindspot

using blindspot::inside;

int32_t bs_search_create(const bs_search_options* options, bs_search** out) {
  blindspot::clear_refused_option();
  if (out == nullptr) return BS_ERROR_STATE;
  *out = nullptr;
  if (options == nullptr) return BS_ERROR_STATE;
  if (const char* name = blindspot::bad_option(*options)) {
    blindspot::refuse_option(name);
    return BS_ERROR_OPTION;
  }
  const blindspot::SearchOptions read = blindspot::read(*options);
  blindspot::BatchDoor* batch = read.method == BS_SEARCH_PENALTY ? blindspot::make<blindspot::PenaltySearch>(read)
                                                                 : blindspot::make<blindspot::BoundarySearch>(read);
  if (batch == nullptr) return BS_ERROR_ALLOCATION;
  *out = reinterpret_cast<bs_search*>(batch);
  return BS_OK;
}

void bs_search_free(bs_search* search) { delete inside(search); }

double bs_search_bytes(const bs_search_options* options) {
  if (options == nullptr || blindspot::bad_option(*options) != nullptr) return NAN;
  const blindspot::SearchOptions read = blindspot::read(*options);
  return static_cast<double>(read.method == BS_SEARCH_PENALTY
                                 ? blindspot::Batch<blindspot::PenaltySearch>::bytes(read)
                                 : blindspot::Batch<blindspot::BoundarySearch>::bytes(read));
}

float* bs_search_points(bs_search* search) { return inside(search)->rows.points; }
float* bs_search_one_hot(bs_search* search) { return inside(search)->rows.one_hot; }
float* bs_search_sign(bs_search* search) { return inside(search)->rows.sign; }
float* bs_search_temperature(bs_search* search) { return inside(search)->rows.temperature; }
float* bs_search_smoothing(bs_search* search) { return inside(search)->rows.smoothing; }
float* bs_search_logits(bs_search* search) { return inside(search)->rows.logits; }
float* bs_search_gradients(bs_search* search) { return inside(search)->rows.gradients; }
float* bs_search_image(bs_search* search) { return inside(search)->rows.image; }
float* bs_search_start(bs_search* search) { return inside(search)->rows.start; }
float* bs_search_example(bs_search* search) { return inside(search)->rows.example; }

int32_t bs_search_submit(bs_search* search, double id, int32_t label, int32_t target) {
  return inside(search)->submit(id, label, target);
}

int32_t bs_search_free_lanes(const bs_search* search) { return inside(search)->free_lanes(); }
int32_t bs_search_ask(bs_search* search) { return inside(search)->ask(); }
int32_t bs_search_tell(bs_search* search) { return inside(search)->tell(); }
int32_t bs_search_take(bs_search* search, bs_search_result* out) {
  return out != nullptr && inside(search)->take(*out) ? 1 : 0;
}
