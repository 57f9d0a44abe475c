// SPDX-License-Identifier: MIT
// A device core dump (dev_coredump, amdgpu_devcoredump): what the device was at when a hang was
// found, before anything is disturbed. One is kept, until it is released or expires; while it is,
// further ones are dropped.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fakegpu_drm.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/ref.h"
#include "hw/registers.h"

namespace fakegpu::drv {

class Device;
struct Suspicion;

class CoreDump final : public base::RefCounted {
 public:
  // Device lock held. Copies; what takes long, the text, is made when somebody reads it.
  static base::Ref<CoreDump> capture(Device& device, const Suspicion& suspicion);

  // How it ended: the step of the ladder, and whether VRAM was lost.
  void set_outcome(std::string outcome);
  base::Nanos captured_at() const { return time_; }

  // Sections and their order are amdgpu's. Any thread, without the device lock.
  std::string text() const;
  std::string json() const;

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Section {
    std::string title;
    Fields fields;
    std::vector<std::string> lines;
  };
  struct Ib {
    drm_fakegpu_ib where;
    std::vector<uint32_t> dwords;  // as many as are kept
  };
  struct RingState {
    std::string name;
    bool sdma = false;
    uint64_t rptr = 0;
    uint64_t wptr = 0;
    uint64_t completed = 0;
    uint64_t emitted = 0;
    std::vector<std::pair<std::string_view, uint64_t>> registers;
    std::vector<uint32_t> contents;
    std::vector<std::string> jobs;
  };

  void capture_culprit(Device& device, const Suspicion& suspicion);
  void capture_rings(Device& device);
  std::vector<Section> sections() const;
  Section ring_section(const RingState& ring) const;

  base::Nanos time_ = 0;
  Section header_;
  Section chip_;
  Section memory_;
  Section hang_;
  Section page_fault_;
  std::vector<Ib> ibs_;
  bool sdma_ = false;  // what the culprit's packets are
  std::vector<RingState> rings_;
  mutable base::Mutex mutex_;
  std::string outcome_ GUARDED_BY(mutex_);
};

// The one that is kept.
class CoreDumps {
 public:
  static constexpr base::Nanos kExpiry = 300 * base::kNanosPerSecond;  // dev_coredump's

  // Null: there is none.
  base::Ref<CoreDump> current(base::Nanos now) {
    if (dump_ && now - dump_->captured_at() >= kExpiry) dump_.reset();
    return dump_;
  }
  void keep(base::Ref<CoreDump> dump) { dump_ = std::move(dump); }
  void release() { dump_.reset(); }

 private:
  base::Ref<CoreDump> dump_;
};

}  // namespace fakegpu::drv
