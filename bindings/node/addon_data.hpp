// What one environment (the main thread, or a worker) keeps: no state is shared between threads.
#pragma once

#include <napi.h>

namespace blindspot::node {

struct AddonData {
  Napi::FunctionReference minimizer_class;
  Napi::FunctionReference search_class;
};

// A JavaScript object of the class that owns the core's handle. The External is its pass: only C++ makes one.
template <typename Handle>
Napi::Object adopt(Napi::Env env, const Napi::FunctionReference& handle_class, Handle* handle) {
  return handle_class.New({Napi::External<Handle>::New(env, handle)});
}

template <typename Handle>
Handle* adopted(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    throw Napi::TypeError::New(info.Env(), "handles are made by createMinimizer and createSearch alone");
  }
  return info[0].As<Napi::External<Handle>>().Data();
}

}  // namespace blindspot::node
