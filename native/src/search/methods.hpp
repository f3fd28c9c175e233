// The methods of search, by their number in the ABI: the one place that names them all.
#pragma once

#include <cstddef>

#include "blindspot/blindspot.h"
#include "search/batch_door.hpp"
#include "search/search_options.hpp"

namespace blindspot {

struct MethodEntry {
  bs_search_method method;
  BatchDoor* (*make)(const SearchOptions& options);    // null when there is no memory
  std::size_t (*bytes)(const SearchOptions& options);  // that make takes
};

// Null when there is none of this number.
const MethodEntry* find_method(bs_search_method method);

}  // namespace blindspot
