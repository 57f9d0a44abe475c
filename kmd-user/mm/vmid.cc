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
  Slot* found = nullptr;
  for (unsigned vmid = 1; vmid < kCount; ++vmid) {
    Slot& slot = slots_[vmid];
    if (slot.owner != space.id()) continue;
    if (slot.kept_for.empty()) return &slot;
    found = &slot;
  }
  return found;
}

VmidManager::Slot* VmidManager::promised(const AddressSpace& space) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&space](const Slot& slot) {
    return slot.kept_for.front() == &space;
  });
  return found == slots_.end() ? nullptr : &*found;
}

bool VmidManager::better(const Slot& slot, const Slot* other) {
  if (!other) return true;
  return idle(slot) != idle(*other) ? idle(slot) : slot.last_use < other->last_use;
}

void VmidManager::forget_finished() {
  // The flag only: asking a fence's owner could signal it, and its callbacks come back here.
  for (Slot& slot : slots_)
    std::erase_if(slot.uses, [](const fence::FenceRef& use) { return use->test_signaled(); });
}

void VmidManager::promise() {
  while (!waiting_.empty()) {
    Slot* best = nullptr;
    for (unsigned vmid = 1; vmid < kCount; ++vmid) {
      Slot& slot = slots_[vmid];
      if (slot.kept_for.empty() && better(slot, best)) best = &slot;
    }
    if (!best) return;
    best->kept_for.push_back(*waiting_.pop_front());
  }
}

VmidManager::Slot* VmidManager::available(const AddressSpace& space) {
  Slot* own = find(space);
  if (waiting_.empty() && own && own->kept_for.empty()) return own;
  forget_finished();
  promise();
  own = find(space);
  if (own && own->kept_for.empty()) return own;
  if (Slot* const kept = promised(space); kept && idle(*kept)) return kept;
  Slot* unclaimed = nullptr;
  Slot* claimed = nullptr;  // only if every one is, and idle
  bool all = true;
  for (unsigned vmid = 1; vmid < kCount; ++vmid) {
    Slot& slot = slots_[vmid];
    all = all && idle(slot) && !slot.kept_for.empty();
    Slot*& best = slot.kept_for.empty() ? unclaimed : claimed;
    if (idle(slot) && better(slot, best)) best = &slot;
  }
  return all ? claimed : unclaimed;
}

fence::FenceRef VmidManager::busy(AddressSpace& space) {
  if (available(space)) return nullptr;
  if (!space.VmidHook::linked()) {
    waiting_.push_back(space);
    promise();
  }
  Slot* slot = promised(space);
  if (!slot) {
    // One that somebody else gets first; not all of them are idle.
    for (unsigned vmid = 1; vmid < kCount; ++vmid) {
      Slot& other = slots_[vmid];
      if (idle(other)) continue;
      if (!slot || other.last_use < slot->last_use) slot = &other;
    }
  }
  return slot->uses.back();
}

VmidManager::Grant VmidManager::grab(const AddressSpaceRef& space) {
  Slot* const slot = available(*space);
  assert(slot);
  return grant(*slot, *space);
}

VmidManager::Grant VmidManager::grab_again(const AddressSpaceRef& space) {
  Slot* const own = find(*space);
  return own ? grant(*own, *space) : grab(space);
}

VmidManager::Grant VmidManager::grant(Slot& slot, AddressSpace& space) {
  if (slot.owner != space.id()) {
    assert(idle(slot));
    // Somebody who did not come for it waits on, first in line.
    AddressSpace* const late = slot.kept_for.pop_front();
    if (late && late != &space) waiting_.push_front(*late);
    forget(slot);
    slot.owner = space.id();
  }
  withdraw(space);
  if (slot.flush && slot.flush->test_signaled()) {
    // A frame that was killed may not have come to its flush.
    if (slot.flush->error() == 0) slot.flushed_at = std::max(slot.flushed_at, slot.flushing_to);
    slot.flush.reset();
  }
  slot.last_use = ++clock_;
  const bool needs_flush = slot.flushed_at < space.flush_sequence();
  slot.granted = needs_flush ? space.flush_sequence() : 0;
  return {static_cast<unsigned>(&slot - slots_.data()), needs_flush};
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
    slot.kept_for.pop_front();
  }
  while (!waiting_.empty()) waiting_.pop_front();
}

void VmidManager::forget(Slot& slot) {
  slot.owner = 0;
  slot.flushed_at = 0;
  slot.granted = 0;
  slot.flush.reset();
  slot.flushing_to = 0;
}

}  // namespace fakegpu::mm
