// SPDX-License-Identifier: MIT
// A client's address space with the jobs that use it: what is unbound stays alive until every job
// that was submitted before has retired, since engines may have its pages in hand.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <utility>

#include "fence/array.h"
#include "mm/address_space.h"
#include "mm/vmid.h"

namespace fakegpu::drv {

class Vm final : public base::RefCounted, public base::ListHook {
 public:
  Vm(mm::AddressSpaceRef space, fence::Contexts& contexts, mm::VmidManager& vmids);

  mm::AddressSpace& space() { return *space_; }
  const mm::AddressSpaceRef& space_ref() const { return space_; }

  // `finished` is the finished fence of a job that runs in this space.
  void add_job(fence::FenceRef finished);
  // Unmaps at once; the pages go when the jobs so far have.
  base::Result<> unbind(uint64_t va);

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
  class Retiring;

  ~Vm() override;
  // Nobody waits for the jobs that may use it any more.
  void let_go(std::list<Retiring>::iterator unbound);

  mm::AddressSpaceRef space_;
  fence::Contexts& contexts_;
  mm::VmidManager& vmids_;
  std::map<uint64_t, fence::FenceRef> jobs_;  // the latest of each fence context
  std::list<Retiring> retiring_;
  std::list<Retiring> kept_;  // would be gone but for the holds
  unsigned holds_ = 0;
};

using VmRef = base::Ref<Vm>;

}  // namespace fakegpu::drv
