// SPDX-License-Identifier: MIT
// dma_fence: one event that happens once. Real counterpart: include/linux/dma-fence.h.
//
// Locking. Linux has a lock per fence; here every fence belongs to the lock domain of its device,
// and all calls are made under that device's lock, except where a function says "any thread".
// Callbacks therefore run under it too and may take no other lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/list.h"
#include "base/ref.h"
#include "fence/urgency.h"

namespace fakegpu::fence {

class Fence;

// Fence contexts of one lock domain: a counter from 1 (0 is the stub's). Two fences are comparable
// only within one context.
class Contexts {
 public:
  // Reserves `count` consecutive ids and returns the first.
  uint64_t allocate(uint64_t count = 1) {
    const uint64_t first = next_;
    next_ += count;
    return first;
  }

 private:
  uint64_t next_ = 1;
};

// Something to call when a fence signals. Embedded in its owner; destroying it removes it.
class Callback : public base::ListHook {
 public:
  // Runs once, in registration order, in the signaller's call stack. The fence already counts as
  // signalled; the callback is no longer registered and may be destroyed or registered elsewhere.
  virtual void fence_signaled(Fence& fence) = 0;

 protected:
  ~Callback() = default;
};

class Fence : public base::RefCounted {
 public:
  // What fence it is, where that decides how it is walked: containers may not hold containers.
  enum class Kind : uint8_t { kPlain, kArray, kChain };

  Kind kind() const { return kind_; }
  bool is_container() const { return kind_ != Kind::kPlain; }
  uint64_t context() const { return context_; }
  uint64_t seqno() const { return seqno_; }
  virtual std::string_view driver_name() const { return "fakegpu"; }
  virtual std::string_view timeline_name() const = 0;

  // True once signalled; asks the owner (poll_signaled) before saying no, and then signals.
  bool is_signaled();
  // Any thread: only looks at the flag.
  bool test_signaled() const { return signaled_.load(std::memory_order_acquire); }

  // 0: not signalled; 1: signalled; negative: signalled with that errno.
  int status() const;
  // The error, signalled or not; 0 if none.
  int error() const { return error_; }
  // When it signalled (CLOCK_MONOTONIC or virtual ns); meaningful once signalled.
  base::Nanos timestamp() const { return timestamp_; }

  // 0, or -ENOENT if already signalled: then the callback will not run. Enables signalling.
  int add_callback(Callback& callback);
  // True if it was still registered, and so will not run.
  bool remove_callback(Callback& callback);

  // Tells the owner, once, that somebody will wait. An owner that finds the work already done
  // signals.
  void enable_signaling();

  // Sets the error to be reported, -4095 to -1. The first error wins. Once signalled, as with what
  // is no error, there is a warning and no effect.
  void set_error(int error);
  // Signals at time `when`. The first call counts; later ones do nothing and return false.
  bool signal(base::Nanos when);

  // A hint: the fence is wanted by `when` (at once if that is not positive). Keeps the earliest; no
  // effect once signalled.
  void set_deadline(base::Nanos when);
  // The earliest hint so far; 0 if none.
  base::Nanos deadline() const { return deadline_; }

  // A hint too, and not kept: passes on why the fence is wanted soon. No effect once signalled.
  void urge(Urgency& urgency) {
    if (!test_signaled() && urgency.visit()) do_urge(urgency);
  }

  // True if `a` signals after `b`; false if they are not of one context. Seqnos have 64 bits unless
  // the context counts in 32.
  static bool is_later(const Fence& a, const Fence& b) {
    if (a.context_ != b.context_) return false;
    if (a.counts_in_32_bits_) return static_cast<int32_t>(a.seqno_ - b.seqno_) > 0;
    return a.seqno_ > b.seqno_;
  }

 protected:
  Fence(uint64_t context, uint64_t seqno, Kind kind = Kind::kPlain)
      : kind_(kind), context_(context), seqno_(seqno) {}
  // For objects whose identity is decided after construction (a job's fences get theirs in arm).
  void set_identity(uint64_t context, uint64_t seqno) {
    context_ = context;
    seqno_ = seqno;
  }
  // For a context whose seqnos wrap around at 32 bits: all its fences say so.
  void count_in_32_bits() { counts_in_32_bits_ = true; }
  ~Fence() override;
  // A fence that goes while somebody still listens signals -EDEADLK first: whoever listens should
  // have held a reference. Then dispose(), which is what an object with its own allocation
  // overrides. One that overrides destroy() itself is told on only by ~Fence, when its callbacks
  // find a fence that they can no longer take a reference to.
  void destroy() const override;
  virtual void dispose() const { delete this; }
  // Stores a deadline without passing it on. False if there is one that is no later.
  bool keep_deadline(base::Nanos when);

  // The owner's hooks. enable: false means "already done"; the fence then signals at time 0 unless
  // the hook itself called signal(). poll: true means done.
  virtual bool do_enable_signaling() { return true; }
  virtual bool poll_signaled() { return false; }
  virtual void do_set_deadline(base::Nanos) {}
  virtual void do_urge(Urgency& urgency) {
    if (urgency.deadline != 0) set_deadline(urgency.deadline);
  }

 private:
  // The caller holds a reference, as it may signal.
  void enable();
  void run_callbacks();
  void abandon();

  // These fill the padding behind the reference count: a fence is one cache line.
  int16_t error_ = 0;
  std::atomic<bool> signaled_{false};
  Kind kind_ : 6;
  bool enabled_ : 1 = false;
  bool counts_in_32_bits_ : 1 = false;
  uint64_t context_;
  uint64_t seqno_;
  base::List<Callback> callbacks_;
  base::Nanos timestamp_ = 0;
  base::Nanos deadline_ = 0;
};

using FenceRef = base::Ref<Fence>;

// A fence that code here signals itself: tests, hardware emissions.
class ManualFence : public Fence {
 public:
  ManualFence(uint64_t context, uint64_t seqno, std::string_view timeline)
      : Fence(context, seqno), timeline_(timeline) {}
  std::string_view timeline_name() const override { return timeline_; }

 private:
  std::string_view timeline_;  // a literal, or outlives the fence
};

// A fresh signalled fence of context 0, as SYNCOBJ_SIGNAL installs.
FenceRef make_stub(base::Nanos when);

}  // namespace fakegpu::fence
