// SPDX-License-Identifier: MIT
#include "core_dump.h"

#include <algorithm>

#include "device.h"
#include "file_impl.h"
#include "hw/registers.h"
#include "recovery.h"

namespace fakegpu::drv {

namespace reg = hw::reg;

namespace {

// Of one IB, and IBs of one job, that are kept.
constexpr size_t kMaxIbDwords = 1024;
constexpr size_t kMaxIbs = 8;

constexpr std::pair<std::string_view, uint32_t> kRingRegisters[] = {
    {"RING_BASE_LO", reg::kRingBaseLo},
    {"RING_BASE_HI", reg::kRingBaseHi},
    {"RING_SIZE", reg::kRingSize},
    {"RING_CNTL", reg::kRingCntl},
    {"RING_STATUS", reg::kRingStatus},
    {"RING_FAULT", reg::kRingFault},
    {"RING_FAULT_PACKET", reg::kRingFaultPacket},
    {"RING_IB_LEVEL", reg::kRingIbLevel},
    {"RING_IB_BASE_LO", reg::kRingIbBaseLo},
    {"RING_IB_BASE_HI", reg::kRingIbBaseHi},
    {"RING_IB_OFFSET", reg::kRingIbOffset},
    {"RING_WORKGROUP", reg::kRingWorkgroup},
};

}  // namespace

base::Ref<CoreDump> CoreDump::capture(Device& device, const Suspicion& suspicion) {
  auto dump = base::make_ref<CoreDump>();
  dump->time_ = device.now();
  const base::Nanos second = base::kNanosPerSecond;
  dump->header_ = {"**** fakegpu Device Coredump ****",
                   {{"version", "1"},
                    {"module", "fakegpu"},
                    {"time", fmt::format("{}.{:09}", dump->time_ / second, dump->time_ % second)}},
                   {}};
  dump->chip_ = {"SOC Information",
                 {{"SOC Name", device.chip_name()},
                  {"SOC Device id", fmt::format("{:#x}", device.device_id())},
                  {"SOC PCI Revision id", fmt::format("{}", device.revision())}},
                 {}};
  const mm::MemoryManager& memory = device.memory();
  const auto heap = [&](mm::Heap which) {
    return fmt::format("{} of {} bytes", memory.heap_used(which), memory.heap_size(which));
  };
  dump->memory_ = {"Memory Information",
                   {{"vram used", heap(mm::Heap::kVram)}, {"gtt used", heap(mm::Heap::kSystem)}},
                   {}};
  dump->capture_culprit(device, suspicion);
  dump->capture_rings(device);
  return dump;
}

void CoreDump::capture_culprit(Device& device, const Suspicion& suspicion) {
  const Ring& ring = suspicion.ring;
  sdma_ = ring.info().type == DRM_FAKEGPU_RING_SDMA;
  constexpr const char* kTypes[] = {"gfx", "compute", "sdma"};
  hang_ = {"Ring timed out details",
           {{"IP Type", kTypes[std::min(ring.info().type, 2u)]},
            {"Ring Name", ring.info().name},
            {"Reason", suspicion.why}},
           {}};
  if (suspicion.cause == Suspicion::Cause::kFault) {
    const uint32_t status = device.function().read32(reg::kVmFaultStatus);
    page_fault_ = {"Page fault information",
                   {{"Faulty page starting at address",
                     fmt::format("{:#x}", device.function().read64(reg::kVmFaultAddrLo))},
                    {"Protection fault status register", fmt::format("{:#x}", status)}},
                   {}};
  }
  const SubmitJob* job = suspicion.job;
  if (!job) return;
  if (const FileImpl* file = device.find_client(job->account().client_id())) {
    header_.fields.emplace_back("process_name", file->process().command);
    header_.fields.emplace_back("PID", fmt::format("{}", file->process().pid));
  }
  const auto add = [this](const char* key, std::string value) {
    hang_.fields.emplace_back(key, std::move(value));
  };
  add("Client", fmt::format("{}", job->account().client_id()));
  add("Context", fmt::format("{}", job->context().id()));
  add("Fence", fmt::format("{}:{}", job->finished()->context(), job->finished()->seqno()));
  add("VMID", fmt::format("{}", job->vmid()));
  add("Executing for", fmt::format("{} ns", time_ - job->started_at()));
  add("IBs", fmt::format("{}", job->ibs().size()));
  for (const drm_fakegpu_ib& ib : job->ibs()) {
    if (ibs_.size() == kMaxIbs) break;
    Ib kept{ib, std::vector<uint32_t>(std::min<size_t>(ib.dwords, kMaxIbDwords))};
    const auto bytes = std::as_writable_bytes(std::span(kept.dwords));
    kept.dwords.resize(job->context().vm()->space().read(ib.va, bytes) / 4);
    ibs_.push_back(std::move(kept));
  }
}

void CoreDump::capture_rings(Device& device) {
  for (const auto& ring : device.rings()) {
    RingState state;
    state.name = ring->info().name;
    state.sdma = ring->info().type == DRM_FAKEGPU_RING_SDMA;
    const unsigned index = ring->info().index;
    state.rptr = device.function().read64(reg::ring(index, reg::kRingRptrLo));
    state.wptr = ring->wptr();
    state.completed = ring->completed();
    state.emitted = ring->emitted();
    for (const auto& [name, offset] : kRingRegisters)
      state.registers.emplace_back(name, device.function().read32(reg::ring(index, offset)));
    const auto words = ring->contents();
    state.contents.assign(words.begin(), words.end());
    ring->scheduler().for_each_pending([&](sched::Job& pending) {
      const auto& job = static_cast<const SubmitJob&>(pending);
      state.jobs.push_back(fmt::format(
          "fence {}:{} client {} context {} emissions {}{}", job.finished()->context(),
          job.finished()->seqno(), job.account().client_id(), job.context().id(), job.emissions(),
          job.emission() && job.emission()->test_signaled() ? " completed" : ""));
    });
    rings_.push_back(std::move(state));
  }
}

void CoreDump::set_outcome(std::string outcome) {
  base::MutexLock lock(mutex_);
  outcome_ = std::move(outcome);
}

}  // namespace fakegpu::drv
