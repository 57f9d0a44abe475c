// SPDX-License-Identifier: MIT
// A client's address space with the jobs that use it: what is unbound stays alive until every job
// that was submitted before has retired, since engines may have its pages in hand.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <utility>

#include "fence/fence.h"
#include "mm/address_space.h"
#include "mm/vmid.h"

namespace fakegpu::drv {

class Vm final : public base::RefCounted, public base::ListHook {
 public:
  Vm(mm::AddressSpaceRef space, mm::VmidManager& vmids);

  mm::AddressSpace& space() { return *space_; }
  const mm::AddressSpaceRef& space_ref() const { return space_; }

  // `finished` is the finished fence of a job that runs in this space.
  void add_job(fence::FenceRef finished);
  // Unmaps at once; the pages go when the jobs so far have. Costs as much as the contexts that had
  // a job since the last time, not as those that have one unfinished.
  base::Result<> unbind(uint64_t va);

  // Its job that waits for a VMID will not run. If others wait too, they are the last in line
  // again.
  void stop_waiting() { mm::VmidManager::withdraw(*space_); }

  // While one exists the space lives, and what is unbound stays alive when the jobs' fences have
  // signalled, too: an engine may be in a job that nobody waits for any more.
  class Hold {
   public:
    explicit Hold(base::Ref<Vm> vm);
    ~Hold();
    Hold(Hold&& other) noexcept = default;
    Hold& operator=(Hold&& other) noexcept {
      std::swap(vm_, other.vm_);
      return *this;
    }

   private:
    base::Ref<Vm> vm_;
  };

 private:
  class Epoch;
  static constexpr size_t kPruneAt = 64;

  ~Vm() override;
  // Lets go of what waits for no job any more.
  void retire();

  mm::AddressSpaceRef space_;
  mm::VmidManager& vmids_;
  // Since the last unbind: the latest of each fence context, signalled ones for a while too.
  std::map<uint64_t, fence::FenceRef> jobs_;
  size_t prune_at_ = kPruneAt;
  std::list<Epoch> epochs_;
  std::list<mm::AddressSpace::Bind> kept_;  // would be gone but for the holds
  unsigned holds_ = 0;
};

using VmRef = base::Ref<Vm>;

}  // namespace fakegpu::drv
