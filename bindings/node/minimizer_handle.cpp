#include "minimizer_handle.hpp"

#include "addon_data.hpp"
#include "arguments.hpp"

namespace blindspot::node {

Napi::Function MinimizerHandle::define(Napi::Env env) {
  return DefineClass(env, "MinimizerHandle",
                     {InstanceMethod<&MinimizerHandle::start>("start"), InstanceMethod<&MinimizerHandle::tell>("tell"),
                      InstanceMethod<&MinimizerHandle::free>("free")});
}

Napi::Value MinimizerHandle::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = options_argument<bs_minimizer_options>(info);
  bs_minimizer* core = nullptr;
  const std::int32_t status = bs_minimizer_create(&options, &core);
  if (status != BS_OK) return Napi::Number::New(env, status);

  Napi::Object object = adopt(env, env.GetInstanceData<AddonData>()->minimizer_class, core);
  auto& memory = Unwrap(object)->memory_;
  const auto n = static_cast<std::size_t>(options.n);
  const auto expose = [&](const char* name, void* data) {
    if (options.precision == 32) {
      object.Set(name, memory.view(env, static_cast<float*>(data), n));
    } else {
      object.Set(name, memory.view(env, static_cast<double*>(data), n));
    }
  };
  expose("x", bs_minimizer_x(core));
  expose("gradient", bs_minimizer_gradient(core));
  expose("lower", bs_minimizer_lower(core));
  expose("upper", bs_minimizer_upper(core));
  bs_minimizer_get_result(core, memory.result());
  object.Set("result", memory.result_view(env));
  return object;
}

MinimizerHandle::MinimizerHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MinimizerHandle>(info), memory_(adopted<bs_minimizer>(info)) {}

Napi::Value MinimizerHandle::start(const Napi::CallbackInfo& info) {
  bs_minimizer* minimizer = core(info.Env());
  const std::int32_t status = bs_minimizer_start(minimizer);
  bs_minimizer_get_result(minimizer, memory_.result());
  return Napi::Number::New(info.Env(), status);
}

Napi::Value MinimizerHandle::tell(const Napi::CallbackInfo& info) {
  bs_minimizer* minimizer = core(info.Env());
  const std::int32_t status = bs_minimizer_tell(minimizer, number_argument(info, 0));
  bs_minimizer_get_result(minimizer, memory_.result());
  return Napi::Number::New(info.Env(), status);
}

void MinimizerHandle::free(const Napi::CallbackInfo& info) {
  core(info.Env());
  memory_.release();
}

bs_minimizer* MinimizerHandle::core(Napi::Env env) const {
  if (memory_.handle() == nullptr) throw Napi::Error::New(env, "the minimizer was freed");
  return memory_.handle();
}

}  // namespace blindspot::node
