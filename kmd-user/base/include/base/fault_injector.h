// SPDX-License-Identifier: MIT
// Faults by name: each is armed for the n-th occurrence of its trigger or for seeded chance, and
// whoever is at a trigger asks whether it fires. What kinds there are is told by the room that has
// the triggers. Real counterpart: the kernel's fault injection (Documentation/fault-injection).
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace fakegpu::base {

// What a kind of fault is told besides when to fire.
enum FaultTakes : uint32_t {
  kFaultTakesRing = 1,      // may be bound to a ring
  kFaultTakesDuration = 2,  // needs how long its effect takes
  kFaultTakesCall = 4,      // needs an errno, may be bound to an ioctl
};

struct FaultDescription {
  std::string_view name;
  std::string_view what;
  std::string_view trigger;  // what is counted
  std::string_view ends;     // what ends its effect
  uint32_t takes;            // FaultTakes
};

struct FaultSpec {
  std::string name;
  int ring = -1;             // -1: any
  uint64_t nth = 0;          // fire at the n-th trigger from now, once; 0: by probability
  uint64_t probability = 0;  // per trigger, in parts of 2^32; 0: by nth
  uint64_t seed = 0;         // of the probability
  Nanos duration = 0;        // of the effect
  Nanos lasts = 0;           // it is disarmed after this; 0: not by time
  int error = 0;             // a positive errno
  int call = -1;             // an ioctl's number; -1: any
};

class FaultInjector {
 public:
  static constexpr uint64_t kAlways = uint64_t{1} << 32;
  static constexpr size_t kMostArmed = 64;
  static constexpr Nanos kLongest = Nanos{1} << 60;
  static constexpr int kLargestErrno = 133;  // EHWPOISON

  FaultInjector(const Clock& clock, std::span<const FaultDescription> kinds)
      : clock_(clock), kinds_(kinds), fired_(kinds.size()) {}
  FaultInjector(const FaultInjector&) = delete;

  std::span<const FaultDescription> kinds() const { return kinds_; }
  bool knows(std::string_view name) const;

  // -EINVAL: unknown name, both nth and probability or neither, a probability of more than 1, a
  // seed without one, times that are negative or longer than kLongest, an errno that there is not,
  // what the kind does not take, or nothing of what it needs. -ENOSPC: kMostArmed are armed.
  Result<> inject(const FaultSpec& spec);
  // What has fired goes on until its own end. Empty: every kind.
  void clear(std::string_view name = {});

  // What is armed, oldest first.
  struct Armed {
    FaultSpec spec;  // `lasts`: what is left of it
    uint64_t seen = 0;
    uint64_t fired = 0;
  };
  std::vector<Armed> list() const;
  // How often a kind has fired, also when it is not armed any more.
  uint64_t fired(size_t kind) const;

  // Whether anything may fire at all.
  bool armed() const { return any_.load(std::memory_order_acquire); }

 protected:
  struct Shot {
    Nanos duration = 0;
    int error = 0;
  };
  // Asked at each trigger; any thread. `subject`: the ring or call that it is of; kNamed: it counts
  // for those alone that are bound to it. Costs one load when nothing is armed.
  enum class Counts { kAlways, kNamed };
  bool fires(size_t kind, unsigned subject, Shot* shot = nullptr, Counts counts = Counts::kAlways);
  ~FaultInjector() = default;

 private:
  struct Entry {
    size_t kind;
    Armed armed;
    Nanos until;  // INT64_MAX: not by time
    std::mt19937_64 random;

    bool draw();
  };

  static Result<> check(const FaultSpec& spec, const FaultDescription& kind);
  void drop_expired() REQUIRES(mutex_);

  const Clock& clock_;
  const std::span<const FaultDescription> kinds_;
  mutable Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
  std::vector<uint64_t> fired_ GUARDED_BY(mutex_);
  std::atomic<bool> any_{false};
};

}  // namespace fakegpu::base
