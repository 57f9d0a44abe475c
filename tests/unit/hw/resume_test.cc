// SPDX-License-Identifier: MIT
// However a ring is sliced, and in whatever order simultaneous events run: the same packets leave
// the same memory.
#include <rapidcheck.h>

#include "packets/kernels.h"
#include "packets/registers.h"
#include "rig.h"

namespace fakegpu::hw {
namespace {

constexpr uint64_t kData = Rig::kClientVa + 0x100000;  // 2 MiB of the client's
constexpr PhysAddr kDataAt = 0x100000;
constexpr uint64_t kDataBytes = 2u << 20;
constexpr uint64_t kArguments = kData + kDataBytes - 4096;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Words pm4_packet() {
    switch (random_() % 9) {
      case 0: {
        Words data(random_() % 40 + 1);
        for (uint32_t& dword : data) dword = number();
        return words(pm4::WriteData{.address = place(4), .data = data});
      }
      case 1:
        return words(pm4::CopyData{.value = place(4), .address = place(4)});
      case 2:
        return words(
            pm4::DmaData{.source_address = place(1), .address = place(1), .bytes = size()});
      case 3:
        return words(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                  .source_address = number(),
                                  .address = place(4),
                                  .bytes = (size() + 3) & ~3u});
      case 4:
        return words(pm4::AtomicMem{
            .op = packets::AtomicOp::kAdd64, .address = place(8), .data = random_()});
      case 5:
        return words(pm4::Hash{.address = place(1), .bytes = size(), .destination = place(8)});
      case 6: {
        const Words skipped = words(pm4::AtomicMem{.address = place(4), .data = number()});
        return words(pm4::CondExec{.address = place(4),
                                   .count = static_cast<uint16_t>(skipped.size())}) +
               skipped;
      }
      case 7:
        return words(pm4::Work{.units = static_cast<uint32_t>(random_() % 9),
                               .unit_ns = static_cast<uint32_t>(random_() % 20'000),
                               .progress_address = place(4)});
      default:
        return dispatch();
    }
  }

  Words sdma_packet() {
    switch (random_() % 4) {
      case 0:
        return words(
            sdma::CopyLinear{.source = place(1), .destination = place(1), .bytes = size()});
      case 1:
        return words(sdma::ConstFill{
            .destination = place(4), .data = number(), .bytes = (size() + 3) & ~3u});
      case 2:
        return words(sdma::Fence{.address = place(4), .data = number()});
      default:
        return words(sdma::AtomicMem{.address = place(4), .data = number()});
    }
  }

 private:
  uint32_t number() { return static_cast<uint32_t>(random_()); }
  uint64_t place(uint64_t alignment) {
    return kData + random_() % (kDataBytes / 2) / alignment * alignment;
  }
  uint32_t size() {
    return 1 + static_cast<uint32_t>(random_() % (random_() % 3 ? 5'000 : 600'000));
  }

  // Arguments and dispatch, in the IB itself.
  Words dispatch() {
    const packets::kernels::Copy copy{place(4), place(4), random_() % 9'000};
    Words arguments(sizeof(copy) / 4);
    std::memcpy(arguments.data(), &copy, sizeof(copy));
    const Words program = {static_cast<uint32_t>(packets::kernels::Id::kCopy), 0};
    const Words pointer = {static_cast<uint32_t>(kArguments),
                           static_cast<uint32_t>(kArguments >> 32)};
    return words(pm4::WriteData{.address = kArguments, .data = arguments},
                 pm4::SetShReg{.offset = packets::sh::kComputePgmLo, .values = program},
                 pm4::SetShReg{.offset = packets::sh::kComputeUserData0, .values = pointer},
                 pm4::DispatchDirect{.x = static_cast<uint32_t>(random_() % 10)});
  }

  std::mt19937_64 random_;
};

std::vector<std::byte> image_of(uint64_t program, unsigned slice, uint64_t seed, bool modelled) {
  Profile profile = small_profile();
  profile.slice = slice;
  if (modelled) profile.cost = CostModel::modelled();
  Rig rig(profile, seed);
  rig.map(Rig::kClient, Rig::kClientVa, Rig::kClientMemory, 0x40000);
  rig.map(Rig::kClient, kData, kDataAt, kDataBytes);
  // Every other page from elsewhere, so that accesses are cut into runs.
  for (uint64_t page = 0; page < kDataBytes; page += 8 * kPageSize)
    rig.map(Rig::kClient, kData + page, 0x800000 + page, kPageSize);

  Generator generator(program);
  const bool sdma = program % 3 == 0;
  Words ib;
  for (int i = 0; i < 30; ++i) ib = ib + (sdma ? generator.sdma_packet() : generator.pm4_packet());
  const unsigned ring = sdma ? kSdma : kCompute;
  rig.submit(ring, rig.client_ib(ring, ib));
  rig.run();
  EXPECT_TRUE(rig.idle(ring)) << "program " << program << " fault " << rig.fault(ring);
  const auto low = rig.function().memory().at(kDataAt, kDataBytes);
  const auto high = rig.function().memory().at(0x800000, kDataBytes);
  std::vector<std::byte> image(low.begin(), low.end());
  image.insert(image.end(), high.begin(), high.end());
  return image;
}

TEST(Resume, SlicingChangesNothing) {
  for (uint64_t program = 0; program < 25; ++program) {
    const auto expected = image_of(program, 64, 1, false);
    EXPECT_EQ(image_of(program, 1, 2, false), expected) << program;
    EXPECT_EQ(image_of(program, 3, 3, true), expected) << program;
  }
}

TEST(Resume, SlicingChangesNothingForRandomPrograms) {
  EXPECT_TRUE(rc::check([](uint64_t program) {
    const unsigned slice = *rc::gen::inRange(1u, 10u);
    RC_ASSERT(image_of(program, slice, program + 1, false) == image_of(program, 1000, 1, false));
  }));
}

TEST(Resume, OneSeedIsOneTrace) {
  const auto trace_of = [](uint64_t seed) {
    Profile profile = small_profile();
    profile.cost = CostModel::modelled();
    profile.slice = 2;
    Rig rig(profile, seed);
    rig.tracer.set_sink(&rig.trace);
    for (uint32_t i = 0; i < 20; ++i)
      for (const unsigned ring : {kGfx, kCompute, kCompute + 1})
        rig.submit(ring, words(pm4::Mark{.id = i},
                               pm4::ReleaseMem{.address = kFree + 64 * ring, .data = i + 1}));
    rig.run();
    return rig.trace.text();
  };
  EXPECT_EQ(trace_of(5), trace_of(5));
  EXPECT_NE(trace_of(5), trace_of(6));
}

}  // namespace
}  // namespace fakegpu::hw
