// SPDX-License-Identifier: MIT
// The memfd from which the BOs of an open file, or of a few that share it, get their pages. Its
// offsets are physical addresses (VRAM from 0, system memory from hw::kSystemBase), so a client
// that holds it can map its own BOs by their address and sees nothing of anybody else's.
#pragma once

#include <cstdint>
#include <map>

#include "base/ref.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::mm {

class Arena final : public base::RefCounted {
 public:
  // Sparse and sealed; covers every physical address of `vram_bytes` and `system_bytes`.
  static base::Result<base::Ref<Arena>> create(uint64_t vram_bytes, uint64_t system_bytes);

  int fd() const { return fd_.get(); }
  uint64_t size() const { return size_; }

  // The rest under the device lock.

  // The range becomes a BO's, and reads as zero. It is nobody's yet.
  void take(uint64_t offset, uint64_t size);
  // The opposite: its pages go back to the system.
  void give_back(uint64_t offset, uint64_t size);

  // Pages outside of BOs come from a holder that writes where it has none: by the arena's
  // descriptor, or by a mapping that it kept after the BO was freed. They are given back if the
  // arena has more pages than its BOs could have, by a margin of kStrayBytes or of a page for each
  // BO: then what this costs, a system call for each gap, is less than what it cost to write them.
  // Else it is one fstat().
  void drop_strays();
  static constexpr uint64_t kStrayBytes = 1 << 20;

 private:
  Arena(base::UniqueFd fd, uint64_t size) : fd_(std::move(fd)), size_(size) {}
  ~Arena() override = default;

  // Gives the pages of the range back to the system; they read as zero afterwards.
  void discard(uint64_t offset, uint64_t size);

  base::UniqueFd fd_;
  const uint64_t size_;
  std::map<uint64_t, uint64_t> taken_;  // offset -> size
  uint64_t taken_bytes_ = 0;
};

}  // namespace fakegpu::mm
