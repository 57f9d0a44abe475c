// SPDX-License-Identifier: MIT
// Rings for benchmarks of the scheduler alone: jobs that do nothing, with a hardware fence each as
// a driver has.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sched/scheduler.h"

namespace fakegpu::bench {

using sched::Entity;
using sched::Job;
using sched::Scheduler;

class FixedClock final : public base::Clock {
 public:
  base::Nanos now() const override { return now_; }
  void advance(base::Nanos span) { now_ += span; }

 private:
  base::Nanos now_ = base::kNanosPerSecond;
};

class NoOpJob final : public Job {
 public:
  explicit NoOpJob(Entity& entity) : Job(entity, 1), owner(entity) {}
  Entity& owner;
};

// A ring that completes what it has when it is told to.
class InstantRing final : public sched::Backend {
 public:
  InstantRing(FixedClock& clock, base::Tracer& tracer, fence::Contexts& contexts,
              std::string_view policy, uint32_t credits, base::Nanos timeout)
      : clock_(clock),
        context_(contexts.allocate()),
        scheduler_({.name = "ring", .credit_limit = credits, .timeout = timeout},
                   std::move(*sched::make_policy(policy)), *this, contexts, tracer) {}
  ~InstantRing() override { scheduler_.fini(clock_.now(), -ECANCELED); }

  base::Result<fence::FenceRef> run_job(Job&) override {
    emitted_.push_back(base::make_ref<fence::ManualFence>(context_, ++seqno_, "hw"));
    return fence::FenceRef(emitted_.back());
  }
  void free_job(Job& job) override {
    ++freed_;
    served_ = &static_cast<NoOpJob&>(job).owner;
  }
  sched::TimeoutVerdict timed_out(Job&) override { return sched::TimeoutVerdict::kNoHang; }
  void kick(Scheduler&) override {}

  void complete() {
    for (const auto& fence : emitted_) fence->signal(clock_.now());
    emitted_.clear();
  }
  // Everything that is queued. `pumped` is called after each time that the scheduler has run.
  template <typename F>
  void run(F&& pumped) {
    scheduler_.pump(clock_.now());
    pumped();
    while (!emitted_.empty()) {
      clock_.advance(1000);
      complete();
      scheduler_.pump(clock_.now());
      pumped();
    }
  }
  void run() {
    run([] {});
  }
  Scheduler& scheduler() { return scheduler_; }
  uint64_t freed() const { return freed_; }
  // Whose job was freed last.
  Entity& served() { return *served_; }

 private:
  FixedClock& clock_;
  uint64_t context_;
  uint64_t seqno_ = 0;
  uint64_t freed_ = 0;
  Entity* served_ = nullptr;
  std::vector<base::Ref<fence::ManualFence>> emitted_;
  Scheduler scheduler_;
};

struct InstantRings {
  InstantRings(size_t ring_count, size_t entity_count, std::string_view policy = "prepaid",
               uint32_t credits = 16, base::Nanos timeout = 0) {
    for (size_t i = 0; i < ring_count; ++i)
      rings.push_back(
          std::make_unique<InstantRing>(clock, tracer, contexts, policy, credits, timeout));
    for (size_t i = 0; i < entity_count; ++i) {
      Scheduler* const scheduler[] = {&rings[i % ring_count]->scheduler()};
      entities.push_back(std::move(*Entity::create(sched::Priority::kNormal, scheduler,
                                                   base::make_ref<sched::Account>(i + 1))));
    }
  }
  ~InstantRings() {
    for (const auto& entity : entities) entity->kill(clock.now());
    for (const auto& ring : rings) ring->run();
    entities.clear();
  }
  void push(Entity& entity) { push(*base::make_ref<NoOpJob>(entity)); }
  void push(NoOpJob& job) {
    job.arm();
    job.push(clock.now());
  }
  template <typename F>
  void run(F&& pumped) {
    for (const auto& ring : rings) ring->run(pumped);
  }
  void run() {
    run([] {});
  }
  uint64_t freed() const {
    uint64_t sum = 0;
    for (const auto& ring : rings) sum += ring->freed();
    return sum;
  }

  FixedClock clock;
  base::Tracer tracer{clock};
  fence::Contexts contexts;
  std::vector<std::unique_ptr<InstantRing>> rings;
  std::vector<std::unique_ptr<Entity>> entities;
};

}  // namespace fakegpu::bench
