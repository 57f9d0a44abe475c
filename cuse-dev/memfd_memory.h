// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "ioctl/plan.h"
#include "ioctl/user_memory.h"

namespace fakegpu::cuse_dev {

// The memory of a call whose struct came in a message and whose arrays, which all go in, are in a
// memfd of the client's. They are read only as the driver fetches them, each byte once, so the
// client may change them meanwhile, as it may its memory in a call of the kernel's.
class MemfdMemory final : public ioctl::UserMemory {
 public:
  // `window` holds the struct as it came and takes it back. `segments`: in the order in which the
  // descriptor has them, from its start on. Both outlive this object. `arrays` may be anything that
  // ioctl::may_pass(): reading it blocks on nobody, and what is no memfd has no array.
  MemfdMemory(uint64_t address, std::span<std::byte> window,
              std::span<const ioctl::Segment> segments, base::UniqueFd arrays);

  bool fetch(uint64_t address, std::span<std::byte> to) override;
  bool store(uint64_t address, std::span<const std::byte> from) override;

 private:
  ioctl::PlannedMemory struct_;
  std::span<const ioctl::Segment> segments_;
  base::UniqueFd arrays_;
};

}  // namespace fakegpu::cuse_dev
