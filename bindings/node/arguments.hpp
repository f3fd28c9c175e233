// Arguments of the addon's functions. TypeScript has checked what users wrote; what is checked here is that a
// wrong call from our own JavaScript, or an addon built from another header, ends in an exception and not in
// a crash.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace blindspot::node {

inline double number_argument(const Napi::CallbackInfo& info, std::size_t index) {
  if (info.Length() <= index || !info[index].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not a number");
  }
  return info[index].As<Napi::Number>().DoubleValue();
}

inline std::int32_t integer_argument(const Napi::CallbackInfo& info, std::size_t index) {
  number_argument(info, index);
  return info[index].As<Napi::Number>().Int32Value();
}

// An options struct of the header, passed as a Float64Array with one element a field.
template <typename Options>
Options options_argument(const Napi::CallbackInfo& info) {
  constexpr std::size_t fields = sizeof(Options) / sizeof(double);
  if (info.Length() < 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      info[0].As<Napi::TypedArray>().ElementLength() != fields) {
    throw Napi::TypeError::New(info.Env(), "options are not a Float64Array of " + std::to_string(fields) +
                                               " fields: the addon was built from another blindspot.h");
  }
  Options options;
  const auto array = info[0].As<Napi::Float64Array>();
  auto* field = reinterpret_cast<double*>(&options);
  for (std::size_t i = 0; i < fields; ++i) field[i] = array[i];
  return options;
}

}  // namespace blindspot::node
