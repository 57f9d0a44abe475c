// SPDX-License-Identifier: MIT
#include "fence/syncobj_wait.h"

#include <cerrno>
#include <utility>

#include "fence/chain.h"

namespace fakegpu::fence {

struct SyncobjWait::Slot final : Callback, SyncobjObserver {
  ~Slot() {
    // Before the fence goes: it must not find this among its listeners.
    Callback::unlink();
    SyncobjObserver::unlink();
  }
  void fence_signaled(Fence&) override { wait->satisfied(*this); }
  void syncobj_changed(Syncobj&) override { wait->submitted(*this); }

  SyncobjWait* wait = nullptr;
  Entry entry;
  FenceRef fence;  // null also if its point was past and gone when it was latched
  bool latched = false;
  bool satisfied = false;
};

SyncobjWait::SyncobjWait(std::vector<Entry> entries, WaitFlags flags, base::Nanos deadline)
    : slots_(new Slot[entries.size()]), count_(entries.size()), deadline_(deadline), flags_(flags) {
  for (size_t i = 0; i < count_; ++i) {
    slots_[i].wait = this;
    slots_[i].entry = std::move(entries[i]);
  }
}

SyncobjWait::SyncobjWait(std::span<const Target> targets, const WaitFlags& flags,
                         base::Nanos deadline)
    : slots_(new Slot[targets.size()]), count_(targets.size()), deadline_(deadline), flags_(flags) {
  for (size_t i = 0; i < count_; ++i) {
    slots_[i].wait = this;
    slots_[i].entry = {SyncobjRef(targets[i].syncobj), targets[i].point};
  }
}

SyncobjWait::~SyncobjWait() = default;

bool SyncobjWait::look(std::span<const Target> targets, const WaitFlags& flags, Answer& answer) {
  size_t satisfied = 0;
  uint32_t first = UINT32_MAX;
  for (uint32_t i = 0; i < targets.size(); ++i) {
    const FenceRef& head = targets[i].syncobj->fence();
    if (head && head->test_signaled() && Chain::is_point(*head, targets[i].point)) {
      if (satisfied++ == 0) first = i;
      continue;
    }
    FenceRef fence = head;
    if (!fence || Chain::find_seqno(fence, targets[i].point) != 0) {
      if (!flags.for_submit && !flags.available) {
        answer = {-EINVAL, UINT32_MAX};
        return true;
      }
      continue;
    }
    if (!flags.available && fence && !fence->is_signaled()) continue;
    if (satisfied++ == 0) first = i;
  }
  if (satisfied != targets.size() && (satisfied == 0 || flags.all)) return false;
  answer = {0, first};
  return true;
}

std::optional<SyncobjWait::Answer> SyncobjWait::start(base::Nanos, Done done) {
  size_t already = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    Slot& slot = slots_[i];
    if (!latch(slot)) {
      // Even if another entry has signalled.
      if (!flags_.for_submit && !flags_.available) return Answer{-EINVAL, UINT32_MAX};
      continue;
    }
    slot.satisfied = flags_.available || !slot.fence || slot.fence->is_signaled();
    if (slot.satisfied && already++ == 0) first_signaled_ = i;
  }
  if (already == count_ || (already > 0 && !flags_.all)) return Answer{0, first_signaled_};

  missing_ = flags_.all ? count_ - already : 1;
  for (uint32_t i = 0; i < count_ && missing_ > 0; ++i) {
    Slot& slot = slots_[i];
    if (slot.latched || latch(slot)) {
      follow(slot);
    } else {
      slot.entry.syncobj->observe(slot);
    }
  }
  busy_ = false;
  // Listening may itself have submitted or signalled what is waited for.
  if (missing_ == 0) return conclude();
  done_ = std::move(done);
  return std::nullopt;
}

// False while there is nothing to wait for yet.
bool SyncobjWait::latch(Slot& slot) {
  FenceRef fence = slot.entry.syncobj->fence();
  if (!fence || Chain::find_seqno(fence, slot.entry.point) != 0) return false;
  slot.latched = true;
  slot.fence = std::move(fence);
  return true;
}

// Waits for what was latched. Polls first, since a fence need not report by itself before it is
// enabled.
void SyncobjWait::follow(Slot& slot) {
  if (slot.satisfied) return;
  if (flags_.available || !slot.fence || slot.fence->is_signaled()) {
    satisfied(slot);
    return;
  }
  const FenceRef fence = slot.fence;
  if (deadline_ != 0) fence->set_deadline(deadline_);
  Urgency urgency{.waited = true};
  fence->urge(urgency);
  if (fence->add_callback(slot) != 0) satisfied(slot);
}

void SyncobjWait::submitted(Slot& slot) {
  const bool outermost = !std::exchange(busy_, true);
  if (latch(slot)) {
    slot.SyncobjObserver::unlink();
    follow(slot);
  }
  if (!outermost) return;
  busy_ = false;
  if (missing_ == 0) answer();
}

void SyncobjWait::satisfied(Slot& slot) {
  if (missing_ == 0) return;  // answered, or about to be
  slot.satisfied = true;
  if (--missing_ == 0 && !busy_) answer();
}

void SyncobjWait::answer() {
  const Answer result = conclude();
  Done done = std::move(done_);
  done(result);
}

SyncobjWait::Answer SyncobjWait::conclude() {
  for (uint32_t i = 0; i < count_; ++i) {
    Slot& slot = slots_[i];
    slot.Callback::unlink();
    slot.SyncobjObserver::unlink();
    // As the kernel's waiter, which wakes and takes the first entry that is done by then.
    if (!flags_.all && first_signaled_ == UINT32_MAX &&
        (slot.satisfied || (slot.fence && slot.fence->test_signaled())))
      first_signaled_ = i;
  }
  return {0, first_signaled_};
}

}  // namespace fakegpu::fence
