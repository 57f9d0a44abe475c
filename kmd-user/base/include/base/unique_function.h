// SPDX-License-Identifier: MIT
// A move-only callable (std::move_only_function of C++23), with room for 48 bytes before it
// allocates.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace fakegpu::base {

template <typename Signature>
class UniqueFunction;

template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT: an empty function is written nullptr

  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      UniqueFunction(F&& callable) {  // NOLINT: lambdas convert implicitly
    using Callable = std::decay_t<F>;
    if constexpr (fits<Callable>()) {
      new (storage_) Callable(std::forward<F>(callable));
    } else {
      *reinterpret_cast<Callable**>(storage_) = new Callable(std::forward<F>(callable));
    }
    ops_ = &kOps<Callable>;
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }
  R operator()(Args... args) { return ops_->call(storage_, std::forward<Args>(args)...); }

 private:
  struct Ops {
    R (*call)(std::byte*, Args&&...);
    void (*move)(std::byte* to, std::byte* from);
    void (*destroy)(std::byte*);
  };

  static constexpr size_t kInline = 48;

  template <typename F>
  static constexpr bool fits() {
    return sizeof(F) <= kInline && alignof(F) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<F>;
  }
  template <typename F>
  static F& get(std::byte* storage) {
    if constexpr (fits<F>()) {
      return *std::launder(reinterpret_cast<F*>(storage));
    } else {
      return **reinterpret_cast<F**>(storage);
    }
  }

  template <typename F>
  static constexpr Ops kOps = {[](std::byte* s, Args&&... args) -> R {
                                 if constexpr (std::is_void_v<R>) {
                                   static_cast<void>(get<F>(s)(std::forward<Args>(args)...));
                                 } else {
                                   return get<F>(s)(std::forward<Args>(args)...);
                                 }
                               },
                               [](std::byte* to, std::byte* from) {
                                 if constexpr (fits<F>()) {
                                   new (to) F(std::move(get<F>(from)));
                                   get<F>(from).~F();
                                 } else {
                                   *reinterpret_cast<F**>(to) = *reinterpret_cast<F**>(from);
                                 }
                               },
                               [](std::byte* s) {
                                 if constexpr (fits<F>()) {
                                   get<F>(s).~F();
                                 } else {
                                   delete *reinterpret_cast<F**>(s);
                                 }
                               }};

  void take(UniqueFunction& other) {
    if (other.ops_) other.ops_->move(storage_, other.storage_);
    ops_ = std::exchange(other.ops_, nullptr);
  }
  void reset() {
    if (ops_) std::exchange(ops_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[kInline];
  const Ops* ops_ = nullptr;
};

}  // namespace fakegpu::base
