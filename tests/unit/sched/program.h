// SPDX-License-Identifier: MIT
// A random program over two rings: entities, jobs with dependencies, kills, changes of priority,
// policy and load, deadlines, timeouts, resets and teardowns, under an Audit.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "audit.h"

namespace fakegpu::sched {

enum class Verb : uint8_t {
  kAddEntity,
  kPush,
  kKill,
  kSetPriority,
  kSetSchedulers,
  kSignalForeign,
  kStopOrStart,
  kAdvance,
  kFini,
  kSetPolicy,
  kUrge,
  kRun,
};

// `a`, `b` and `c` choose among what there is at the time.
struct Step {
  Verb verb;
  uint32_t a;
  uint32_t b;
  uint32_t c;
};

struct ProgramConfig {
  uint64_t seed;
  size_t policy;
  bool second_in_order;
  uint32_t credit_limit;
  Nanos timeout;  // 0: none
  Nanos depth;    // 0: none
  bool drains;    // all that stands in the way of jobs goes before the end
};

// As rapidcheck shows a program that breaks something.
std::ostream& operator<<(std::ostream& out, const Step& step);
std::ostream& operator<<(std::ostream& out, const ProgramConfig& config);

class Program {
 public:
  explicit Program(const ProgramConfig& config);

  // The first invariant that broke; empty if all held.
  std::string run(const std::vector<Step>& steps);

 private:
  static constexpr size_t kRings = 2;

  Scheduler& scheduler(size_t ring) { return rings_[ring]->scheduler(); }
  void apply(const Step& step);
  void add_entity(const Step& step);
  void push(const Step& step);
  void kill(const Step& step);
  void set_schedulers(const Step& step);
  void stop_or_start(const Step& step);
  void urge(const Step& step);
  // Pending jobs of a stopped ring are emitted again, fail, or are left to be cancelled.
  void restart(size_t ring, uint32_t choices);
  void reemit(size_t ring, TestJob& job);
  TimeoutVerdict timed_out(size_t ring, TestJob& hung);
  TimeoutVerdict recover(size_t ring, TestJob& hung);
  void fini(size_t ring);
  void run_for(Nanos span);
  void drain();
  void finish();

  Entity* any_entity(uint32_t pick);
  fence::FenceRef any_fence(uint32_t pick);
  base::Ref<fence::ManualFence> any_foreign(uint32_t pick);

  ProgramConfig config_;
  uint64_t allocated_before_ = counted_allocations();
  World world_;
  Audit audit_{world_};
  std::vector<std::unique_ptr<MockRing>> rings_;
  std::vector<std::unique_ptr<Entity>> entities_;
  std::vector<base::Ref<fence::ManualFence>> foreign_;
};

}  // namespace fakegpu::sched
