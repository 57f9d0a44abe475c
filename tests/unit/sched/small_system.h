// SPDX-License-Identifier: MIT
// Two entities with a few jobs each on one or two rings, for the explorer: nothing happens by
// itself. Its events are each push, each completion, each pump, and what disturbs these: a kill, a
// false alarm, a reset, a teardown, a change of policy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audit.h"

namespace fakegpu::sched {

struct SmallConfig {
  size_t jobs = 3;         // of each entity
  bool dependent = false;  // each job of the second waits for its like of the first
  size_t rings = 1;        // with two the second entity may run on either, and starts on the second
  uint32_t credits = 1;
  std::string_view policy = "fifo";
  unsigned disturbances = 1;  // in one run, each kind of each object at most once
  Quirks quirks = {};
};

class Hash {
 public:
  void add(uint64_t value) {
    value_ = (value_ ^ value) * 0x9e3779b97f4a7c15;
    value_ ^= value_ >> 32;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 1;
};

class SmallSystem {
 public:
  explicit SmallSystem(const SmallConfig& config);
  ~SmallSystem();

  size_t choices() const { return events_.size(); }
  void take(size_t choice);
  std::string describe(size_t choice) const;
  uint64_t state() const;
  // Checks what must hold at rest, too.
  std::string broken();
  // Tears down what is left and checks the end.
  void finish();

 private:
  static constexpr size_t kEntities = 2;
  static constexpr Nanos kTimeout = 100;

  enum class Verb : uint8_t {
    kPush,
    kPump,
    kComplete,
    kStart,   // after a reset: the oldest job is guilty, the others are emitted again
    kCancel,  // after a reset: nothing is emitted again
    kKill,
    kReset,
    kFini,
    kSwitch,
    kFalseAlarm,
  };
  struct Event {
    Verb verb;
    size_t which;  // entity or ring
  };

  Scheduler& scheduler(size_t ring) const { return rings_[ring]->scheduler(); }
  bool may_push(size_t entity) const;
  bool may_alarm() const;
  bool is_new(Verb verb, size_t which) const { return !(done_ >> bit(verb, which) & 1); }
  static unsigned bit(Verb verb, size_t which) {
    return 2 * static_cast<unsigned>(verb) + static_cast<unsigned>(which);
  }
  void disturb(Verb verb, size_t which);
  void push(size_t entity);
  void start(size_t ring, bool reemits);
  void false_alarm();
  void fini(size_t ring);
  void list_events();
  void add_ring(Hash& hash, MockRing& ring) const;
  void add_job(Hash& hash, const JobRecord& record) const;
  static uint64_t order(const uint64_t (&events)[kEntities]) {
    return events[0] == events[1] ? 0 : events[0] < events[1] ? 1 : 2;
  }
  bool is_ready(size_t entity) const;
  void note_ready();

  SmallConfig config_;
  World world_;
  Audit audit_{world_};
  std::vector<std::unique_ptr<MockRing>> rings_;
  std::unique_ptr<Entity> entities_[kEntities];
  std::vector<const JobRecord*> jobs_[kEntities];  // pushed ones
  std::vector<const JobRecord*> pushed_;           // the same, of all
  std::vector<Event> events_;                      // possible now
  uint32_t done_ = 0;                              // disturbances that have been
  unsigned disturbances_ = 0;
  uint64_t event_ = 0;
  uint64_t ready_since_[kEntities] = {};  // the event by which the head may run; 0: it may not
  uint64_t turn_since_[kEntities] = {};   // the event by which it ran, or was first ready
  size_t started_[kEntities] = {};        // jobs that have left the queue
  bool finished_ = false;
};

}  // namespace fakegpu::sched
