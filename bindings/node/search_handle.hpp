// bs_search as a JavaScript object. Views are plain properties: points, oneHot, sign, temperature, logits,
// gradients, image, example, result.
#pragma once

#include <napi.h>

#include "blindspot/blindspot.h"
#include "kernel_memory.hpp"

namespace blindspot::node {

class SearchHandle : public Napi::ObjectWrap<SearchHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  // (options: Float64Array) => SearchHandle | status
  static Napi::Value create(const Napi::CallbackInfo& info);

  // Takes an External of the core's handle, made by create alone.
  explicit SearchHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value free_lanes(const Napi::CallbackInfo& info);
  Napi::Value ask(const Napi::CallbackInfo& info);
  Napi::Value tell(const Napi::CallbackInfo& info);
  Napi::Value take(const Napi::CallbackInfo& info);
  void free(const Napi::CallbackInfo& info);
  bs_search* core(Napi::Env env) const;

  KernelMemory<bs_search, bs_search_result, bs_search_free> memory_;
};

}  // namespace blindspot::node
