// SPDX-License-Identifier: MIT
#include "allocations.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace {

bool counting = false;
uint64_t counted = 0;

}  // namespace

// Not inlined: the compiler would take free() for the wrong counterpart of new.
[[gnu::noinline]] void* operator new(size_t size) {
  if (counting) ++counted;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (counting) ++counted;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace fakegpu::sched {

AllocationScope::AllocationScope(bool counts) : before_(std::exchange(counting, counts)) {}

AllocationScope::~AllocationScope() {
  counting = before_;
}

uint64_t counted_allocations() {
  return counted;
}

}  // namespace fakegpu::sched
