// SPDX-License-Identifier: MIT
// Clients with a habit, for tests of policies: they keep their entity busy by themselves.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mock_ring.h"

namespace fakegpu::sched {

struct Habit {
  Nanos length = kNanosPerMilli;  // of a job
  unsigned batch = 1;             // jobs pushed at a time
  Nanos pause = 0;                // after a batch is done, before the next
  bool deep = false;              // no waiting: the next batch comes when half of one is left
};

class Load : private fence::Callback {
 public:
  static constexpr Nanos kWake = 5 * kNanosPerMicro;  // from a signal to the client's reaction

  Load(World& world, MockRing& ring, Habit habit, uint64_t client,
       Priority priority = Priority::kNormal)
      : world_(world), habit_(habit), entity_(ring.entity(priority, client)) {}

  void start() { push_batch(); }
  void stop() { stopped_ = true; }
  void set_length(Nanos length) { habit_.length = length; }
  void set_batch(unsigned batch) { habit_.batch = batch; }
  Entity& entity() { return *entity_; }
  Nanos gpu_time() const { return entity_->usage().gpu_time; }
  uint64_t completed() const { return entity_->usage().completed; }
  // From the push of a batch to its end, the longest and the last.
  Nanos longest() const { return longest_; }
  Nanos last() const { return last_; }
  // So long took each batch that has ended.
  const std::vector<Nanos>& latencies() const { return latencies_; }

 private:
  void push_batch() {
    if (stopped_) return;
    pushed_at_ = world_.now();
    TestJobRef job;
    for (unsigned i = 0; i < habit_.batch; ++i) {
      job = submit(world_, *entity_, habit_.length);
      if (habit_.deep && i == habit_.batch / 2) listen(*job);
    }
    if (!habit_.deep) listen(*job);
  }
  void listen(TestJob& job) {
    if (job.finished()->add_callback(*this) != 0) react();
  }
  void fence_signaled(fence::Fence&) override { react(); }
  void react() {
    last_ = world_.now() - pushed_at_;
    longest_ = std::max(longest_, last_);
    latencies_.push_back(last_);
    world_.executor.post_at(world_.now() + kWake + habit_.pause, [this] { push_batch(); });
  }

  World& world_;
  Habit habit_;
  std::unique_ptr<Entity> entity_;
  bool stopped_ = false;
  Nanos pushed_at_ = 0;
  Nanos longest_ = 0;
  Nanos last_ = 0;
  std::vector<Nanos> latencies_;
};

// One ring under one policy and who uses it.
class LoadedRing {
 public:
  explicit LoadedRing(std::string_view policy, uint32_t credits = 1, Nanos depth = 0)
      : ring_(world_, {.name = "gfx", .credit_limit = credits, .depth = depth}, policy) {}
  ~LoadedRing() {
    for (auto& load : loads_) load->stop();
    ring_.scheduler().fini(world_.now(), -ECANCELED);
    world_.executor.run();
    loads_.clear();
    EXPECT_EQ(world_.live_jobs, 0);
  }

  Load& add(Habit habit, uint64_t client = 0, Priority priority = Priority::kNormal) {
    loads_.push_back(std::make_unique<Load>(world_, ring_, habit,
                                            client ? client : loads_.size() + 1, priority));
    return *loads_.back();
  }
  // A load that starts now.
  Load& run(Habit habit, uint64_t client = 0, Priority priority = Priority::kNormal) {
    Load& load = add(habit, client, priority);
    load.start();
    return load;
  }
  void run_for(Nanos span) { world_.executor.run_for(span); }
  World& world() { return world_; }
  MockRing& ring() { return ring_; }

 private:
  World world_;
  MockRing ring_;
  std::vector<std::unique_ptr<Load>> loads_;
};

constexpr Habit deep(Nanos length) {
  return {.length = length, .batch = 20, .deep = true};
}
constexpr Habit sync(Nanos length, Nanos pause = 0, unsigned batch = 1) {
  return {.length = length, .batch = batch, .pause = pause};
}
constexpr Nanos ms(int64_t count) {
  return count * kNanosPerMilli;
}

}  // namespace fakegpu::sched
