// SPDX-License-Identifier: MIT
// A copy ring's copy of 64 MiB within the process, from submission to the end of the wait; against
// memcpy over the same pages as the process has them mapped.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>

#include <fakegpu/fakegpu.hpp>

#include "comparison.h"

namespace fakegpu::bench {

namespace {

constexpr uint64_t kBytes = 64ull << 20;
constexpr std::byte kByte{0x5a};

// Two buffers with all pages in place. They stay, so that every repetition sees the same ones.
class Copy {
 public:
  Copy(const Device& device, uint32_t from_heap)
      : device_(device),
        context_(device),
        from_(device, kBytes, from_heap),
        to_(device, kBytes, DRM_FAKEGPU_HEAP_VRAM),
        packets_(context_, DRM_FAKEGPU_RING_SDMA),
        done_(device),
        ring_(device.ring(DRM_FAKEGPU_RING_SDMA)) {
    std::memset(from_.map().data(), std::to_integer<int>(kByte), kBytes);
    std::memset(to_.map().data(), 0, kBytes);
    check(fakegpu_cmd_copy(packets_, to_.va(), from_.va(), kBytes), "build the copy");
  }

  void by_engine(benchmark::State& state) const {
    const auto to = to_.map();
    to.front() = to.back() = std::byte{0};
    fakegpu_syncobj* const waited = done_;
    for ([[maybe_unused]] auto unused : state) {
      if (fakegpu_context_submit_one(context_, ring_, packets_, done_) != 0 ||
          fakegpu_syncobj_wait(device_, &waited, 1, INT64_MAX, 0, nullptr) != 0) {
        state.SkipWithError("the job failed");
        return;
      }
    }
    if (to.front() != kByte || to.back() != kByte) state.SkipWithError("nothing was copied");
  }

  void by_memcpy(benchmark::State& state) const {
    for ([[maybe_unused]] auto unused : state) {
      std::memcpy(to_.map().data(), from_.map().data(), kBytes);
      benchmark::ClobberMemory();
    }
  }

 private:
  const Device& device_;
  Context context_;
  Bo from_, to_;
  CommandBuffer packets_;
  Syncobj done_;
  uint32_t ring_;
};

void add(const std::string& name, const Copy& copy) {
  benchmark::RegisterBenchmark(("SDMA " + name).c_str(), [&copy](benchmark::State& state) {
    copy.by_engine(state);
  })->UseRealTime();
  benchmark::RegisterBenchmark(("memcpy " + name).c_str(), [&copy](benchmark::State& state) {
    copy.by_memcpy(state);
  })->UseRealTime();
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu;
  using namespace fakegpu::bench;
  const Device device("inprocess:");
  const Copy within(device, DRM_FAKEGPU_HEAP_VRAM);
  const Copy upload(device, DRM_FAKEGPU_HEAP_SYSTEM);
  add("VRAM to VRAM", within);
  add("system to VRAM", upload);
  const Comparison comparisons[] = {
      {"SDMA copy of 64 MiB VRAM to VRAM / memcpy, speed", "SDMA VRAM to VRAM",
       "memcpy VRAM to VRAM", Bound::kAtLeast, 0.9},
      {"SDMA copy of 64 MiB system to VRAM / memcpy, speed", "SDMA system to VRAM",
       "memcpy system to VRAM", Bound::kAtLeast, 0.9},
  };
  return run(argc, argv, comparisons);
}
