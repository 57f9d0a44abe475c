// SPDX-License-Identifier: MIT
#include "mm/vmid.h"

#include <algorithm>
#include <cassert>

#include "hw/registers.h"

namespace fakegpu::mm {
namespace {

// Contexts that can have a fence on one VMID at the same time: the rings.
constexpr size_t kExpectedUses = 16;

}  // namespace

VmidManager::VmidManager(hw::Function& function) : function_(function) {
  // used() runs where nothing may allocate: between arming a job and its signal.
  for (Slot& slot : slots_) slot.uses.reserve(kExpectedUses);
}

VmidManager::Slot* VmidManager::find(const AddressSpace& space) {
  for (unsigned vmid = 1; vmid < kCount; ++vmid) {
    Slot& slot = slots_[vmid];
    if (slot.owner == space.id()) return &slot;
  }
  return nullptr;
}

VmidManager::Slot& VmidManager::least_recent() {
  Slot* best = nullptr;
  for (unsigned vmid = 1; vmid < kCount; ++vmid) {
    Slot& slot = slots_[vmid];
    // The flag only: asking a fence's owner could signal it, and its callbacks come back here.
    std::erase_if(slot.uses, [](const fence::FenceRef& use) { return use->test_signaled(); });
    const bool better =
        !best || (idle(slot) != idle(*best) ? idle(slot) : slot.last_use < best->last_use);
    if (better) best = &slot;
  }
  return *best;
}

fence::FenceRef VmidManager::busy(const AddressSpace& space) {
  if (find(space)) return nullptr;
  const Slot& slot = least_recent();
  return idle(slot) ? nullptr : slot.uses.back();
}

VmidManager::Grant VmidManager::grab(const AddressSpaceRef& space) {
  Slot* slot = find(*space);
  if (!slot) {
    slot = &least_recent();
    assert(idle(*slot));
    forget(*slot);
    slot->owner = space->id();
  }
  if (slot->flush && slot->flush->test_signaled()) {
    // A frame that was killed may not have come to its flush.
    if (slot->flush->error() == 0) slot->flushed_at = std::max(slot->flushed_at, slot->flushing_to);
    slot->flush.reset();
  }
  slot->last_use = ++clock_;
  const bool needs_flush = slot->flushed_at < space->flush_sequence();
  slot->granted = needs_flush ? space->flush_sequence() : 0;
  return {static_cast<unsigned>(slot - slots_.data()), needs_flush};
}

void VmidManager::used(unsigned vmid, fence::FenceRef done) {
  assert(vmid > 0 && vmid < kCount);
  Slot& slot = slots_[vmid];
  if (slot.granted && (!slot.flush || slot.flushing_to < slot.granted)) {
    slot.flush = done;
    slot.flushing_to = slot.granted;
  }
  slot.granted = 0;

  std::erase_if(slot.uses, [](const fence::FenceRef& use) { return use->test_signaled(); });
  for (fence::FenceRef& use : slot.uses) {
    if (use->context() != done->context()) continue;
    if (fence::Fence::is_later(*done, *use)) use = std::move(done);
    return;
  }
  slot.uses.push_back(std::move(done));
}

void VmidManager::invalidate(const AddressSpace& space) {
  uint32_t mask = 0;
  for (unsigned vmid = 1; vmid < kCount; ++vmid)
    if (slots_[vmid].owner == space.id()) mask |= 1u << vmid;
  if (mask == 0) return;
  function_.write32(hw::reg::kVmInvalidate, mask);
  // Still set in a chip that resets: then the next frame flushes.
  const bool done = (function_.read32(hw::reg::kVmInvalidate) & mask) == 0;
  Slot* slot = find(space);
  if (done && slot && slot->flushed_at) slot->flushed_at = space.flush_sequence();
}

void VmidManager::reset() {
  for (Slot& slot : slots_) {
    slot.uses.clear();
    forget(slot);
  }
}

void VmidManager::forget(Slot& slot) {
  slot.owner = 0;
  slot.flushed_at = 0;
  slot.granted = 0;
  slot.flush.reset();
  slot.flushing_to = 0;
}

}  // namespace fakegpu::mm
