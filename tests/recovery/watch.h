// SPDX-License-Identifier: MIT
// What a test of recovery sees from outside: each job from the trace and from its memory. When a
// job finishes, its memory is looked at and then painted over, so that any write that comes after,
// even of the same value, is found.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/trace.h"

namespace fakegpu::tests {

// Events in the order in which they were traced, from 1; 0: has not happened.
using Order = uint64_t;

struct Tracked {
  static constexpr unsigned kDwords = 8;       // what a whole run writes
  static constexpr unsigned kHandedOver = 32;  // where expected[0] is stored again, for others
  static constexpr uint32_t kUntouched = 0xcdcdcdcd;
  static constexpr uint32_t kPaint = 0x7ea17ea1;

  // The test's.
  uint64_t number = 0;
  uint32_t context = 0;
  uint64_t owner = 0;  // tells contexts apart whose ids are the same, one after the other
  unsigned ring = 0;
  bool bad = false;            // hangs or faults by its own packets
  uint32_t* memory = nullptr;  // kDwords; null: gone with its file
  uint32_t expected[kDwords] = {};
  const Tracked* reads = nullptr;  // whose result is in expected[3], if it had one

  // What was seen.
  unsigned runs = 0;
  unsigned dones = 0;
  Order queued = 0;
  Order run = 0;
  Order done = 0;
  bool complete = false;  // everything was written when it finished
  unsigned events = 0;
  int error = 0;
};

struct Episode {
  std::string ring;
  std::vector<std::string> steps;
  std::vector<Order> step_orders;
  std::vector<base::Nanos> step_times;
  Order begin = 0;
  Order end = 0;
  base::Nanos ended = 0;
  bool wedged = false;
};

class Watch final : public base::TraceSink {
 public:
  // The next submission is `job`'s; null: it is nobody's.
  void expect(Tracked* job) { next_ = job; }
  // A job without an error may have run wholly more than once: it was done but for its fence.
  void allow_repetition() { repetition_ = true; }
  // They may go; whatever comes of them is not looked at any more.
  void forget_jobs();
  // Forgets all jobs and episodes.
  void clear();

  void emit(const base::TraceEvent& event) override;

  const std::vector<Episode>& episodes() const { return episodes_; }
  bool recovering() const { return !episodes_.empty() && episodes_.back().end == 0; }
  bool wedged() const { return !episodes_.empty() && episodes_.back().wedged; }
  // What was seen that must not be, one line each.
  std::string& broken() { return broken_; }
  void complain(const Tracked& job, std::string_view what);

  // The event that a job asked for has come.
  void event(Tracked& job, int error);
  // What must hold of a job that has finished, when nothing is left to happen.
  void check_finished(const Tracked& job);

  // Of the recoveries that have ended, each that did more than kill waves was told once, and none
  // as Linux 6.12 does it.
  void check_told(bool as_6_12 = false);

  // Called at these moments, for injecting something there.
  std::function<void(unsigned ring)> on_ib;
  std::function<void(const std::string& step)> on_step;

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  static Key key(const base::TraceEvent& event);
  Tracked* find(const base::TraceEvent& event);
  void finished(Tracked& job);
  bool is_complete(const Tracked& job) const;

  bool repetition_ = false;
  Tracked* next_ = nullptr;
  std::map<Key, Tracked*> jobs_;
  std::vector<Episode> episodes_;
  std::vector<std::string> told_;  // by drm_dev_wedged_event, in order
  Order order_ = 0;
  std::string broken_;
};

}  // namespace fakegpu::tests
