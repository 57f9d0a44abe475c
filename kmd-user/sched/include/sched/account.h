// SPDX-License-Identifier: MIT
// Who used how much of the GPU: an account per entity, whose parent is that of its client. The
// entity's jobs share it, so that a job can report after its entity is gone. Real counterpart:
// drm_sched_entity_stats, and the sums that a driver shows in fdinfo.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/ref.h"

namespace fakegpu::sched {

// Totals over jobs.
struct Usage {
  uint64_t pushed = 0;
  uint64_t started = 0;       // given to a ring
  uint64_t completed = 0;     // executed, well or not
  uint64_t refused = 0;       // killed before that
  base::Nanos gpu_time = 0;   // execution
  base::Nanos wait_time = 0;  // push to start
  base::Nanos longest = 0;    // execution of one job

  uint64_t queued() const { return pushed - started - refused; }
  uint64_t in_flight() const { return started - completed; }
  uint64_t unfinished() const { return pushed - completed - refused; }
  Usage& operator+=(const Usage& other) {
    pushed += other.pushed;
    started += other.started;
    completed += other.completed;
    refused += other.refused;
    gpu_time += other.gpu_time;
    wait_time += other.wait_time;
    longest = std::max(longest, other.longest);
    return *this;
  }
};

// What the scheduler's policy keeps about an entity. Only the policy touches it.
struct PolicySlot {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t ready = kNone;    // place among those that may run
  uint32_t waiting = kNone;  // place among those that have jobs
  uint32_t flow = kNone;     // what it shares with, and is charged to
  uint64_t stamp = 0;        // the policy's own measure; 0: never seen
  base::Nanos charged = 0;   // of Usage::gpu_time
};

// What an account says of jobs to come.
struct AccountMemory {
  uint64_t completed = 0;
  base::Nanos average = 0;
  base::Nanos gpu_time = 0;
};

class Account final : public base::RefCounted {
 public:
  // A client's. `client_id` is for traces and for policies that share by client.
  explicit Account(uint64_t client_id) : client_id_(client_id) {}
  // An entity's; what goes to it goes to its parents too.
  explicit Account(base::Ref<Account> parent)
      : client_id_(parent->client_id_), parent_(std::move(parent)) {}

  uint64_t client_id() const { return client_id_; }
  const Usage& usage() const { return usage_; }
  // Execution of a job, a moving average with weight 1/4 for the newest; 0 before the first.
  base::Nanos average() const { return average_; }
  PolicySlot& policy_slot() { return slot_; }
  // Whether what goes to this account goes to `other` too.
  bool is_within(const Account& other) const {
    const Account* account = this;
    while (account && account != &other) account = account->parent_.get();
    return account != nullptr;
  }

  // The GPU time to tell those who watch: with `unfinished`, what jobs of it that still run have
  // executed so far. It never falls, though such a job may turn out to have ended before, or be
  // begun again after a reset; it stands still then until it is caught up with.
  base::Nanos observe(base::Nanos unfinished) {
    observed_ = std::max(observed_, usage_.gpu_time + unfinished);
    return observed_;
  }

  void add_pushed() {
    for (Account* account = this; account; account = account->parent_.get())
      ++account->usage_.pushed;
  }
  void add_started() {
    for (Account* account = this; account; account = account->parent_.get())
      ++account->usage_.started;
  }
  void add_refused() {
    for (Account* account = this; account; account = account->parent_.get())
      ++account->usage_.refused;
  }
  void add_completed(base::Nanos gpu_time, base::Nanos wait_time) {
    for (Account* account = this; account; account = account->parent_.get()) {
      ++account->usage_.completed;
      account->usage_.gpu_time += gpu_time;
      account->usage_.wait_time += wait_time;
      account->usage_.longest = std::max(account->usage_.longest, gpu_time);
      account->average_ = account->usage_.completed == 1
                              ? gpu_time
                              : account->average_ + (gpu_time - account->average_) / 4;
    }
  }
  AccountMemory memory() const { return {usage_.completed, average_, usage_.gpu_time}; }
  // For a new account: jobs that are over, of which only this is known. Its parents are not told.
  void restore(const AccountMemory& memory) {
    usage_.pushed = usage_.started = usage_.completed = memory.completed;
    usage_.gpu_time = memory.gpu_time;
    average_ = memory.average;
  }
  // Of a job that a reset ended: how long it held the ring. Says nothing of what others will take.
  void add_hung(base::Nanos gpu_time) {
    for (Account* account = this; account; account = account->parent_.get()) {
      account->usage_.gpu_time += gpu_time;
      account->usage_.longest = std::max(account->usage_.longest, gpu_time);
    }
  }

 private:
  uint64_t client_id_;
  base::Ref<Account> parent_;
  Usage usage_;
  base::Nanos average_ = 0;
  base::Nanos observed_ = 0;
  PolicySlot slot_;
};

using AccountRef = base::Ref<Account>;

}  // namespace fakegpu::sched
