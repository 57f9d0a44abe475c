// SPDX-License-Identifier: MIT
#include "engine.h"

#include <algorithm>

namespace fakegpu::hw {
namespace {

// How far packets that nobody else sees may run ahead of their time.
constexpr base::Nanos kRunAhead = 20 * base::kNanosPerMicro;

// A client's endless loop must not stop simulated time, which stands still while code runs: after
// so many steps at one instant, each further one costs time.
constexpr unsigned kStillSteps = 64;
constexpr base::Nanos kMaxStillDelay = 100 * base::kNanosPerMicro;

}  // namespace

Engine::Engine(const Chip& chip, unsigned ring, PacketStream::Measure measure)
    : chip_(chip),
      ring_(ring),
      memory_(chip.memory, chip.gpuvm),
      stream_(chip.memory, memory_, state_, measure),
      task_(chip.executor, [this] { run(); }) {
  chip_.gpuvm.add_user(memory_.use());
}

base::Nanos Engine::now() {
  const base::Nanos lag = std::max<base::Nanos>(now_ - cursor_, 0);
  now_ = chip_.clock.now();
  // What was executed meanwhile took its real time.
  cursor_ = std::max(cursor_, now_ - lag);
  return now_;
}

void Engine::run() {
  const Rest rest = step();
  task_.leave(rest.again);
  // Only now: the handler may wait for somebody who waits for this engine (a reset).
  if (rest.interrupts) chip_.interrupts.deliver();
}

Engine::Rest Engine::step() {
  now_ = chip_.clock.now();
  cursor_ = std::max(cursor_, idle_ ? now_ : now_ - kMaxLag);
  idle_ = false;
  raised_ = false;
  Rest rest{};
  for (unsigned budget = chip_.profile.slice;; --budget) {
    if (controls_.load(std::memory_order_relaxed)) handle_controls();
    if (state_.status.load(std::memory_order_relaxed) & reg::kRingFaulted)
      return rest_until(SerialTask::kNever);
    if (operation_) {
      if (hold_ > now_ && hold_ > now()) return rest_until(hold_);
      if (cursor_ - now_ > kRunAhead && cursor_ > now()) return rest_until(cursor_);
      // What takes long must not hold back the interrupt of the job before it.
      if (raised_) return give_way();
    }
    if (budget == 0) return give_way();
    if (settle(go(), &rest)) return rest;
  }
}

// True: the step is over.
bool Engine::settle(const Outcome& outcome, Rest* rest) {
  switch (outcome.kind) {
    case Outcome::Kind::kDone:
      finish(outcome.skip);
      return false;
    case Outcome::Kind::kEntered:
    case Outcome::Kind::kMore:
      return false;
    case Outcome::Kind::kUntil:
      hold_ = outcome.until;
      if (operation_) state_.status.fetch_or(operation_->status(), std::memory_order_release);
      *rest = rest_until(outcome.until);
      return true;
    case Outcome::Kind::kFault:
      stop(outcome.reason, nullptr);
      return false;
    case Outcome::Kind::kVmFault:
      stop(memory_.fault().reason, &memory_.fault());
      return false;
  }
  return false;
}

Outcome Engine::go() {
  const Outcome outcome = operation_ ? operation_->advance(*this) : next_packet();
  memory_.end();
  return outcome;
}

Outcome Engine::next_packet() {
  if (stream_.packet().empty()) {
    idle_ = true;
    if (!state_.enabled() || dead_) return Outcome::wait_until(SerialTask::kNever);
    const Outcome fetched = stream_.fetch();
    if (fetched.kind != Outcome::Kind::kDone) return fetched;
    idle_ = false;
    begin_packet();
  }
  const packets::Packet packet = stream_.packet();
  const base::Nanos allowed = steers(packet) ? kRunAhead : 0;
  if (cursor_ - now_ > allowed && cursor_ > now()) return Outcome::wait_until(cursor_);
  if (inject_hang_) {
    inject_hang_ = false;
    hang_.begin(packets::pm4::Hang::Mode::kWave, 0);
    return start(hang_);
  }
  if (inject_wait_) {
    inject_wait_ = false;
    return start(endless_wait_);
  }
  return execute(packet);
}

// Once for each packet, unlike execute(), which may come to nothing because it is not time yet.
void Engine::begin_packet() {
  charge(cost().packet);
  FaultInjector& faults = chip_.faults;
  if (!faults.armed()) return;
  base::Nanos longer = 0;
  if (faults.fires(FaultKind::kSlowPacket, ring_, &longer)) charge(longer);
  if (faults.fires(FaultKind::kCorruptPacket, ring_)) stream_.corrupt();
  if (faults.fires(FaultKind::kBadAddress, ring_)) memory_.miss_all(true);
  inject_hang_ = faults.fires(FaultKind::kHang, ring_);
  inject_wait_ = faults.fires(FaultKind::kEndlessWait, ring_);
}

Outcome Engine::start(Operation& operation) {
  operation_ = &operation;
  hold_ = 0;
  return Outcome::more();
}

Outcome Engine::enter_ib(uint64_t address, uint32_t dwords, unsigned vmid, bool preemptible) {
  if (stream_.level() == PacketStream::kMaxLevel) return Outcome::fault(reg::kFaultIbNesting);
  stream_.enter(address, dwords, stream_.level() ? stream_.vmid() : vmid, preemptible);
  memory_.miss_all(false);
  if (chip_.tracer.enabled())
    chip_.tracer.emit(
        "gpu_ib_start",
        {{"ring", ring_}, {"vmid", stream_.vmid()}, {"address", address}, {"dwords", dwords}});
  return Outcome::entered();
}

Outcome Engine::chain_ib(uint64_t address, uint32_t dwords, bool preemptible) {
  stream_.chain(address, dwords, preemptible);
  memory_.miss_all(false);
  return Outcome::entered();
}

void Engine::finish(uint32_t skip) {
  if (operation_) {
    if (operation_->status()) {
      // The wait is over now, whatever the cursor was when it began.
      cursor_ = std::max(cursor_, now());
      state_.status.fetch_and(~operation_->status(), std::memory_order_release);
    }
    operation_ = nullptr;
  }
  memory_.miss_all(false);
  stream_.retire(skip);
}

// The queue stands until it is reset; position and operation stay to be looked at.
void Engine::stop(reg::FaultReason reason, const VmFault* vm_fault) {
  const uint32_t packet = stream_.header();
  memory_.miss_all(false);
  state_.fault_packet.store(packet);
  state_.fault.store(reason);
  state_.status.store(reg::kRingFaulted, std::memory_order_release);
  IhEntry entry{};
  if (vm_fault) {
    chip_.gpuvm.record(*vm_fault);
    entry.source = static_cast<uint8_t>(IrqSource::kVmFault);
    entry.data[0] = vm_fault->address;
    entry.data[1] = vm_fault->status();
  } else {
    entry.source = static_cast<uint8_t>(IrqSource::kBadOpcode);
    entry.data[0] = reason;
    entry.data[1] = packet;
  }
  if (chip_.tracer.enabled())
    chip_.tracer.emit("gpu_fault", {{"ring", ring_},
                                    {"vmid", stream_.vmid()},
                                    {"reason", static_cast<uint64_t>(reason)},
                                    {"packet", packet},
                                    {"address", vm_fault ? vm_fault->address : 0}});
  put_interrupt(entry);
}

Engine::Rest Engine::rest_until(base::Nanos until) {
  if (!idle_) now();
  publish();
  task_.set_timer(until);
  return {false, raised_};
}

Engine::Rest Engine::give_way() {
  now();
  if (cursor_ > now_) return rest_until(cursor_);
  still_ = now_ == still_at_ ? still_ + 1 : 0;
  still_at_ = now_;
  if (still_ > kStillSteps) {
    still_at_ +=
        std::min<base::Nanos>((still_ - kStillSteps) * base::kNanosPerMicro, kMaxStillDelay);
    return rest_until(still_at_);
  }
  publish();
  task_.set_timer(SerialTask::kNever);
  return {true, raised_};
}

void Engine::publish() {
  state_.ib_level.store(stream_.level(), std::memory_order_relaxed);
  state_.ib_base.store(stream_.base(), std::memory_order_relaxed);
  state_.ib_offset.store(stream_.offset(), std::memory_order_relaxed);
  state_.workgroup.store(operation_ ? operation_->progress() : 0, std::memory_order_relaxed);
}

}  // namespace fakegpu::hw
