// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <cstring>

namespace fakegpu::base {

ErrorKind Error::kind_of(int code) {
  switch (code) {
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
      return ErrorKind::kNoMemory;
    case ENODEV:
    case ECANCELED:
      return ErrorKind::kDeviceLost;
    default:
      return ErrorKind::kCaller;
  }
}

tl::unexpected<Error> fail_errno(std::string_view what) {
  const int code = errno;
  const char* text = strerrordesc_np(code);
  return fail(code, "{}: {}", what, text ? text : "unknown error");
}

}  // namespace fakegpu::base
