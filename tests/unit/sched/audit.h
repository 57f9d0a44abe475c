// SPDX-License-Identifier: MIT
// The invariants of a scheduler, checked from outside while jobs come and go: by their fences, in
// the ring's callbacks and between any two events. docs/scheduling-tests.md says what I1 to I14
// are. The first that breaks is noted rather than thrown, since most are checked inside callbacks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "allocations.h"
#include "mock_ring.h"

namespace fakegpu::sched {

class Audit;

// What is known about a job from watching its fences.
struct JobRecord {
  class Watch final : public fence::Callback {
   public:
    using Handler = void (Audit::*)(JobRecord&, fence::Fence&);
    Watch(Audit& audit, JobRecord& record, Handler handler)
        : audit_(audit), record_(record), handler_(handler) {}
    void fence_signaled(fence::Fence& fence) override;

   private:
    Audit& audit_;
    JobRecord& record_;
    Handler handler_;
  };

  JobRecord(Audit& audit, TestJobRef watched, Watch::Handler scheduled, Watch::Handler finished)
      : job(std::move(watched)),
        on_scheduled(audit, *this, scheduled),
        on_finished(audit, *this, finished) {}

  TestJobRef job;
  size_t ring = 0;
  uint64_t context = 0;          // of the entity
  bool failed_at_start = false;  // had an error when it was scheduled
  bool behind_fini = false;      // pushed to a ring that is torn down: waits for nothing
  int scheduled = 0;             // how often
  int finished = 0;
  int error = 0;  // of the finished fence, once it has one
  Watch on_scheduled;
  Watch on_finished;
};

class Audit {
 public:
  explicit Audit(World& world) : world_(world) {}

  // Takes the ring's on_run and on_free for itself.
  void add_ring(MockRing& ring);
  // The job is armed and about to be pushed.
  JobRecord& watch(TestJobRef job, const Entity& entity);
  // Around the timeout handler; what it does to the scheduler is the caller's business.
  void begin_timeout(size_t ring, TestJob& job);
  void end_timeout(size_t ring, TimeoutVerdict verdict);
  // Before the ring's fini().
  void begin_fini(size_t ring) { rings_[ring].torn_down = true; }
  bool torn_down(size_t ring) const { return rings_[ring].torn_down; }
  bool lost(size_t ring) const { return rings_[ring].lost; }

  // Between any two events.
  void check_rest();
  // Every job has come to its end without a teardown's help.
  void check_drained();
  // Every ring is torn down.
  void check_end();

  void require(bool holds, const char* invariant, const char* what) {
    if (!holds && broken_.empty()) broken_ = std::string(invariant) + ": " + what;
  }
  // The first that broke; empty if none did.
  const std::string& broken() const { return broken_; }

  const std::vector<std::unique_ptr<JobRecord>>& records() const { return records_; }
  // Lets go of every job. What a broken scheduler has forgotten goes too, so that a test of that
  // leaks nothing; for sound ones that is nothing.
  void release();

 private:
  struct Ring {
    MockRing* mock;
    bool torn_down = false;
    bool lost = false;  // after kNoDevice
    const Job* in_timeout = nullptr;
  };

  void scheduled(JobRecord& record, fence::Fence& fence);
  void finished(JobRecord& record, fence::Fence& fence);
  void check_run(size_t ring, TestJob& job);
  void check_free(size_t ring, TestJob& job);
  void check_torn_down(size_t ring);
  void check_credits(size_t ring);
  void check_conserves_work(size_t ring);
  void check_errors();

  const JobRecord* record_of(const fence::Fence& fence) const;
  // Whether the data that the fence stands for is at rest.
  bool at_rest(const fence::Fence& fence) const;
  // Whether `dependency` lets a job of the entity `context` run on `ring`, pipelining included: as
  // of now, and if it may have been looked at before.
  bool satisfied(const fence::Fence& dependency, size_t ring, uint64_t context) const;
  bool was_satisfied(const fence::Fence& dependency, size_t ring, uint64_t context) const;
  // The first of its entity that has not started, with its dependencies met.
  bool is_ready_head(const JobRecord& record) const;
  Scheduler& scheduler(size_t ring) const { return rings_[ring].mock->scheduler(); }

  World& world_;
  std::string broken_;
  std::vector<Ring> rings_;
  std::vector<std::unique_ptr<JobRecord>> records_;
  // By entity, the seqno of the last that signalled.
  std::map<uint64_t, uint64_t> last_scheduled_;
  std::map<uint64_t, uint64_t> last_finished_;
};

}  // namespace fakegpu::sched
