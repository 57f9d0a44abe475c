// SPDX-License-Identifier: MIT
#include "ring.h"

#include <atomic>
#include <cassert>
#include <cstring>
#include <utility>

#include "hw/registers.h"

namespace fakegpu::drv {

namespace {

namespace reg = hw::reg;

// The writeback page. The fence has amdgpu's four slots, eight bytes each: completed, preempted,
// reset, both.
constexpr uint64_t kFenceSlot = 0;
constexpr uint64_t kConditionSlot = 64;
constexpr uint64_t kTestSlot = 128;
constexpr uint32_t kTestValue = 0xdeadbeef;

template <typename T>
T load(const mm::Bo& bo, uint64_t offset) {
  auto* at = reinterpret_cast<T*>(bo.bytes().data() + offset);
  return std::atomic_ref<T>(*at).load(std::memory_order_acquire);
}

template <typename T>
void store(const mm::Bo& bo, uint64_t offset, T value) {
  auto* at = reinterpret_cast<T*>(bo.bytes().data() + offset);
  std::atomic_ref<T>(*at).store(value, std::memory_order_release);
}

}  // namespace

Ring::Ring(RingInfo info, RingOwner& owner, hw::Function& function, mm::VmidManager& vmids,
           fence::Contexts& contexts, const base::Clock& clock, uint64_t first_emission)
    : info_(std::move(info)),
      owner_(owner),
      function_(function),
      vmids_(vmids),
      clock_(clock),
      timeline_(std::make_shared<const std::string>(info_.name)),
      fence_context_(contexts.allocate()),
      last_emission_(first_emission - 1),
      completed_(first_emission - 1) {}

Ring::~Ring() {
  if (buffer_) function_.write32(reg::ring(info_.index, reg::kRingCntl), 0);
}

base::Result<> Ring::start(mm::MemoryManager& manager, base::Ref<mm::Arena> arena,
                           base::Ref<mm::Usage> usage) {
  auto buffer =
      manager.create({.size = uint64_t{kDwords} * 4, .heap = mm::Heap::kSystem}, arena, usage);
  if (!buffer) return tl::unexpected(std::move(buffer).error());
  auto writeback = manager.create({.size = hw::kPageSize, .heap = mm::Heap::kSystem},
                                  std::move(arena), std::move(usage));
  if (!writeback) return tl::unexpected(std::move(writeback).error());
  buffer_ = std::move(*buffer);
  writeback_ = std::move(*writeback);
  store<uint32_t>(*writeback_, kConditionSlot, 1);
  words_.reserve(max_frame_dwords(kMaxIbs));
  program();
  return {};
}

void Ring::make_scheduler(sched::SchedulerOptions options, std::unique_ptr<sched::Policy> policy,
                          base::Tracer& tracer, fence::Contexts& contexts) {
  scheduler_ = std::make_unique<sched::Scheduler>(std::move(options), std::move(policy), *this,
                                                  contexts, tracer);
}

void Ring::program() {
  function_.write64(reg::ring(info_.index, reg::kRingBaseLo), buffer_->address());
  function_.write32(reg::ring(info_.index, reg::kRingSize), kDwords);
  function_.write32(reg::ring(info_.index, reg::kRingCntl), 1);
}

void Ring::commit() {
  auto* ring = reinterpret_cast<uint32_t*>(buffer_->bytes().data());
  const size_t at = wptr_ % kDwords;
  const size_t first = std::min<size_t>(words_.size(), kDwords - at);
  std::memcpy(ring + at, words_.data(), first * 4);
  if (first < words_.size()) std::memcpy(ring, words_.data() + first, (words_.size() - first) * 4);
  wptr_ += words_.size();
  words_.clear();
  function_.ring_doorbell(info_.index, wptr_);
}

void Ring::emit_test() {
  store<uint32_t>(*writeback_, kTestSlot, 0);
  const hw::PhysAddr slot = writeback_->address() + kTestSlot;
  if (is_sdma()) {
    encode_sdma_test(slot, kTestValue, words_);
  } else {
    encode_pm4_test(slot, kTestValue, words_);
  }
  commit();
}

bool Ring::test_passed() const {
  return load<uint32_t>(*writeback_, kTestSlot) == kTestValue;
}

void Ring::set_ready(bool ready) {
  ready_ = ready;
  scheduler_->set_ready(ready);
}

fence::FenceRef Ring::emit(SubmitJob& job, mm::VmidManager::Grant grant) {
  const mm::AddressSpaceRef& space = job.context().vm()->space_ref();
  Frame frame;
  frame.ibs = job.ibs();
  frame.vmid = grant.vmid;
  frame.flush = grant.needs_flush;
  frame.page_table = space->root();
  frame.condition = writeback_->address() + kConditionSlot;
  frame.writeback = writeback_->address() + kFenceSlot;
  frame.emission = ++last_emission_;
  if (is_sdma()) {
    encode_sdma_frame(frame, words_);
  } else {
    encode_pm4_frame(frame, words_);
  }
  assert(words_.size() <= max_frame_dwords(frame.ibs.size()));
  auto fence = base::make_ref<HwFence>(fence_context_, frame.emission, timeline_);
  vmids_.used(grant.vmid, fence);
  if (emissions_.empty()) busy_since_ = clock_.now();
  emissions_.push_back(fence);
  commit();
  job.set_emission(fence, grant.vmid, wptr_);
  owner_.ring_busy(*this);
  return fence;
}

fence::FenceRef Ring::emit_again(SubmitJob& job) {
  return emit(job, vmids_.grab_again(job.context().vm()->space_ref()));
}

void Ring::process_fences(base::Nanos when) {
  const uint64_t done = load<uint64_t>(*writeback_, kFenceSlot);
  // The memory is the hardware's; a value beyond what was emitted is nobody's completion.
  while (!emissions_.empty() && emissions_.front()->emission() <= std::min(done, last_emission_)) {
    const base::Ref<HwFence> fence = std::move(emissions_.front());
    emissions_.pop_front();
    completed_ = fence->emission();
    if (emissions_.empty()) busy_total_ += clock_.now() - busy_since_;
    fence->signal(when);
  }
}

base::Nanos Ring::busy_time(base::Nanos now) const {
  return busy_total_ + (emissions_.empty() ? 0 : now - busy_since_);
}

bool Ring::faulted() const {
  return (function_.read32(reg::ring(info_.index, reg::kRingStatus)) & reg::kRingFaulted) != 0;
}

std::span<const uint32_t> Ring::contents() const {
  return {reinterpret_cast<const uint32_t*>(buffer_->bytes().data()), kDwords};
}

bool Ring::repeat_doorbell() {
  if (function_.read64(reg::ring(info_.index, reg::kRingWptrLo)) == wptr_) return false;
  function_.ring_doorbell(info_.index, wptr_);
  return true;
}

void Ring::request_reset() {
  function_.write32(reg::ring(info_.index, reg::kRingCntl), 0);
  function_.write32(reg::ring(info_.index, reg::kRingReset), 1);
}

bool Ring::reset_done() const {
  return function_.read32(reg::ring(info_.index, reg::kRingReset)) == 0;
}

void Ring::restart() {
  wptr_ = 0;
  store<uint32_t>(*writeback_, kConditionSlot, 1);
  program();
}

void Ring::forget_emissions() {
  if (emissions_.empty()) return;
  busy_total_ += clock_.now() - busy_since_;
  // VMIDs wait for these fences.
  for (const base::Ref<HwFence>& fence : emissions_) {
    fence->set_error(-ECANCELED);
    fence->signal(clock_.now());
  }
  emissions_.clear();
}

int Ring::refusal(const SubmitJob& job) const {
  return ready_ ? job.context().refusal(info_.index, owner_.recoveries()) : -ENODEV;
}

fence::FenceRef Ring::prepare_job(sched::Job& job) {
  auto& submit = static_cast<SubmitJob&>(job);
  if (submit.ibs().empty() || refusal(submit)) return nullptr;
  return vmids_.busy(submit.context().vm()->space());
}

base::Result<fence::FenceRef> Ring::run_job(sched::Job& job) {
  auto& submit = static_cast<SubmitJob&>(job);
  const int refused = refusal(submit);
  if (refused) submit.context().vm()->stop_waiting();
  if (!ready_) return base::fail(ENODEV, "{} is dead", info_.name);
  if (refused)
    return base::fail(-refused, "{}: context {} takes no more work", info_.name,
                      submit.context().id());
  if (submit.ibs().empty()) return fence::FenceRef();
  return emit(submit, vmids_.grab(submit.context().vm()->space_ref()));
}

void Ring::free_job(sched::Job& job) {
  static_cast<SubmitJob&>(job).complete();
}

sched::TimeoutVerdict Ring::timed_out(sched::Job& job) {
  return owner_.ring_timed_out(*this, static_cast<SubmitJob&>(job));
}

void Ring::kick(sched::Scheduler&) {
  owner_.ring_kicked(*this);
}

}  // namespace fakegpu::drv
