// SPDX-License-Identifier: MIT
// A client's context (amdgpu_ctx): an address space, a priority and one scheduler entity per ring
// that it uses. Shared with its jobs, which may outlive its handle.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "progress.h"
#include "sched/entity.h"
#include "submit_queue.h"
#include "vm.h"

namespace fakegpu::drv {

// What recoveries have done so far.
struct RecoveryCounts {
  uint64_t resets = 0;
  uint64_t vram_losses = 0;
};

class Context final : public base::RefCounted {
 public:
  // `counts`: the device's now. `page`: the file's.
  // `accounts`: the file's, by ring.
  Context(VmRef vm, sched::Priority priority, std::vector<sched::AccountRef> accounts,
          RecoveryCounts counts, base::Ref<FencePage> page);

  uint32_t id() const { return id_; }
  // Given once its handle is known.
  void set_id(uint32_t id) { id_ = id; }
  const VmRef& vm() const { return vm_; }
  sched::Priority priority() const { return priority_; }
  void set_priority(sched::Priority priority);
  const RecoveryCounts& counts_at_creation() const { return counts_at_creation_; }

  // The entity for a ring, made at first use.
  base::Result<sched::Entity*> entity(unsigned ring, sched::Scheduler& scheduler);

  // The job of that seqno, unless it has executed.
  sched::Job* find_job(unsigned ring, uint64_t seqno) const;
  // Jobs on that ring that have not started.
  size_t queued(unsigned ring) const { return entities_[ring] ? entities_[ring]->queued() : 0; }
  // Who waits to have one more.
  SubmitQueue& submit_queue(unsigned ring) { return submit_queues_[ring]; }

  // Somebody sleeps until that job is done.
  void urge(unsigned ring, uint64_t seqno);

  // Null: not used so far.
  const sched::Entity* entity_of(unsigned ring) const { return entities_[ring].get(); }

  Progress& progress(unsigned ring) { return progress_[ring]; }
  // Of ring 0 in the file's fence page, the other rings' follow; or FencePage::kNoSlot.
  uint32_t fence_slot() const { return fence_slot_; }
  // The page has just been made.
  void show_progress();

  // A job of this context caused a recovery: it takes no more work (-ECANCELED).
  bool guilty() const { return guilty_; }
  void mark_guilty() { guilty_ = true; }
  // Finished on that ring: further work there gets `error`. Only the first counts.
  void end(unsigned ring, int error) {
    if (ended_[ring] == 0) ended_[ring] = error;
  }
  // 0, or the negative errno with which it refuses work there: it is guilty, what it knew of VRAM
  // is lost, or it has ended.
  int refusal(unsigned ring, const RecoveryCounts& now) const;

  // Its handle or its file is gone: queued jobs finish with -ESRCH.
  void kill(base::Nanos now);

  // Over all rings.
  sched::Usage usage() const;
  // Of its jobs on that ring; null: there were none.
  sched::Account* account(unsigned ring) const {
    return entities_[ring] ? &entities_[ring]->account() : nullptr;
  }

 private:
  ~Context() override;

  uint32_t id_ = 0;
  VmRef vm_;
  sched::Priority priority_;
  std::vector<sched::AccountRef> accounts_;
  RecoveryCounts counts_at_creation_;
  bool guilty_ = false;
  std::vector<int> ended_;  // by ring: the error that it gets there; 0: none
  std::vector<std::unique_ptr<sched::Entity>> entities_;  // by ring
  base::Ref<FencePage> fence_page_;
  uint32_t fence_slot_;
  std::vector<Progress> progress_;          // by ring
  std::vector<SubmitQueue> submit_queues_;  // by ring
};

using ContextRef = base::Ref<Context>;

}  // namespace fakegpu::drv
