// SPDX-License-Identifier: MIT
#include "hw/gpu.h"

#include <cassert>
#include <vector>

#include "command_processor.h"
#include "engine.h"
#include "gpuvm.h"
#include "interrupt_ring.h"
#include "register_file.h"
#include "sdma_engine.h"

namespace fakegpu::hw {
namespace {

constexpr unsigned kMaxGfx = 4;
constexpr unsigned kMaxCompute = 8;
constexpr unsigned kMaxSdma = 4;

class GpuChip final : public Gpu, public Function {
 public:
  GpuChip(const Profile& profile, std::unique_ptr<Memory> memory, base::Clock& clock,
          base::Executor& executor, base::Tracer& tracer)
      : profile_(profile),
        memory_(std::move(memory)),
        faults_(clock),
        gpuvm_(*memory_),
        interrupts_(*memory_, clock, executor, faults_),
        reset_(profile_, clock, executor, faults_, [this](bool lose_vram) { power_up(lose_vram); }),
        registers_(profile_, clock, gpuvm_, interrupts_, reset_) {
    const Chip chip{clock,  executor,    tracer,  profile_,  *memory_,
                    gpuvm_, interrupts_, faults_, registers_};
    const unsigned processors = profile_.gfx_rings + profile_.compute_rings;
    for (unsigned ring = 0; ring < processors; ++ring)
      engines_.push_back(std::make_unique<CommandProcessor>(chip, ring));
    for (unsigned i = 0; i < profile_.sdma_rings; ++i)
      engines_.push_back(std::make_unique<SdmaEngine>(chip, processors + i));
    registers_.set_rings(engines_);
    reset_.set_rings(engines_);
  }
  ~GpuChip() override {
    reset_.end();
    for (const auto& engine : engines_) engine->end();
  }

  Function& function(unsigned index) override {
    assert(index == 0);
    (void)index;
    return *this;
  }
  FaultInjector& faults() override { return faults_; }
  const Profile& profile() const override { return profile_; }
  unsigned ring_count() const override { return static_cast<unsigned>(engines_.size()); }

  uint32_t read32(uint32_t offset) override { return registers_.read(offset); }
  void write32(uint32_t offset, uint32_t value) override { registers_.write(offset, value); }
  void ring_doorbell(unsigned ring, uint64_t wptr) override {
    if (ring < engines_.size() && !reset_.active()) engines_[ring]->doorbell(wptr);
  }
  Memory& memory() override { return *memory_; }
  void set_interrupt_handler(base::UniqueFunction<void()> handler) override {
    interrupts_.set_handler(std::move(handler));
  }

 private:
  void power_up(bool lose_vram) {
    if (lose_vram) memory_->lose_vram();
    interrupts_.power_up();
    gpuvm_.power_up();
    registers_.power_up();
  }

  const Profile profile_;
  const std::unique_ptr<Memory> memory_;
  FaultInjector faults_;
  Gpuvm gpuvm_;
  InterruptRing interrupts_;
  ChipReset reset_;
  RegisterFile registers_;
  std::vector<std::unique_ptr<Engine>> engines_;
};

}  // namespace

base::Result<std::unique_ptr<Gpu>> Gpu::create(const Profile& profile, base::Clock& clock,
                                               base::Executor& executor, base::Tracer& tracer) {
  if (profile.gfx_rings > kMaxGfx || profile.compute_rings > kMaxCompute ||
      profile.sdma_rings > kMaxSdma)
    return base::fail(EINVAL, "profile {}: {} gfx, {} compute and {} SDMA rings", profile.name,
                      profile.gfx_rings, profile.compute_rings, profile.sdma_rings);
  if (profile.slice == 0) return base::fail(EINVAL, "profile {}: slice 0", profile.name);
  const CostModel& cost = profile.cost;
  if (cost.packet < 0 || cost.workgroup < 0 || cost.per_kilobyte < 0)
    return base::fail(EINVAL, "profile {}: negative cost", profile.name);
  auto memory = Memory::create(profile.vram_bytes, profile.system_bytes);
  if (!memory) return tl::unexpected(std::move(memory).error());
  return std::unique_ptr<Gpu>(
      std::make_unique<GpuChip>(profile, *std::move(memory), clock, executor, tracer));
}

}  // namespace fakegpu::hw
