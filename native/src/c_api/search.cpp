// The search's door: checks options, picks the method, and passes calls on.
#include <cmath>
#include <cstdint>
#include <iterator>

#include "blindspot/blindspot.h"
#include "c_api/last_option.hpp"
#include "c_api/option_rules.generated.hpp"
#include "search/methods.hpp"

namespace blindspot {
namespace {

// The name of the first option outside its range, or null.
const char* bad_option(const bs_search_options& options) {
  static_assert(sizeof options == sizeof(double) * std::size(kSearchOptionsRules));
  if (const char* name = first_unruly(kSearchOptionsRules, reinterpret_cast<const double*>(&options))) return name;
  return static_cast<float>(options.lower) < static_cast<float>(options.upper) ? nullptr : "upper";
}

SearchOptions read(const bs_search_options& from) {
  SearchOptions options;
  options.n = static_cast<std::size_t>(from.n);
  options.classes = static_cast<int>(from.classes);
  options.lanes = static_cast<int>(from.lanes);
  options.method = static_cast<bs_search_method>(static_cast<int>(from.method));
  options.effort = static_cast<bs_effort>(static_cast<int>(from.effort));
  options.metric = &metric_of(static_cast<bs_norm>(static_cast<int>(from.norm)));
  options.box = {static_cast<float>(from.lower), static_cast<float>(from.upper)};
  options.max_evaluations = static_cast<int>(from.max_evaluations);
  options.confidence = from.confidence;
  options.quantization = static_cast<int>(from.quantization);
  options.seed = static_cast<std::uint64_t>(from.seed);
  options.smoothable = from.smoothable > 0.0;
  return options;
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
  blindspot::BatchDoor* batch = blindspot::find_method(read.method)->make(read);
  if (batch == nullptr) return BS_ERROR_ALLOCATION;
  *out = reinterpret_cast<bs_search*>(batch);
  return BS_OK;
}

void bs_search_free(bs_search* search) { delete inside(search); }

double bs_search_bytes(const bs_search_options* options) {
  if (options == nullptr || blindspot::bad_option(*options) != nullptr) return NAN;
  const blindspot::SearchOptions read = blindspot::read(*options);
  return static_cast<double>(blindspot::find_method(read.method)->bytes(read));
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
