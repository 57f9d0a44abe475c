// SPDX-License-Identifier: MIT
// A chip with memory bound and a driver just big enough to program it: rings, interrupt ring, page
// tables. All through hw::Function, as the real driver does.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/trace.h"
#include "base/virtual_executor.h"
#include "hw/gpu.h"
#include "hw/interrupt.h"
#include "hw/page_table.h"
#include "hw/registers.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::hw {

namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;
using packets::Words;

inline constexpr uint64_t kVram = 32u << 20;
inline constexpr uint64_t kSystem = 16u << 20;
// What the rig itself uses: in system memory the interrupt ring and the rings, in VRAM page tables
// from kTables on. The rest is the test's.
inline constexpr PhysAddr kIhBase = kSystemBase;
inline constexpr uint32_t kIhBytes = 4096;
inline constexpr uint32_t kRingDwords = 1024;
inline constexpr PhysAddr kTables = kVram - (4u << 20);
inline constexpr PhysAddr kFree = kSystemBase + 0x100000;

inline constexpr unsigned kGfx = 0;
inline constexpr unsigned kCompute = 1;
inline constexpr unsigned kSdma = 5;

inline constexpr uint64_t kAllRights = pte::kReadable | pte::kWritable;

inline Profile small_profile() {
  Profile profile;
  profile.vram_bytes = kVram;
  profile.system_bytes = kSystem;
  return profile;
}

template <typename... Packets>
Words words(const Packets&... packet) {
  Words out;
  (packet.encode(out), ...);
  return out;
}

inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The chip and its driver; the executor is the derived rig's.
class ChipRig {
 public:
  ChipRig(const Profile& profile, base::Clock& clock, base::Executor& executor);

  Function& function() { return *function_; }
  uint32_t reg(unsigned ring, uint32_t offset) {
    return function_->read32(reg::ring(ring, offset));
  }
  void set_reg(unsigned ring, uint32_t offset, uint32_t value) {
    function_->write32(reg::ring(ring, offset), value);
  }
  uint64_t rptr(unsigned ring) { return function_->read64(reg::ring(ring, reg::kRingRptrLo)); }
  uint32_t status(unsigned ring) { return reg(ring, reg::kRingStatus); }
  bool idle(unsigned ring) { return status(ring) == 0; }
  uint32_t fault(unsigned ring) { return reg(ring, reg::kRingFault); }

  PhysAddr ring_base(unsigned ring) const { return kSystemBase + 0x10000 + ring * 0x4000; }
  void start_ring(unsigned ring);
  // Writes packets to the ring and rings the doorbell.
  void submit(unsigned ring, const Words& packets);

  template <typename T>
  T& at(PhysAddr address, size_t count = 1) {
    const std::span<std::byte> bytes = function_->memory().at(address, count * sizeof(T));
    if (bytes.empty()) throw std::out_of_range("no memory there");
    return *reinterpret_cast<T*>(bytes.data());
  }
  uint32_t& dword(PhysAddr address) { return at<uint32_t>(address); }
  uint64_t& qword(PhysAddr address) { return at<uint64_t>(address); }
  void put(PhysAddr address, const Words& data) {
    std::memcpy(&at<uint32_t>(address, data.size()), data.data(), data.size() * 4);
  }

  // Maps pages; `rights` of 0 makes the entries invalid. Invalidation is the caller's.
  void map(unsigned vmid, uint64_t va, PhysAddr physical, uint64_t size,
           uint64_t rights = kAllRights);
  void invalidate(unsigned vmid) { function_->write32(reg::kVmInvalidate, 1u << vmid); }

  std::vector<IhEntry> take_interrupts();

  std::unique_ptr<Gpu> gpu;
  base::TextTrace trace;
  base::Tracer tracer;
  int handler_calls = 0;

 private:
  PhysAddr new_table();

  Function* function_;
  std::map<unsigned, uint64_t> wptr_;
  std::map<unsigned, PhysAddr> roots_;
  PhysAddr next_table_ = kTables;
  uint32_t ih_rptr_ = 0;
};

struct VirtualTime {
  explicit VirtualTime(uint64_t seed) : executor(seed, 1'000'000'000) {}
  base::VirtualExecutor executor;
};

class Rig : private VirtualTime, public ChipRig {
 public:
  explicit Rig(const Profile& profile = small_profile(), uint64_t seed = 1)
      : VirtualTime(seed), ChipRig(profile, executor, executor) {
    run();
  }
  ~Rig() { function().set_interrupt_handler(nullptr); }

  using VirtualTime::executor;
  base::Nanos now() const { return executor.now(); }
  void run() { executor.run(); }
  void run_for(base::Nanos span) { executor.run_for(span); }
  // Submits, runs until nothing is left to do, and expects the ring to have done it all.
  void execute(unsigned ring, const Words& packets) {
    submit(ring, packets);
    run();
    EXPECT_EQ(status(ring), 0u) << "fault " << fault(ring);
  }
  // Submits, and expects the queue to stop for `reason` with one interrupt that says so.
  void expect_fault(unsigned ring, const Words& packets, uint32_t reason);
  // The same from an IB that runs under `vmid`, at kClientIb.
  void expect_client_fault(unsigned ring, const Words& ib, uint32_t reason);
  void execute_client(unsigned ring, const Words& ib);

  // A client: VMID 3 with 64 KiB at kClientVa, its IB in the first half.
  static constexpr unsigned kClient = 3;
  static constexpr uint64_t kClientVa = 0x40'0000'0000;
  static constexpr PhysAddr kClientMemory = kFree + 0x100000;
  static constexpr uint64_t kClientData = kClientVa + 0x8000;
  static constexpr PhysAddr kClientDataAt = kClientMemory + 0x8000;
  void make_client() { map(kClient, kClientVa, kClientMemory, 0x10000); }
  Words client_ib(unsigned ring, const Words& ib);
};

}  // namespace fakegpu::hw
