#include "search_handle.hpp"

#include "addon_data.hpp"
#include "arguments.hpp"

namespace blindspot::node {

Napi::Function SearchHandle::define(Napi::Env env) {
  return DefineClass(
      env, "SearchHandle",
      {InstanceMethod<&SearchHandle::submit>("submit"), InstanceMethod<&SearchHandle::free_lanes>("freeLanes"),
       InstanceMethod<&SearchHandle::ask>("ask"), InstanceMethod<&SearchHandle::tell>("tell"),
       InstanceMethod<&SearchHandle::take>("take"), InstanceMethod<&SearchHandle::free>("free")});
}

Napi::Value SearchHandle::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = options_argument<bs_search_options>(info);
  bs_search* core = nullptr;
  const std::int32_t status = bs_search_create(&options, &core);
  if (status != BS_OK) return Napi::Number::New(env, status);

  Napi::Object object = adopt(env, env.GetInstanceData<AddonData>()->search_class, core);
  auto& memory = Unwrap(object)->memory_;
  const auto n = static_cast<std::size_t>(options.n);
  const auto classes = static_cast<std::size_t>(options.classes);
  const auto lanes = static_cast<std::size_t>(options.lanes);
  object.Set("points", memory.view(env, bs_search_points(core), lanes * n));
  object.Set("oneHot", memory.view(env, bs_search_one_hot(core), lanes * classes));
  object.Set("sign", memory.view(env, bs_search_sign(core), lanes));
  object.Set("temperature", memory.view(env, bs_search_temperature(core), lanes));
  object.Set("smoothing", memory.view(env, bs_search_smoothing(core), lanes));
  object.Set("logits", memory.view(env, bs_search_logits(core), lanes * classes));
  object.Set("gradients", memory.view(env, bs_search_gradients(core), lanes * n));
  object.Set("image", memory.view(env, bs_search_image(core), n));
  object.Set("start", memory.view(env, bs_search_start(core), n));
  object.Set("example", memory.view(env, bs_search_example(core), n));
  object.Set("result", memory.result_view(env));
  return object;
}

SearchHandle::SearchHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SearchHandle>(info), memory_(adopted<bs_search>(info)) {}

Napi::Value SearchHandle::submit(const Napi::CallbackInfo& info) {
  const std::int32_t status = bs_search_submit(core(info.Env()), number_argument(info, 0), integer_argument(info, 1),
                                               integer_argument(info, 2));
  return Napi::Number::New(info.Env(), status);
}

Napi::Value SearchHandle::free_lanes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), bs_search_free_lanes(core(info.Env())));
}

Napi::Value SearchHandle::ask(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), bs_search_ask(core(info.Env())));
}

Napi::Value SearchHandle::tell(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), bs_search_tell(core(info.Env())));
}

Napi::Value SearchHandle::take(const Napi::CallbackInfo& info) {
  bs_search* search = core(info.Env());
  return Napi::Number::New(info.Env(), bs_search_take(search, memory_.result()));
}

void SearchHandle::free(const Napi::CallbackInfo& info) {
  core(info.Env());
  memory_.release();
}

bs_search* SearchHandle::core(Napi::Env env) const {
  if (memory_.handle() == nullptr) throw Napi::Error::New(env, "the search was freed");
  return memory_.handle();
}

}  // namespace blindspot::node
