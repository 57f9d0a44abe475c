// SPDX-License-Identifier: MIT
// How far a context's jobs on one ring have come, and who waits for that. Finished fences of one
// entity signal in the order of their seqnos, so one number tells of all jobs. Real counterpart:
// the fences that amdgpu keeps of a context's entity, for DRM_AMDGPU_WAIT_CS.
#pragma once

#include <cstdint>
#include <map>

#include "base/unique_function.h"
#include "fence/fence.h"
#include "fence_page.h"

namespace fakegpu::drv {

class SeqnoWait;

// Under the device lock.
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows it in `page`, now and whenever it grows.
  void show(FencePage& page, uint32_t slot);

  // Seqnos from 1; 0: none yet.
  uint64_t submitted() const { return submitted_; }
  uint64_t finished() const { return finished_; }
  void submit(uint64_t seqno) { submitted_ = seqno; }
  void finish(uint64_t seqno);

 private:
  friend class SeqnoWait;

  uint64_t submitted_ = 0;
  uint64_t finished_ = 0;
  FencePage* page_ = nullptr;
  uint32_t slot_ = FencePage::kNoSlot;
  std::multimap<uint64_t, SeqnoWait*> waits_;  // by seqno
};

// Reports the job whose finished fence it listens to.
class ProgressReport final : public fence::Callback {
 public:
  explicit ProgressReport(Progress& progress) : progress_(progress) {}
  void fence_signaled(fence::Fence& fence) override { progress_.finish(fence.seqno()); }
  Progress& progress() { return progress_; }

 private:
  Progress& progress_;
};

// A wait for a job that was submitted and has not finished: while it is so, the job keeps the
// context and with it `progress`.
class SeqnoWait {
 public:
  // `done` is called once, from the call that finishes the job; it may destroy the wait.
  using Done = base::UniqueFunction<void()>;
  SeqnoWait(Progress& progress, uint64_t seqno, Done done);
  // `done` will not be called.
  ~SeqnoWait();
  SeqnoWait(const SeqnoWait&) = delete;
  SeqnoWait& operator=(const SeqnoWait&) = delete;

 private:
  friend class Progress;

  Progress& progress_;
  std::multimap<uint64_t, SeqnoWait*>::iterator place_;
  bool waiting_ = true;
  Done done_;
};

}  // namespace fakegpu::drv
