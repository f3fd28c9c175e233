// Typed arrays over the core's own memory, without a copy.
//
// Three parties hold that memory: the JavaScript handle, and each external ArrayBuffer that was made over it.
// It is freed when the last of them is gone, so that a view outlives a forgotten handle safely; or at once by
// release(), which first detaches every buffer: a view then has length 0 and reads nothing.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace blindspot::node {

// Handle is the core's opaque type, Result its result struct: doubles alone.
template <typename Handle, typename Result, void (*free_handle)(Handle*)>
class KernelMemory {
 public:
  explicit KernelMemory(Handle* handle) : allocation_(std::make_shared<Allocation>(handle)) {}

  // Null after release.
  Handle* handle() const { return allocation_ ? allocation_->handle : nullptr; }
  Result* result() const { return &allocation_->result; }

  // A Float64Array or Float32Array of `length` elements at `data`, which lies inside the allocation.
  template <typename T>
  Napi::TypedArrayOf<T> view(Napi::Env env, T* data, std::size_t length) {
    auto* keep = new std::shared_ptr<Allocation>(allocation_);
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
        env, data, length * sizeof(T), [](Napi::Env, void*, std::shared_ptr<Allocation>* kept) { delete kept; }, keep);
    buffers_.push_back(Napi::Persistent(buffer));
    return Napi::TypedArrayOf<T>::New(env, length, buffer, 0);
  }

  Napi::Float64Array result_view(Napi::Env env) {
    static_assert(sizeof(Result) % sizeof(double) == 0);
    return view(env, reinterpret_cast<double*>(result()), sizeof(Result) / sizeof(double));
  }

  void release() {
    // A buffer that is detached already has handed its memory to another one
    // (ArrayBuffer.prototype.transfer): then only the garbage collector knows when nobody reads it any more.
    bool sole_owner = true;
    for (auto& reference : buffers_) {
      Napi::ArrayBuffer buffer = reference.Value();
      if (buffer.IsDetached()) {
        sole_owner = false;
      } else {
        buffer.Detach();
      }
    }
    buffers_.clear();
    if (sole_owner) allocation_->free();
    allocation_.reset();
  }

 private:
  struct Allocation {
    explicit Allocation(Handle* owned) : handle(owned) {}
    ~Allocation() { free(); }
    Allocation(const Allocation&) = delete;
    Allocation& operator=(const Allocation&) = delete;

    void free() {
      if (handle != nullptr) free_handle(std::exchange(handle, nullptr));
    }

    Handle* handle;
    Result result{};
  };

  std::shared_ptr<Allocation> allocation_;
  std::vector<Napi::Reference<Napi::ArrayBuffer>> buffers_;
};

}  // namespace blindspot::node
