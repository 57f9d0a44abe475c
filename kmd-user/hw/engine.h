// SPDX-License-Identifier: MIT
// One ring and what executes it. A step of the engine takes up to Profile::slice packets,
// workgroups or chunks; then it gives way to other tasks. All state between two steps is here, in
// the packet stream and in the active operation, so a ring can be stopped between any two of them.
//
// Time: the engine has a cursor, its own clock. A cost moves the cursor; what others can see
// happens only when the time has come to it, by a timer. A timer that fires late does not slow the
// ring down: the next work starts at the cursor, not now (but never more than kMaxLag behind).
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/executor.h"
#include "base/trace.h"
#include "engine_memory.h"
#include "hw/fault_injector.h"
#include "hw/interrupt.h"
#include "hw/profile.h"
#include "interrupt_ring.h"
#include "operation.h"
#include "packet_stream.h"
#include "ring_state.h"
#include "serial_task.h"
#include "wait.h"
#include "work.h"

namespace fakegpu::hw {

class RegisterFile;

// What an engine uses of the chip.
struct Chip {
  base::Clock& clock;
  base::Executor& executor;
  base::Tracer& tracer;
  const Profile& profile;
  const Memory& memory;
  Gpuvm& gpuvm;
  InterruptRing& interrupts;
  FaultInjector& faults;
  RegisterFile& registers;
};

class Engine {
 public:
  static constexpr base::Nanos kMaxLag = base::kNanosPerMilli;

  Engine(const Chip& chip, unsigned ring, PacketStream::Measure measure);
  Engine(const Engine&) = delete;
  virtual ~Engine() = default;

  // No step runs any more, in any thread. Before the engine, or what it uses of the chip, goes.
  void end() { task_.end(); }

  // The ring's registers, `offset` from their first. Any thread.
  uint32_t read(uint32_t offset) const { return state_.read(offset); }
  void write(uint32_t offset, uint32_t value);
  // Resets the ring, at the engine's next packet, workgroup or chunk. Any thread.
  void request_reset(ResetLevel level);
  // Not done: it is being waited for, its request was lost, or what executes does not heed it.
  bool resetting(ResetLevel level) const {
    return (state_.resets_pending.load(std::memory_order_acquire) & bit(level)) != 0;
  }
  void doorbell(uint64_t wptr);

  // --- For operations, in the engine's task ---
  EngineMemory& memory() { return memory_; }
  const CostModel& cost() const { return chip_.profile.cost; }
  base::Nanos now();  // reads the clock
  base::Nanos cursor() const { return cursor_; }
  void set_cursor(base::Nanos time) { cursor_ = time; }
  void charge(base::Nanos span) { cursor_ = add_time(cursor_, static_cast<uint64_t>(span)); }
  void charge_bytes(uint64_t bytes) {
    charge(static_cast<base::Nanos>(bytes) * cost().per_kilobyte / 1024);
  }

 protected:
  // Executes the packet, or starts an operation for it.
  virtual Outcome execute(packets::Packet packet) = 0;
  // Whether it only steers the engine, so that it may be done ahead of its time.
  virtual bool steers(packets::Packet packet) const = 0;
  virtual void queue_reset() {}

  Outcome start(Operation& operation);
  // Goes into an IB; `vmid` counts in the ring, IBs inherit.
  Outcome enter_ib(uint64_t address, uint32_t dwords, unsigned vmid, bool preemptible);
  Outcome chain_ib(uint64_t address, uint32_t dwords, bool preemptible);

  // Kernel's own packets: those of the ring, and of IBs that it runs under VMID 0.
  bool privileged() const { return stream_.vmid() == 0; }
  // A job's end as seen from outside; both only do what VMID 0 may.
  bool write_fence(uint64_t address, uint64_t value, bool wide);
  void raise(IrqSource source, uint32_t context_id, uint64_t value);

  const Chip chip_;
  const unsigned ring_;
  EngineMemory memory_;
  RingState state_;
  PacketStream stream_;
  bool lose_interrupt_ = false;  // FAULT: of the next interrupt
  bool repeat_interrupt_ = false;
  uint64_t delay_fence_ = 0;  // FAULT: ns that the next fence is late

 private:
  enum Control : uint32_t { kReset = 1, kKill = 2 };
  static uint32_t bit(ResetLevel level) { return 1u << static_cast<unsigned>(level); }
  struct Rest {
    bool again;
    bool interrupts;
  };

  void run();
  Rest step();
  bool settle(const Outcome& outcome, Rest* rest);
  Outcome go();
  Outcome next_packet();
  void begin_packet();
  void finish(uint32_t skip);
  void stop(reg::FaultReason reason, const VmFault* vm_fault);
  Rest rest_until(base::Nanos until);
  Rest give_way();
  void publish();
  void put_interrupt(IhEntry entry);

  void hear_reset(ResetLevel level);
  void control(Control request);
  void handle_controls();
  void reset();
  void kill_waves();

  SerialTask task_;
  std::atomic<uint32_t> controls_{0};
  static constexpr uint32_t kNoKill = 0xffffff00;
  std::atomic<uint32_t> kill_request_{kNoKill};  // as kRingKillWaves has it
  std::atomic<uint32_t> heard_resets_{0};        // a bit for each ResetLevel
  std::atomic<uint32_t> resets_{0};              // done so far
  std::atomic<bool> mute_kill_{false};
  std::atomic<uint32_t> wptr_low_{0};

  // From here on: the engine's task, or whoever has entered it.
  base::Nanos now_ = 0;
  base::Nanos cursor_ = 0;
  base::Nanos hold_ = 0;       // the active operation is not to go on before
  bool idle_ = true;           // nothing to do at the last look: the cursor then means nothing
  bool raised_ = false;        // an interrupt in this step
  unsigned still_ = 0;         // steps in a row in which the clock stood
  base::Nanos still_at_ = -1;  // where the clock then stands
  Operation* operation_ = nullptr;
  bool dead_ = false;  // executes nothing until the next reset
  bool inject_hang_ = false;
  bool inject_wait_ = false;
  HangOperation hang_;
  EndlessWait endless_wait_;
};

}  // namespace fakegpu::hw
