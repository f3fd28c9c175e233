// What a method of search has to be for Batch to run many of them: a Lane that lays out its memory once, begins with an image, and
// takes one answer at a time.
//
//   carve          takes every vector that the lane keeps, Lane's first; allocates nothing later
//   own_bytes      what create takes from the arena beyond that
//   create         makes parts that carve themselves, such as a minimizer
//   use_scratch    kScratchVectors vectors, [n] each, that mean nothing between two calls: one set for all lanes
//   begin          the image is in image(); the first question stands at point()
//   tell           takes the answer at point(); afterwards the next question stands there, or status() is no longer RUNNING
//
// Of these Lane brings own_bytes, create and use_scratch for methods without such parts.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "memory/arena.hpp"
#include "search/lane.hpp"

namespace blindspot {

template <typename M>
concept SearchMethod = std::derived_from<M, Lane> && std::default_initializable<M> &&
    std::is_trivially_destructible_v<M> &&
    requires(M lane, ArenaMeter& meter, Arena& arena, float* const* scratch, const SearchOptions& options, double id,
             Goal goal, const float* logits, const float* gradient) {
  { M::kScratchVectors } -> std::convertible_to<int>;
  { M::own_bytes(options) } -> std::same_as<std::uint64_t>;
  lane.carve(meter, options);
  lane.carve(arena, options);
  { lane.create(options, arena) } -> std::same_as<bool>;
  lane.use_scratch(scratch);
  lane.begin(options, id, goal);
  lane.tell(logits, gradient);
};

}  // namespace blindspot
