// SPDX-License-Identifier: MIT
#include "kernels/builtin.h"

#include <atomic>

namespace fakegpu::hw::kernels {
namespace {

// Runs end at page boundaries, which never cut an aligned word.
template <typename T>
bool add_all(VirtualMemory& memory, uint64_t va, std::span<const T> terms) {
  while (!terms.empty()) {
    const std::span<std::byte> bytes = memory.run(va, terms.size_bytes(), Access::kWrite);
    const size_t words = bytes.size() / sizeof(T);
    if (words == 0) return false;
    T* at = reinterpret_cast<T*>(bytes.data());
    for (size_t i = 0; i < words; ++i) {
      if (terms[i]) std::atomic_ref(at[i]).fetch_add(terms[i], std::memory_order_relaxed);
    }
    terms = terms.subspan(words);
    va += words * sizeof(T);
  }
  return true;
}

}  // namespace

bool add_words(VirtualMemory& memory, uint64_t va, std::span<const uint32_t> terms) {
  return add_all(memory, va, terms);
}

bool add_words(VirtualMemory& memory, uint64_t va, std::span<const uint64_t> terms) {
  return add_all(memory, va, terms);
}

}  // namespace fakegpu::hw::kernels
