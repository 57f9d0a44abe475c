// SPDX-License-Identifier: MIT
// The memfd from which the BOs of an open file, or of a few that share it, get their pages. Its
// offsets are physical addresses (VRAM from 0, system memory from hw::kSystemBase), so a client
// that holds it can map its own BOs by their address and sees nothing of anybody else's.
#pragma once

#include <cstdint>

#include "base/ref.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::mm {

class Arena final : public base::RefCounted {
 public:
  // Sparse and sealed; covers every physical address of `vram_bytes` and `system_bytes`.
  static base::Result<base::Ref<Arena>> create(uint64_t vram_bytes, uint64_t system_bytes);

  int fd() const { return fd_.get(); }
  // Gives the pages of the range back to the system; they read as zero afterwards.
  void discard(uint64_t offset, uint64_t size);

 private:
  explicit Arena(base::UniqueFd fd) : fd_(std::move(fd)) {}
  ~Arena() override = default;

  base::UniqueFd fd_;
};

}  // namespace fakegpu::mm
