// bs_minimizer as a JavaScript object. Views are plain properties: x, gradient, lower, upper, result.
#pragma once

#include <napi.h>

#include "blindspot/blindspot.h"
#include "kernel_memory.hpp"

namespace blindspot::node {

class MinimizerHandle : public Napi::ObjectWrap<MinimizerHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  // (options: Float64Array) => MinimizerHandle | status
  static Napi::Value create(const Napi::CallbackInfo& info);

  // Takes an External of the core's handle, made by create alone.
  explicit MinimizerHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value tell(const Napi::CallbackInfo& info);
  void free(const Napi::CallbackInfo& info);
  bs_minimizer* core(Napi::Env env) const;

  KernelMemory<bs_minimizer, bs_minimizer_result, bs_minimizer_free> memory_;
};

}  // namespace blindspot::node
