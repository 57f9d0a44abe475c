// SPDX-License-Identifier: MIT
// The driver's device (amdgpu_device): owns the parts and wires interrupts and timers to them. What
// a client can do is in FileImpl and the ioctl handlers.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "base/executor.h"
#include "base/trace.h"
#include "channel_tokens.h"
#include "core_dump.h"
#include "drv/faults.h"
#include "drv/machine.h"
#include "fence/fence.h"
#include "hw/function.h"
#include "interrupt_ring.h"
#include "lock.h"
#include "master.h"
#include "mm/bo.h"
#include "mm/vmid.h"
#include "quarantine.h"
#include "recorder.h"
#include "recovery.h"
#include "reset_steps.h"
#include "ring.h"
#include "submit_queue.h"
#include "wedged_events.h"

namespace fakegpu::drv {

class DmaBufFile;
class FileImpl;

class Device final : private RingOwner, private RecoveryHost {
 public:
  static base::Result<std::unique_ptr<Device>> create(hw::Function& function, Options options,
                                                      base::Clock& clock, base::Executor& executor,
                                                      base::Tracer& tracer, Faults& faults);
  ~Device();

  DeviceLock& lock() { return lock_; }
  // Lock held.
  base::Nanos now() const { return lock_.now(); }
  base::Executor& executor() { return executor_; }
  // Any thread.
  Faults& faults() { return faults_; }
  const Options& options() const { return options_; }
  // Every one of these Feature bits.
  bool has(uint32_t features) const { return (features & ~options_.features) == 0; }

  // Any thread; once true it stays so.
  bool unplugged() const { return unplugged_.load(std::memory_order_acquire); }

  // The rest under the lock.
  fence::Contexts& contexts() { return contexts_; }
  mm::MemoryManager& memory() { return *memory_; }
  mm::VmidManager& vmids() { return vmids_; }
  // drm_device::master; null if there is none.
  base::Ref<Master>& master() { return master_; }
  ChannelTokens& tokens() { return tokens_; }
  Recovery& recovery() { return recovery_; }
  CoreDumps& core_dumps() { return core_dumps_; }
  hw::Function& function() { return function_; }
  // So that it is known as long as it lives.
  VmRef add_vm(VmRef vm) {
    vms_.push_back(*vm);
    return vm;
  }
  Recorder& recorder() { return recorder_; }
  WedgedEvents& wedged_events() { return wedged_events_; }
  const std::vector<std::unique_ptr<Ring>>& rings() const { return rings_; }
  // Pages of the driver itself: rings, page tables.
  const base::Ref<mm::Arena>& kernel_arena() const { return kernel_arena_; }
  const base::Ref<mm::Usage>& kernel_usage() const { return kernel_usage_; }

  uint32_t device_id() const { return device_id_; }
  uint32_t revision() const { return revision_; }
  bool edu_packets() const { return edu_packets_; }
  const std::string& chip_name() const { return chip_name_; }

  void add_file(FileImpl& file) { files_.insert(&file); }
  void remove_file(FileImpl& file) { files_.erase(&file); }
  template <typename F>
  void for_each_client(F&& visit) {
    for (FileImpl* file : files_) visit(*file);
  }
  // The open file of that client; null: it is closed.
  FileImpl* find_client(uint64_t client_id) const;
  bool has_file(FileImpl& file) const { return files_.contains(&file); }
  // Those in which somebody waits for room.
  base::List<SubmitQueue>& full_queues() { return full_queues_; }
  const std::set<FileImpl*>& files() const { return files_; }
  // A dma-buf on which calls wait, as long as some do.
  void add_accessed(DmaBufFile& file) { accessed_.insert(&file); }
  void remove_accessed(DmaBufFile& file) { accessed_.erase(&file); }
  uint64_t next_client_id() { return ++last_client_id_; }
  Machine::Census& counts() { return counts_; }
  Machine::Census census();

  // Takes the lock itself.
  void shutdown();

 private:
  struct Step;

  Device(hw::Function& function, Options options, base::Clock& clock, base::Executor& executor,
         base::Tracer& tracer, Faults& faults);
  base::Result<> bring_up();
  // The steps, in order.
  base::Result<> configure_recovery();
  base::Result<> discover_blocks();
  base::Result<> load_golden_registers();
  base::Result<> init_memory();
  base::Result<> start_interrupts();
  base::Result<> start_rings();
  base::Result<> test_rings();

  void handle_interrupt();
  void recover_faulted(Ring& ring, std::string_view why);
  void settle();
  uint32_t pump_kicked();
  bool let_in();
  void arm_watchdog(uint32_t rings);
  bool release_queued();
  void arm_fallback();

  void ring_kicked(Ring& ring) override;
  sched::TimeoutVerdict ring_timed_out(Ring& ring, SubmitJob& job) override;
  RecoveryCounts recoveries() const override { return recovery_.counts(); }
  void ring_busy(Ring& ring) override;

  void hang_found(const Suspicion& suspicion) override;
  void recovery_ended(ResetStep step, bool vram_lost, base::Ref<Task> task) override;
  bool power_up_again() override;

  hw::Function& function_;
  Options options_;
  base::Clock& clock_;
  base::Executor& executor_;
  base::Tracer& tracer_;
  Faults& faults_;
  DeviceLock lock_;

  uint32_t device_id_ = 0;
  uint32_t revision_ = 0;
  bool edu_packets_ = false;
  std::string chip_name_;
  unsigned ring_counts_[3] = {};  // by DRM_FAKEGPU_RING_*

  fence::Contexts contexts_;
  std::unique_ptr<mm::MemoryManager> memory_;
  mm::VmidManager vmids_;
  base::Ref<mm::Arena> kernel_arena_;
  base::Ref<mm::Usage> kernel_usage_;
  std::unique_ptr<InterruptRing> interrupts_;
  mm::BoRef vram_mark_;  // a pattern in VRAM that tells whether that was lost
  std::vector<std::unique_ptr<Ring>> rings_;
  uint32_t kicked_ = 0;  // a bit for each ring
  base::List<Vm> vms_;
  Quarantine quarantine_;
  ResetSteps reset_steps_;
  Recovery recovery_;
  CoreDumps core_dumps_;
  base::Ref<CoreDump> dump_under_way_;  // of the recovery that is; null: an older one is kept
  Recorder recorder_;
  WedgedEvents wedged_events_;
  bool release_queued_ = false;  // the device was given up in this section
  base::Ref<Master> master_;
  ChannelTokens tokens_;
  std::set<FileImpl*> files_;
  std::set<DmaBufFile*> accessed_;
  base::List<SubmitQueue> full_queues_;
  Machine::Census counts_ = {};
  uint64_t last_client_id_ = 0;

  base::TimerId watchdog_ = 0;
  base::Nanos watchdog_at_ = 0;
  base::TimerId fallback_ = 0;
  std::atomic<bool> unplugged_{false};
};

}  // namespace fakegpu::drv
