// SPDX-License-Identifier: MIT
// VMIDs: 15 hardware slots for any number of address spaces (amdgpu_ids). VMID 0 is the kernel's.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fence/fence.h"
#include "hw/function.h"
#include "mm/address_space.h"

namespace fakegpu::mm {

class VmidManager {
 public:
  static constexpr unsigned kCount = 16;

  explicit VmidManager(hw::Function& function);

  struct Grant {
    unsigned vmid = 0;
    // The ring frame must load the page table base and flush before its IBs run.
    bool needs_flush = false;
  };

  // A fence to wait for before grab() can succeed, or null if it would now: the space has a VMID
  // that is kept for nobody, or there is an idle one.
  //
  // A fence is a promise: the VMID that it is of is kept for the space until that has got one,
  // withdraws or goes away; who has it until then has to ask anew. First come, first served: with
  // more spaces waiting than there are VMIDs, those that came later are told to wait for what is
  // kept for others, ask again then, and are promised the next one that is free of promises. Only
  // if every VMID is idle and kept for somebody who does not come, whoever is there takes one.
  fence::FenceRef busy(AddressSpace& space);
  // The space no longer waits: its job will not run.
  static void withdraw(AddressSpace& space) { Waiting::remove(space); }

  // The VMID for one emission of a job of `space`; the least recently used idle one if it has none.
  // Only when busy() gave null. The VMID stays the space's until every
  // fence given to used() has signalled and another space takes it. The manager only remembers
  // whose it is: the job keeps the space alive until its hardware fence has signalled.
  Grant grab(const AddressSpaceRef& space);
  // The same for a job that was in flight when its ring was reset: its space still has its VMID,
  // unless reset() took them all, and keeps it whatever is promised. That holds for afterwards.
  Grant grab_again(const AddressSpaceRef& space);
  // `done` is the hardware fence of what was granted; directly after grab(). Fences of one context
  // signal in order, so only its latest is kept.
  void used(unsigned vmid, fence::FenceRef done);

  // The space's page tables changed downwards: drops cached translations at once, if it has a VMID.
  void invalidate(const AddressSpace& space);
  // After a reset every VMID is idle and none is loaded; what is emitted again needs a new grant.
  void reset();

 private:
  using Waiting = base::List<AddressSpace, VmidHook>;
  struct Slot {
    uint64_t owner = 0;                 // AddressSpace::id(); 0: nobody's
    std::vector<fence::FenceRef> uses;  // unsignalled hardware fences
    uint64_t last_use = 0;
    // Flush sequences: what the chip is known to show, and what frames with a flush will make it
    // show. Another ring's frame may overtake the flushing one, so until `flush` has signalled
    // every frame flushes (amdgpu_vmid's last_flush).
    uint64_t flushed_at = 0;
    uint64_t granted = 0;   // by the last grab(); 0: it was used, or needed no flush
    fence::FenceRef flush;  // of the first frame that flushes to `flushing_to`
    uint64_t flushing_to = 0;
    Waiting kept_for;  // at most one, to which it is promised
  };

  // Its own. A space may have two, of which one is promised to another: not that if it can be.
  Slot* find(const AddressSpace& space);
  Slot* promised(const AddressSpace& space);
  // Whether `slot` is better to have than `other`: idle, and then the least recently used.
  static bool better(const Slot& slot, const Slot* other);
  void forget_finished();
  // Promises VMIDs to those that wait, in their order.
  void promise();
  // What grab() would take: its own, what was promised to it, an idle one. Null: nothing now.
  Slot* available(const AddressSpace& space);
  Grant grant(Slot& slot, AddressSpace& space);
  static void forget(Slot& slot);
  static bool idle(const Slot& slot) { return slot.uses.empty(); }

  hw::Function& function_;
  std::array<Slot, kCount> slots_;
  Waiting waiting_;  // without a promise yet, in the order they came
  uint64_t clock_ = 0;
};

}  // namespace fakegpu::mm
