#include "search/methods.hpp"

#include <new>

#include "search/batch.hpp"
#include "search/boundary_search.hpp"
#include "search/deepfool_search.hpp"
#include "search/penalty_search.hpp"

namespace blindspot {
namespace {

template <SearchMethod Method>
BatchDoor* make(const SearchOptions& options) {
  auto* batch = new (std::nothrow) Batch<Method>(options);
  if (batch != nullptr && !batch->create()) {
    delete batch;
    batch = nullptr;
  }
  return batch;
}

template <SearchMethod Method>
constexpr MethodEntry entry(bs_search_method method) {
  return {method, &make<Method>, &Batch<Method>::bytes};
}

constexpr MethodEntry kMethods[] = {
    entry<BoundarySearch>(BS_SEARCH_BOUNDARY),
    entry<PenaltySearch>(BS_SEARCH_PENALTY),
    entry<DeepfoolSearch>(BS_SEARCH_DEEPFOOL),
};

}  // namespace

const MethodEntry* find_method(bs_search_method method) {
  for (const MethodEntry& entry : kMethods) {
    if (entry.method == method) return &entry;
  }
  return nullptr;
}

}  // namespace blindspot
