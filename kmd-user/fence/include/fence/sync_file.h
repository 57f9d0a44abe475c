// SPDX-License-Identifier: MIT
// sync_file: one fence, and what its descriptor answers to ioctl and poll. The descriptor itself,
// the checks of flags and pad, and the copying are the caller's. Real counterpart:
// drivers/dma-buf/sync_file.c. Under the device lock.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ref.h"
#include "fence/fence.h"

namespace fakegpu::fence {

class SyncFile final : public base::RefCounted {
 public:
  // A text of at most 31 bytes, filled up with NULs: as the uAPI's structs carry it.
  using Name = std::array<char, 32>;

  // As struct sync_fence_info; its flags are always 0.
  struct FenceInfo {
    Name obj_name{};  // the timeline
    Name driver_name{};
    int32_t status = 0;  // 0: not signalled; 1: signalled; negative: signalled with that errno
    uint64_t timestamp_ns = 0;  // of the signal (CLOCK_MONOTONIC or virtual); 0 before it
  };
  // As struct sync_file_info.
  struct Info {
    Name name{};
    int32_t status = 0;
    uint32_t num_fences = 0;
    std::vector<FenceInfo> fences;
  };

  // `fence` is never null and stays for good. A longer `user_name` is cut; one that is empty is
  // made up from the fence when asked for.
  explicit SyncFile(FenceRef fence, std::string_view user_name = {});

  // SYNC_IOC_MERGE: a file that signals when both have (merge() in fence/unwrap.h). The two stay as
  // they are.
  static base::Ref<SyncFile> merge(Contexts& contexts, std::string_view user_name,
                                   const SyncFile& a, const SyncFile& b);

  const FenceRef& fence() const { return fence_; }
  // The user's, or "<driver>-<timeline><context>-<seqno>", cut to fit.
  Name name() const;

  // SYNC_IOC_FILE_INFO for a caller with room for `capacity` fences. 0: the number of fences and
  // the status of the whole, which hides errors of a chain's members. Else all fences, and as
  // status the first of theirs that is not 1. -EINVAL, and `out` untouched, if there are more than
  // `capacity`.
  int info(uint32_t capacity, Info& out) const;

  // SYNC_IOC_SET_DEADLINE: CLOCK_MONOTONIC or virtual ns.
  void set_deadline(base::Nanos when) const { fence_->set_deadline(when); }

  // poll(): true (POLLIN, with an error too) if the fence has signalled. Before it has, `waker` is
  // registered unless it is already, and runs when it does: once, perhaps from within this call.
  bool poll(Callback& waker) const;

 private:
  ~SyncFile() override = default;

  FenceRef fence_;
  Name user_name_{};
};

using SyncFileRef = base::Ref<SyncFile>;

}  // namespace fakegpu::fence
