// SPDX-License-Identifier: MIT
// The fence page of an open file: memory in which clients read what has finished, and on which they
// sleep, without a call to the driver. Real counterpart: amdgpu's user fence, which the GPU writes;
// here the driver does, so that a job that was cancelled counts as finished too.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/executor.h"
#include "base/ref.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "lock.h"

namespace fakegpu::drv {

// Shared by the file and its contexts, which may outlive it with their jobs. Under the device lock.
class FencePage final : public base::RefCounted {
 public:
  static constexpr uint32_t kBytes = 64 << 10;
  static constexpr uint32_t kSlots = kBytes / sizeof(uint64_t);
  static constexpr uint32_t kNoSlot = UINT32_MAX;  // DRM_FAKEGPU_NO_FENCE_SLOT

  // `rings`: slots of one context.
  FencePage(DeviceLock& lock, base::Executor& executor, uint32_t rings)
      : lock_(lock), executor_(executor), rings_(rings) {}

  // The first of a context's slots, all zero; or kNoSlot, when as many contexts have theirs as
  // there is room for.
  uint32_t take();
  // None of the context's jobs may be unfinished. So whoever still looks at the slot for one of
  // them is not misled by what the next owner stores: that job has finished.
  void give_back(uint32_t first);

  // Makes the memory. Until then nothing is stored. Idempotent.
  base::Result<> make();
  bool made() const { return static_cast<bool>(memory_.fd); }
  int fd() const { return memory_.fd.get(); }
  // Somebody may sleep on a slot from now on.
  void expect_sleepers() { sleepers_ = true; }

  // Shows `seqno` and, once the lock is released, wakes who sleeps. Nothing for kNoSlot.
  void store(uint32_t slot, uint64_t seqno);

  // The device is gone: what finishes by that is not shown, so that waiters ask and are told.
  void freeze() { frozen_ = true; }

 private:
  ~FencePage() override = default;
  void set(uint32_t slot, uint64_t seqno);

  // Sleepers look at the low half.
  static_assert(std::endian::native == std::endian::little);
  uint64_t* words() const { return reinterpret_cast<uint64_t*>(memory_.mapping.data()); }

  DeviceLock& lock_;
  base::Executor& executor_;
  const uint32_t rings_;
  uint32_t used_ = 0;  // slots that were ever taken
  std::vector<uint32_t> free_;
  base::PublishedMemory memory_;
  bool sleepers_ = false;
  bool frozen_ = false;
};

}  // namespace fakegpu::drv
