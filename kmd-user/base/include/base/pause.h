// SPDX-License-Identifier: MIT
// For loops that wait for another CPU.
#pragma once

namespace fakegpu::base {

// Tens of nanoseconds in which the core does nothing; cpu_relax() in the kernel.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace fakegpu::base
