// SPDX-License-Identifier: MIT
// Device bring-up in named steps. Each step's parts undo themselves when the device is dropped, so
// a step that fails leaves the chip as it was found.
#include <algorithm>

#include "base/log.h"
#include "device.h"
#include "hw/registers.h"

namespace fakegpu::drv {

namespace reg = hw::reg;

constexpr std::byte kVramMark{0xa5};

base::Nanos timeout_of(const LockupTimeout& timeout, uint32_t ring_type) {
  switch (ring_type) {
    case DRM_FAKEGPU_RING_GFX:
      return timeout.gfx;
    case DRM_FAKEGPU_RING_COMPUTE:
      return timeout.compute;
    default:
      return timeout.sdma;
  }
}

struct Device::Step {
  std::string_view name;
  base::Result<> (Device::*run)();
};

base::Result<> Device::bring_up() {
  static constexpr Step kSteps[] = {
      {"configure recovery", &Device::configure_recovery},
      {"discover blocks", &Device::discover_blocks},
      {"load golden registers", &Device::load_golden_registers},
      {"init memory", &Device::init_memory},
      {"start interrupts", &Device::start_interrupts},
      {"start rings", &Device::start_rings},
      {"test rings", &Device::test_rings},
  };
  for (const Step& step : kSteps) {
    tracer_.emit("gpu_bring_up", {{"step", step.name}});
    if (auto result = (this->*step.run)(); !result) {
      const base::Error& error = result.error();
      base::log(base::LogLevel::kError, "bring-up step '{}' failed: {}", step.name,
                error.message());
      return base::fail(error.code(), "bring-up step '{}': {}", step.name, error.message());
    }
  }
  return {};
}

base::Result<> Device::configure_recovery() {
  const auto policy = find_aftermath_policy(options_.as_6_12 ? "cancel-all" : options_.recovery);
  if (!policy) return tl::unexpected(policy.error());
  recovery_.configure({*policy, options_.hang_limit, options_.as_6_12});
  return {};
}

base::Result<> Device::discover_blocks() {
  const uint32_t magic = function_.read32(reg::kMagic);
  if (magic != reg::kMagicValue) return base::fail(ENODEV, "no fake GPU here: magic {:#x}", magic);
  device_id_ = function_.read32(reg::kDeviceId);
  revision_ = function_.read32(reg::kRevision);
  edu_packets_ = (function_.read32(reg::kFeatures) & 1) != 0;
  for (uint32_t i = 0; i < 32; i += 4) {
    const uint32_t text = function_.read32(reg::kName + i);
    for (unsigned byte = 0; byte < 4; ++byte)
      if (const char c = static_cast<char>(text >> (8 * byte))) chip_name_ += c;
  }
  const uint32_t blocks = function_.read32(reg::kBlockCount);
  bool interrupts = false;
  bool gpuvm = false;
  for (uint32_t i = 0; i < std::min(blocks, 12u); ++i) {
    const uint32_t type = function_.read32(reg::kBlocks + 8 * i) & 0xff;
    const uint32_t instances = function_.read32(reg::kBlocks + 8 * i + 4);
    switch (type) {
      case reg::kBlockIh:
        interrupts = true;
        break;
      case reg::kBlockGmc:
        gpuvm = true;
        break;
      case reg::kBlockGfx:
        ring_counts_[DRM_FAKEGPU_RING_GFX] = instances;
        break;
      case reg::kBlockCompute:
        ring_counts_[DRM_FAKEGPU_RING_COMPUTE] = instances;
        break;
      case reg::kBlockSdma:
        ring_counts_[DRM_FAKEGPU_RING_SDMA] = instances;
        break;
      default:
        return base::fail(ENODEV, "block {} has unknown type {}", i, type);
    }
  }
  if (!interrupts || !gpuvm) return base::fail(ENODEV, "interrupt or memory block missing");
  return {};
}

// The chip has no settings that need correcting; the step proves that register writes arrive.
base::Result<> Device::load_golden_registers() {
  for (uint32_t i = 0; i < reg::kScratchCount; ++i) {
    const uint32_t offset = reg::kScratch + 4 * i;
    const uint32_t value = 0xcafe0000 | i;
    function_.write32(offset, value);
    if (const uint32_t read = function_.read32(offset); read != value)
      return base::fail(EIO, "register {:#x} reads {:#x}, written {:#x}", offset, read, value);
  }
  return {};
}

base::Result<> Device::init_memory() {
  hw::Memory& memory = function_.memory();
  memory_ = std::make_unique<mm::MemoryManager>(memory);
  auto arena = mm::Arena::create(memory.vram_bytes(), memory.system_bytes());
  if (!arena) return tl::unexpected(std::move(arena).error());
  kernel_arena_ = std::move(*arena);
  kernel_usage_ = base::make_ref<mm::Usage>();
  auto mark = memory_->create({.size = hw::kPageSize, .heap = mm::Heap::kVram}, kernel_arena_,
                              kernel_usage_);
  if (!mark) return tl::unexpected(std::move(mark).error());
  vram_mark_ = std::move(*mark);
  std::ranges::fill(vram_mark_->bytes(), kVramMark);
  return {};
}

base::Result<> Device::start_interrupts() {
  interrupts_ = std::make_unique<InterruptRing>(function_);
  FAKEGPU_TRY(interrupts_->allocate(*memory_, kernel_arena_, kernel_usage_));
  interrupts_->start();
  function_.set_interrupt_handler([this] { handle_interrupt(); });
  return {};
}

base::Result<> Device::start_rings() {
  if (options_.first_emission == 0) return base::fail(EINVAL, "first_emission 0");
  if (options_.hw_submission > Ring::kMaxJobs)
    return base::fail(EINVAL, "hw_submission {}: a ring has room for {} jobs of {} IBs",
                      options_.hw_submission, Ring::kMaxJobs, Ring::kMaxIbs);
  RingOwner& owner = *this;
  unsigned index = 0;
  for (uint32_t type = 0; type < 3; ++type) {
    for (unsigned instance = 0; instance < ring_counts_[type]; ++instance, ++index) {
      // amdgpu's names: compute rings belong to the first micro engine compute, hence 1.
      std::string name = type == DRM_FAKEGPU_RING_GFX       ? fmt::format("gfx_0.{}", instance)
                         : type == DRM_FAKEGPU_RING_COMPUTE ? fmt::format("comp_1.{}", instance)
                                                            : fmt::format("sdma{}", instance);
      auto ring = std::make_unique<Ring>(RingInfo{index, type, instance, name}, owner, function_,
                                         vmids_, contexts_, lock_, options_.first_emission);
      FAKEGPU_TRY(ring->start(*memory_, kernel_arena_, kernel_usage_));
      auto policy = sched::make_policy(options_.policy);
      if (!policy) return tl::unexpected(std::move(policy).error());
      sched::SchedulerOptions scheduling;
      scheduling.name = std::move(name);
      scheduling.credit_limit = options_.hw_submission;
      scheduling.depth = options_.queue_time;
      scheduling.timeout = timeout_of(options_.lockup_timeout, type);
      ring->make_scheduler(std::move(scheduling), std::move(*policy), tracer_, contexts_);
      rings_.push_back(std::move(ring));
    }
  }
  if (rings_.empty()) return base::fail(ENODEV, "the chip has no rings");
  std::vector<std::string> names;
  for (const auto& ring : rings_) names.push_back(ring->info().name);
  faults_.set_rings(std::move(names));
  return {};
}

// amdgpu_ring_test_ring(): each ring must execute a real packet. Bring-up is the one place that
// waits, and it runs posted work itself while it does.
base::Result<> Device::test_rings() {
  // A sound ring takes microseconds of its own, but here counts wall time, and on a busy host the
  // engine's thread may not get a processor for long. Who has a broken ring can wait.
  constexpr base::Nanos kBound = 10 * base::kNanosPerSecond;
  for (const auto& ring : rings_) {
    ring->emit_test();
    const base::Nanos deadline = clock_.now() + kBound;
    while (!ring->test_passed()) {
      const base::Nanos before = clock_.now();
      const bool ran = executor_.run_one();
      // Virtual time that stands still means that nothing is left which could pass the test.
      if (clock_.now() > deadline || (!ran && clock_.now() == before))
        return base::fail(ETIMEDOUT, "ring {} test failed", ring->info().name);
    }
    ring->set_ready(true);
  }
  return {};
}

// What bring-up programs and a reset of the whole chip forgets, but for the rings.
bool Device::power_up_again() {
  if (const auto result = load_golden_registers(); !result)
    base::log(base::LogLevel::kError, "after a GPU reset: {}", result.error().message());
  interrupts_->start();
  vmids_.reset();
  const bool lost =
      std::ranges::any_of(vram_mark_->bytes(), [](std::byte byte) { return byte != kVramMark; });
  if (lost) {
    base::log(base::LogLevel::kWarning, "VRAM is lost due to GPU reset!");
    std::ranges::fill(vram_mark_->bytes(), kVramMark);
    for (Vm* vm = vms_.front(); vm; vm = vms_.next(*vm)) vm->space().rebuild();
  }
  return lost;
}

}  // namespace fakegpu::drv
