// SPDX-License-Identifier: MIT
// Results and errors. Inside the driver every fallible call returns Result<T>; at the ioctl and C
// boundary only the negative errno survives.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <tl/expected.hpp>

namespace fakegpu::base {

// Who has to act on an error. Only kBug may assert.
enum class ErrorKind : uint8_t { kCaller, kNoMemory, kDeviceLost, kBug };

class Error {
 public:
  // `code` is a positive errno. The kind follows from it unless given.
  Error(int code, std::string message) : Error(code, kind_of(code), std::move(message)) {}
  Error(int code, ErrorKind kind, std::string message)
      : message_(std::move(message)), code_(code), kind_(kind) {}

  int code() const { return code_; }
  // What a client sees: the negative errno.
  int negated() const { return -code_; }
  ErrorKind kind() const { return kind_; }
  // What, where and the value.
  const std::string& message() const { return message_; }

 private:
  static ErrorKind kind_of(int code);

  std::string message_;
  int code_;
  ErrorKind kind_;
};

template <typename T = void>
using Result = tl::expected<T, Error>;

// `return fail(EINVAL, "handle {} is not a BO", handle);`
template <typename... Args>
tl::unexpected<Error> fail(int code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

// The same with the errno of the failed system call `what`.
tl::unexpected<Error> fail_errno(std::string_view what);

}  // namespace fakegpu::base

// Returns from the calling function with the error of `expression`, if it has one.
#define FAKEGPU_TRY(expression)                                                          \
  do {                                                                                   \
    auto fakegpu_result_ = (expression);                                                 \
    if (!fakegpu_result_)                                                                \
      return tl::unexpected<::fakegpu::base::Error>(std::move(fakegpu_result_).error()); \
  } while (false)
