// SPDX-License-Identifier: MIT
// How a transport reaches what the pointers of an ioctl name, in this process.
#pragma once

#include <unistd.h>

#include "ioctl/user_memory.h"
#include "transport.h"

namespace fakegpu::umd {

// call(memory): its result. Trusted pointers are followed as they are; checked ones go through the
// kernel, which refuses the bad ones where a plain access would crash.
template <typename Call>
int with_caller_memory(Pointers pointers, Call&& call) {
  if (pointers == Pointers::kTrusted) {
    ioctl::DirectMemory memory;
    return call(memory);
  }
  ioctl::ProcessMemory memory(::getpid());
  return call(memory);
}

}  // namespace fakegpu::umd
