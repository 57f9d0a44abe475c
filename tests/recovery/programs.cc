// SPDX-License-Identifier: MIT
#include "programs.h"

#include <algorithm>

#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::tests {

namespace {

namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;
using base::kNanosPerMilli;
using packets::Words;

constexpr uint64_t kUnmapped = 0x7000'0000'0000;

// The same for both kinds of engine.
class Writer {
 public:
  explicit Writer(bool sdma) : sdma_(sdma) {}

  void store(uint64_t va, uint32_t value) {
    if (sdma_) {
      put(sdma::WriteLinear{va, {&value, 1}});
    } else {
      put(pm4::WriteData{.address = va, .data = {&value, 1}});
    }
  }
  void copy(uint64_t from, uint64_t to) {
    if (sdma_) {
      put(sdma::CopyLinear{from, to, 4});
    } else {
      put(pm4::CopyData{.value = from, .address = to});
    }
  }
  void increment(uint64_t va) {
    if (sdma_) {
      put(sdma::AtomicMem{.address = va, .data = 1});
    } else {
      put(pm4::AtomicMem{.address = va, .data = 1});
    }
  }
  void fill(uint64_t va, uint32_t value, uint32_t dwords) {
    if (sdma_) {
      put(sdma::ConstFill{va, value, dwords * 4});
    } else {
      put(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                       .source_address = value,
                       .address = va,
                       .bytes = dwords * 4});
    }
  }
  // `zero` is what its name says.
  void pause(uint64_t zero, bool is_long) {
    if (sdma_) {
      const uint16_t retries = is_long ? 30 : 6;
      put(sdma::PollRegMem{.address = zero, .reference = 1, .retries = retries});
    } else {
      put(pm4::Work{.units = 1, .unit_ns = is_long ? 5'000'000u : 60'000u});
    }
  }
  void wait_for_ever(uint64_t zero) {
    if (sdma_) {
      put(sdma::PollRegMem{.address = zero, .reference = 1});
    } else {
      put(pm4::WaitRegMem{.address = zero, .reference = 1, .interval = 0xffff});
    }
  }
  void runaway(uint64_t va) {
    put(pm4::Work{.units = 1'000'000, .unit_ns = 100'000, .progress_address = va});
  }
  void hang(pm4::Hang::Mode mode) { put(pm4::Hang{.mode = mode}); }
  void raw(std::initializer_list<uint32_t> dwords) { words_.insert(words_.end(), dwords); }

  Words take() { return std::move(words_); }

 private:
  template <typename Packet>
  void put(const Packet& packet) {
    packet.encode(words_);
  }

  bool sdma_;
  Words words_;
};

void put_good(Writer& out, const Place& place, uint32_t tag, uint64_t reads, bool long_pauses) {
  out.store(place.va, tag);
  out.pause(place.zero(), long_pauses);
  out.store(place.va + 4, tag + 1);
  out.store(place.va + 8, tag + 2);
  out.copy(reads ? reads : place.va + 8, place.va + 12);
  out.pause(place.zero(), long_pauses);
  out.fill(place.va + 16, tag + 4, 3);
  out.store(place.handed_over(), tag);
  out.increment(place.va + 28);
}

constexpr FaultKind kFaults[] = {
    {"hang-wave", Origin::kPackets, false, 1, true},
    {"hang-processor", Origin::kPackets, false, 2, true},
    {"hang-past-queue-reset", Origin::kPackets, false, 3, true},
    {"hang-past-engine-reset", Origin::kPackets, false, 4, true},
    {"runaway-writes", Origin::kPackets, false, 1, true},
    {"hang-once", Origin::kInjected, true, 1, true},
    {"endless-wait", Origin::kPackets, true, 2, true},
    {"bad-opcode", Origin::kPackets, true, 2, false},
    {"bad-length", Origin::kPackets, true, 2, false},
    {"corrupt-header", Origin::kInjected, true, 2, false},
    {"bad-address-read", Origin::kPackets, true, 2, false},
    {"bad-address-write", Origin::kPackets, true, 2, false},
    {"read-only-write", Origin::kPackets, true, 2, false},
    {"slow-but-legal", Origin::kInjected, true, 0, false},
    {"lost-interrupt", Origin::kDevice, true, 0, false},
    {"late-interrupt", Origin::kDevice, true, 0, false},
    {"duplicate-interrupt", Origin::kDevice, true, 0, false},
    {"stuck-doorbell", Origin::kDevice, true, 0, false},
};

}  // namespace

std::span<const FaultKind> fault_kinds() {
  return kFaults;
}

const FaultKind& fault_kind(std::string_view name) {
  return *std::ranges::find(kFaults, name, &FaultKind::name);
}

Words good_program(bool sdma, const Place& place, uint32_t tag, uint64_t reads, bool long_pauses) {
  Writer out(sdma);
  put_good(out, place, tag, reads, long_pauses);
  return out.take();
}

Words bad_program(const FaultKind& fault, bool sdma, const Place& place, uint32_t tag) {
  using Mode = pm4::Hang::Mode;
  Writer out(sdma);
  out.store(place.va, tag);
  const std::string_view name = fault.name;
  if (name == "hang-wave") out.hang(Mode::kWave);
  if (name == "hang-processor") out.hang(Mode::kProcessor);
  if (name == "hang-past-queue-reset") out.hang(Mode::kIgnoreQueueReset);
  if (name == "hang-past-engine-reset") out.hang(Mode::kSurviveSoftReset);
  if (name == "runaway-writes") out.runaway(place.va);
  if (name == "endless-wait") out.wait_for_ever(place.zero());
  if (name == "bad-opcode") sdma ? out.raw({0xff, 0}) : out.raw({pm4::type3(0x77, 1), 0});
  if (name == "bad-length") {
    // More than is left of the IB; and less than the packet needs.
    sdma ? out.raw({sdma::WriteLinear::kOpcode, 0, 0, 0xfffff})
         : out.raw({pm4::type3(pm4::WriteData::kOpcode, 2), 0, 0});
  }
  if (name == "bad-address-read") out.copy(kUnmapped, place.va + 4);
  if (name == "bad-address-write") out.store(kUnmapped, tag);
  if (name == "read-only-write") out.store(place.read_only_va, tag);
  put_good(out, place, tag, 0, false);
  return out.take();
}

base::FaultSpec injection(const FaultKind& fault, unsigned ring) {
  base::FaultSpec spec{.name = std::string(fault.name), .ring = static_cast<int>(ring), .nth = 1};
  if (fault.origin == Origin::kInjected) spec.nth = 2;
  if (fault.name == "hang-once") spec.name = "hang";
  if (fault.name == "corrupt-header") spec.name = "corrupt-packet";
  if (fault.name == "slow-but-legal") {
    spec.name = "slow-packet";
    spec.duration = 80 * kNanosPerMilli;
  }
  if (fault.name == "late-interrupt") spec.duration = 50 * kNanosPerMilli;
  return spec;
}

}  // namespace fakegpu::tests
