// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/core.h>

#include "client.h"
#include "file_table.h"
#include "ioctl/drm_core.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::sim {

namespace {

constexpr uint64_t kIbBytes = 32;  // on a line of its own

// An IB of one WORK packet, which has its units and their length in the dwords 1 and 2. SDMA's are
// padded to eight.
packets::Words work_ib(uint32_t ring_type) {
  packets::Words ib;
  if (ring_type == DRM_FAKEGPU_RING_SDMA) {
    const uint32_t padding[2] = {};
    packets::sdma::Work{}.encode(ib);
    packets::sdma::Nop{.payload = padding}.encode(ib);
  } else {
    packets::pm4::Work{}.encode(ib);
  }
  return ib;
}

// What a client of that priority is to have beside others, as `prepaid` weighs them.
double weight_of(int32_t priority) {
  return priority > DRM_FAKEGPU_PRIORITY_NORMAL   ? 32
         : priority < DRM_FAKEGPU_PRIORITY_NORMAL ? 1
                                                  : 8;
}

}  // namespace

Queue::Queue(Client& client, size_t index, const QueueSpec& spec,
             std::unique_ptr<Workload> workload, ClientStatistics& statistics, uint32_t ring)
    : client_(client),
      index_(index),
      spec_(spec),
      workload_(std::move(workload)),
      statistics_(statistics),
      ring_(ring),
      weight_(weight_of(spec.priority)),
      jobs_(spec.window) {
  make_context();
  for (const Pattern& pattern : spec.patterns)
    if (pattern.arrival == Arrival::kPeriodic) show_timeline();

  ibs_va_ = client.allocate(jobs_.size() * kIbBytes, ibs_);
  const packets::Words work = work_ib(spec.ring_type);
  ib_dwords_ = static_cast<uint32_t>(work.size());
  for (size_t i = 0; i < jobs_.size(); ++i)
    std::memcpy(ibs_.data() + i * kIbBytes, work.data(), work.size() * 4);
}

void Queue::make_context() {
  drm_fakegpu_ctx_create context = {};
  context.vm_id = client_.vm();
  context.priority = spec_.priority;
  client_.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, context);
  context_ = context.ctx_id;
}

void Queue::show_timeline() {
  if (timeline_) return;
  drm_syncobj_create syncobj = {};
  client_.call(DRM_IOCTL_SYNCOBJ_CREATE, syncobj);
  timeline_ = syncobj.handle;
}

void Queue::go_after(Queue& producer) {
  producer.show_timeline();
  FileTable descriptors;
  ioctl::SyncobjHandle handle = {};
  handle.handle = producer.timeline_;
  producer.client_.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, handle, &descriptors);
  handle.handle = 0;
  client_.call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, handle, &descriptors);
  dependencies_.push_back({&producer, handle.handle});
  producer.consumers_.push_back(this);
}

Nanos Queue::now() const {
  return client_.world().executor.now() - client_.world().begin;
}

void Queue::turn_at(Nanos time) {
  if (turn_posted_) return;
  turn_posted_ = true;
  World& world = client_.world();
  world.executor.post_at(world.begin + time, [this] {
    turn_posted_ = false;
    if (!client_.world().over) turn();
  });
}

// Submits whatever is due and allowed; whatever ends the obstacle calls for another turn.
void Queue::turn() {
  for (;;) {
    if (gone_ || (!batch_ && !(batch_ = workload_->next(now())))) return;
    if (batch_->wanted > now()) return turn_at(batch_->wanted);
    if (!producers_have_submitted()) return;
    // What a lost context still had is told of before a new one has anything.
    if (submitted_ - finished_ + batch_->jobs > jobs_.size() ||
        (lost_ && submitted_ != finished_)) {
      full_ = true;
      return;
    }
    if (std::exchange(lost_, false)) {
      drm_fakegpu_ctx_destroy context = {context_, 0};
      client_.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, context);
      make_context();
    }
    const bool waits = batch_->waits;
    lost_ = !submit_batch();
    if (waits && !lost_) return wait_for_last();
  }
}

// The point of the producer's timeline that the next batch goes after.
uint64_t Queue::needed(const Queue& producer) const {
  const auto mine = static_cast<uint64_t>(spec_.steady_period());
  const auto its = static_cast<uint64_t>(producer.spec_.steady_period());
  return (mine && its ? batches_ * mine / its : batches_) + 1;
}

bool Queue::producers_have_submitted() {
  in_.clear();
  for (const Dependency& dependency : dependencies_) {
    const uint64_t point = needed(*dependency.producer);
    if (dependency.producer->batches_ < point) {
      starved_ = true;
      return false;
    }
    in_.push_back({dependency.syncobj, 0, point});
  }
  return true;
}

bool Queue::submit_batch() {
  const Batch batch = *batch_;
  Nanos total = 0;
  for (uint32_t i = 0; i < batch.jobs; ++i) {
    const bool last = i + 1 == batch.jobs;
    const Nanos length = workload_->length();
    total += length;
    Job& job = jobs_[submit_at_];
    job = {batch.wanted, length, last ? batch.deadline : 0, total, i == 0, last};
    // In order, so the first of a batch waits for all.
    if (!submit_job(job, i == 0 ? in_.size() : 0)) return false;
  }
  batch_.reset();
  ++batches_;
  if (batch.deadline) {
    ++statistics_.deadlines;
    tell_deadline(batch.deadline);
  }
  for (Queue* consumer : consumers_)
    if (std::exchange(consumer->starved_, false)) consumer->turn_at(now());
  return true;
}

bool Queue::submit_job(const Job& job, size_t in_count) {
  const uint64_t at = submit_at_ * kIbBytes;
  auto* words = reinterpret_cast<uint32_t*>(ibs_.data() + at);
  words[1] = job.length != 0;
  words[2] = static_cast<uint32_t>(job.length);
  drm_fakegpu_ib ib = {ibs_va_ + at, ib_dwords_, 0};
  drm_fakegpu_sync out = {timeline_, 0, batches_ + 1};
  drm_fakegpu_submit submit = {};
  submit.ctx_id = context_;
  submit.ring = ring_;
  submit.flags = DRM_FAKEGPU_SUBMIT_EVENT;
  submit.ib_count = 1;
  submit.ibs = reinterpret_cast<uintptr_t>(&ib);
  submit.in_sync_count = static_cast<uint32_t>(in_count);
  submit.in_syncs = reinterpret_cast<uintptr_t>(in_.data());
  submit.out_sync_count = timeline_ && job.last;
  submit.out_syncs = reinterpret_cast<uintptr_t>(&out);
  submit.user_data = index_;
  const int result = client_.try_call(DRM_IOCTL_FAKEGPU_SUBMIT, submit);
  gone_ = result == -ENODEV;
  if (gone_ || result == -ECANCELED) return false;
  if (result != 0)
    throw std::runtime_error(
        fmt::format("SUBMIT of a simulated client: {}", std::strerror(-result)));
  last_seqno_ = submit.seqno;
  ++submitted_;
  submit_at_ = behind(submit_at_);
  ++statistics_.submitted;
  return true;
}

void Queue::wait_for_last() {
  drm_fakegpu_wait_seqno wait = {};
  wait.ctx_id = context_;
  wait.ring = ring_;
  wait.seqno = last_seqno_;
  wait.timeout_nsec = INT64_MAX;
  const bool over = client_.wait(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, wait, [this](int, auto) {
    if (!client_.world().over) turn_at(now() + client_.world().wake);
  });
  if (over) turn_at(now() + client_.world().wake);
}

// As a compositor does for its frame: a wait that says by when it is needed.
void Queue::tell_deadline(Nanos deadline) {
  uint64_t point = batches_;
  ioctl::SyncobjTimelineWait wait = {};
  wait.handles = reinterpret_cast<uintptr_t>(&timeline_);
  wait.points = reinterpret_cast<uintptr_t>(&point);
  wait.count_handles = 1;
  wait.timeout_nsec = INT64_MAX;
  wait.flags = ioctl::kSyncobjWaitDeadline;
  wait.deadline_nsec = static_cast<uint64_t>(client_.world().begin + deadline);
  client_.wait(_IOWR('d', _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT), ioctl::SyncobjTimelineWait),
               wait, [](int, auto) {});
}

void Queue::job_finished(int error) {
  const Job& job = jobs_[finish_at_];
  finish_at_ = behind(finish_at_);
  ++finished_;
  const Nanos time = now();
  if (job.first) batch_started_ = std::max(job.wanted, time - job.length);
  if (error) {
    ++statistics_.failed;
    lost_ = true;
  } else {
    ++statistics_.finished;
    statistics_.gpu_time += job.length;
    gpu_time_ += job.length;
  }
  if (job.last && !error) {
    const Nanos latency = time - job.wanted;
    statistics_.latency.add(static_cast<uint64_t>(latency));
    statistics_.wait.add(static_cast<uint64_t>(batch_started_ - job.wanted));
    if (job.batch)
      statistics_.slowdown.add(static_cast<uint64_t>(static_cast<double>(latency) * 1000 /
                                                     static_cast<double>(job.batch)));
  }
  if (job.deadline && (error || time > job.deadline)) ++statistics_.missed;
  if (std::exchange(full_, false)) turn_at(time + client_.world().wake);
}

void Queue::end() {
  statistics_.open += submitted_ - finished_;
  const auto missed = [this](Nanos deadline) { return deadline && deadline < now(); };
  const auto look = [this](Nanos wanted) {
    statistics_.longest_open = std::max(statistics_.longest_open, now() - wanted);
  };
  for (uint64_t i = finished_; i < submitted_; ++i) {
    look(jobs_[i % jobs_.size()].wanted);
    statistics_.missed += missed(jobs_[i % jobs_.size()].deadline);
  }
  if (batch_) look(batch_->wanted);
  if (batch_ && missed(batch_->deadline)) {
    ++statistics_.deadlines;
    ++statistics_.missed;
  }
}

}  // namespace fakegpu::sim
