// SPDX-License-Identifier: MIT
// dma_fence_array: signals when all (or any) of its members have. Members are not arrays or chains:
// whoever has some flattens them first (merge() in fence/unwrap.h).
#pragma once

#include <memory>
#include <vector>

#include "fence/fence.h"

namespace fakegpu::fence {

class Array final : public Fence {
 public:
  enum class Mode { kAll, kAny };

  // Takes its members' references; none of them null. Without members it has signalled. The first
  // member error that arrives before the array signals is the array's error.
  static base::Ref<Array> create(Contexts& contexts, std::vector<FenceRef> members,
                                 Mode mode = Mode::kAll);

  // The fence as an array, or null.
  static Array* from(Fence* fence);

  std::string_view driver_name() const override { return "dma_fence_array"; }
  std::string_view timeline_name() const override { return "unbound"; }
  const std::vector<FenceRef>& members() const { return members_; }
  // Of an array with Mode::kAny that has signalled: the index of a member that has, as
  // dma_fence_wait_any_timeout reports it. -EINVAL without members, -EAGAIN if none has.
  int first_signaled() const;

 protected:
  bool do_enable_signaling() override;
  bool poll_signaled() override;
  void do_set_deadline(base::Nanos when) override;
  void do_urge(Urgency& urgency) override;

 private:
  struct Member;

  Array(uint64_t context, std::vector<FenceRef> members, Mode mode);
  ~Array() override;
  void member_signaled(const Fence& member);
  // Of the members that have signalled (with an error), the one that did so first, or null.
  const Fence* earliest(bool with_error) const;
  base::Nanos latest_timestamp() const;
  void conclude(base::Nanos when);

  std::vector<FenceRef> members_;
  std::unique_ptr<Member[]> callbacks_;  // made at once, so that enabling does not allocate
  size_t pending_ = 0;                   // members still to come, once enabled
  int member_error_ = 0;
  Mode mode_;
};

}  // namespace fakegpu::fence
