// SPDX-License-Identifier: MIT
// What the built-in kernels share: an argument block of a fixed type, and the ranges that groups of
// packets/kernels.h cover.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernel.h"
#include "packets/kernels.h"

namespace fakegpu::hw::kernels {

namespace args = packets::kernels;

// A kernel whose argument block is an Args. Stateless, so one object serves every engine.
template <typename Args>
class Builtin : public Kernel {
 public:
  uint32_t id() const final { return static_cast<uint32_t>(id_); }
  std::string_view name() const final { return args::find(id())->name; }
  uint32_t argument_bytes() const final { return sizeof(Args); }
  uint32_t weight() const final { return weight_; }

  KernelResult check(std::span<const std::byte> arguments, const Grid&) const final {
    // Any grid fits: groups outside of the data do nothing.
    const bool ok = arguments.size() == sizeof(Args) && valid(load(arguments));
    return ok ? KernelResult::kOk : KernelResult::kBadArguments;
  }
  KernelResult run(std::span<const std::byte> arguments, const Grid& group,
                   VirtualMemory& memory) const final {
    return run_group(load(arguments), group, memory) ? KernelResult::kOk : KernelResult::kFault;
  }

 protected:
  // `weight`: modelled duration of a group, where that of a linear copy is 1.
  Builtin(args::Id id, uint32_t weight) : id_(id), weight_(weight) {}

  // Whether the arguments keep every limit of packets/kernels.h and no address overflows.
  virtual bool valid(const Args& a) const = 0;
  // False: an access faulted. Only with valid arguments.
  virtual bool run_group(const Args& a, const Grid& group, VirtualMemory& memory) const = 0;

 private:
  static Args load(std::span<const std::byte> arguments) {
    Args a;
    std::memcpy(&a, arguments.data(), sizeof(a));
    return a;
  }

  args::Id id_;
  uint32_t weight_;
};

// `count` elements of `element_bytes` at `va`, aligned to `alignment`, end before 2^64.
constexpr bool valid_array(uint64_t va, uint64_t count, uint64_t element_bytes,
                           uint64_t alignment) {
  return va % alignment == 0 && count <= (UINT64_MAX - va) / element_bytes;
}

// The elements that a group of a linear kernel works on; count 0 if it lies outside.
struct LinearPart {
  uint64_t first = 0;
  uint32_t count = 0;
};
constexpr LinearPart linear_part(const Grid& group, uint64_t count) {
  const uint64_t first = uint64_t{group.x} * args::kLinearGroup;
  if (group.y || group.z || first >= count) return {};
  return {first, static_cast<uint32_t>(std::min<uint64_t>(args::kLinearGroup, count - first))};
}

// Reads or writes whole elements.
template <typename T>
bool read_array(VirtualMemory& memory, uint64_t va, std::span<T> to) {
  return memory.read(va, std::as_writable_bytes(to));
}
template <typename T>
bool write_array(VirtualMemory& memory, uint64_t va, std::span<const T> from) {
  return memory.write(va, std::as_bytes(from));
}

// Adds `terms` to the naturally aligned words at `va`, each atomically, as other engines may add
// too. False: faulted, perhaps after a part.
bool add_words(VirtualMemory& memory, uint64_t va, std::span<const uint32_t> terms);
bool add_words(VirtualMemory& memory, uint64_t va, std::span<const uint64_t> terms);

}  // namespace fakegpu::hw::kernels
