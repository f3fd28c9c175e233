// The C ABI as a Node addon: arguments in, status codes out. It holds no numerics and no rules; ts/kernel
// does.
#include <napi.h>

#include <string>

#include "addon_data.hpp"
#include "arguments.hpp"
#include "blindspot/blindspot.h"
#include "minimizer_handle.hpp"
#include "search_handle.hpp"

namespace blindspot::node {
namespace {

Napi::Value instruction_set(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), bs_instruction_set());
}

Napi::Value use_instruction_set(const Napi::CallbackInfo& info) {
  const std::string name = info[0].ToString();
  return Napi::Number::New(info.Env(), bs_use_instruction_set(name.c_str()));
}

Napi::Value last_option(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), bs_last_option()); }

Napi::Value search_bytes(const Napi::CallbackInfo& info) {
  const auto options = options_argument<bs_search_options>(info);
  return Napi::Number::New(info.Env(), bs_search_bytes(&options));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  env.SetInstanceData(data);
  data->minimizer_class = Napi::Persistent(MinimizerHandle::define(env));
  data->search_class = Napi::Persistent(SearchHandle::define(env));

  exports.Set("instructionSet", Napi::Function::New<instruction_set>(env, "instructionSet"));
  exports.Set("useInstructionSet", Napi::Function::New<use_instruction_set>(env, "useInstructionSet"));
  exports.Set("lastOption", Napi::Function::New<last_option>(env, "lastOption"));
  exports.Set("createMinimizer", Napi::Function::New<&MinimizerHandle::create>(env, "createMinimizer"));
  exports.Set("createSearch", Napi::Function::New<&SearchHandle::create>(env, "createSearch"));
  exports.Set("searchBytes", Napi::Function::New<search_bytes>(env, "searchBytes"));
  return exports;
}

}  // namespace
}  // namespace blindspot::node

static Napi::Object initialize_addon(Napi::Env env, Napi::Object exports) {
  return blindspot::node::initialize(env, exports);
}

NODE_API_MODULE(blindspot, initialize_addon)
