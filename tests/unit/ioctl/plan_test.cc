// SPDX-License-Identifier: MIT
#include "ioctl/plan.h"

#include <fakegpu_drm.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "ioctl/drm_core.h"

namespace fakegpu::ioctl {
namespace {

template <typename T>
Plan plan_of(uint32_t command, const T& arg) {
  return plan_arrays(*find_row(command), std::as_bytes(std::span(&arg, 1)));
}

using Segments = std::vector<Segment>;

TEST(PlanArrays, SubmitFetchesItsLists) {
  const drm_fakegpu_submit submit{.ib_count = 2,
                                  .ibs = 0x1000,
                                  .in_sync_count = 3,
                                  .out_sync_count = 1,
                                  .in_syncs = 0x2000,
                                  .out_syncs = 0x3000,
                                  .bos = 0x4000,
                                  .bo_count = 2};
  const Plan plan = plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, submit);
  EXPECT_EQ(plan.error, 0);
  EXPECT_EQ(plan.segments, (Segments{{0x1000, 32, Direction::kIn},
                                     {0x2000, 48, Direction::kIn},
                                     {0x3000, 16, Direction::kIn},
                                     {0x4000, 16, Direction::kIn}}));
}

TEST(PlanArrays, NullPointersAndEmptyArraysMoveNothing) {
  EXPECT_TRUE(plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit{}).segments.empty());
  EXPECT_TRUE(
      plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit{.ib_count = 5}).segments.empty());
  EXPECT_TRUE(
      plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit{.ibs = 0x1000}).segments.empty());
  // An unreachable address with nothing behind it is no error either.
  EXPECT_EQ(plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit{.ibs = ~0ull}).error, 0);
}

TEST(PlanArrays, CountsAreCutToTheRowsLimit) {
  const drm_fakegpu_submit submit{.ib_count = 0xffffffff, .ibs = 0x1000};
  EXPECT_EQ(plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, submit).segments,
            (Segments{{0x1000, kMaxSubmitIbs * 16, Direction::kIn}}));
  const drm_fakegpu_query query{.data = 0x1000, .size = 0xffffffff};
  EXPECT_EQ(plan_of(DRM_IOCTL_FAKEGPU_QUERY, query).segments,
            (Segments{{0x1000, kMaxQueryBytes, Direction::kOut}}));
}

TEST(PlanArrays, EightByteCountsAreReadWhole) {
  drm_version version{};
  version.name_len = uint64_t{1} << 32;  // 0 if cut to 32 bits
  version.name = reinterpret_cast<char*>(0x1000);
  version.date_len = ~uint64_t{0};
  version.date = reinterpret_cast<char*>(0x2000);
  version.desc_len = 3;
  version.desc = reinterpret_cast<char*>(0x3000);
  EXPECT_EQ(plan_of(DRM_IOCTL_VERSION, version).segments,
            (Segments{{0x1000, kMaxNameBytes, Direction::kOut},
                      {0x2000, kMaxNameBytes, Direction::kOut},
                      {0x3000, 3, Direction::kOut}}));
}

TEST(PlanArrays, TimelineQueryFetchesHandlesAndStoresPoints) {
  const drm_syncobj_timeline_array query{.handles = 0x1000, .points = 0x2000, .count_handles = 2};
  EXPECT_EQ(plan_of(DRM_IOCTL_SYNCOBJ_QUERY, query).segments,
            (Segments{{0x1000, 8, Direction::kIn}, {0x2000, 16, Direction::kOut}}));
  EXPECT_EQ(plan_of(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, query).segments,
            (Segments{{0x1000, 8, Direction::kIn}, {0x2000, 16, Direction::kIn}}));
}

TEST(PlanArrays, LargestCountsOfEveryRowFitIntoOneCall) {
  for (const Row& row : table()) {
    std::vector<std::byte> arg(row.size, std::byte{0xff});
    for (const ArrayField& array : row.arrays) {
      const uint64_t address = 0x1000;
      std::memcpy(&arg[array.pointer_offset], &address, sizeof(address));
    }
    const Plan plan = plan_arrays(row, arg);
    EXPECT_EQ(plan.error, 0) << row.name;
    EXPECT_EQ(plan.segments.size(), row.arrays.size()) << row.name;
  }
}

TEST(PlanArrays, ArrayThatWrapsTheAddressSpaceIsEfault) {
  const auto at = [](uint64_t address, uint32_t count) {
    return plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit{.ib_count = count, .ibs = address});
  };
  EXPECT_EQ(at(~0ull, 1).error, -EFAULT);
  EXPECT_EQ(at(~0ull - 15, 2).error, -EFAULT);
  EXPECT_TRUE(at(~0ull, 1).segments.empty());
  EXPECT_EQ(at(~0ull - 15, 1).error, 0);  // ends with the last byte
}

TEST(PlanArrays, AnErrorLeavesNoSegments) {
  const drm_fakegpu_submit submit{
      .ib_count = 1, .ibs = 0x1000, .in_sync_count = 1, .in_syncs = ~0ull};
  const Plan plan = plan_of(DRM_IOCTL_FAKEGPU_SUBMIT, submit);
  EXPECT_EQ(plan.error, -EFAULT);
  EXPECT_TRUE(plan.segments.empty());
}

TEST(PlanArrays, OlderSmallerStructIsZeroExtended) {
  const drm_fakegpu_submit submit{
      .ib_count = 1, .ibs = 0x1000, .in_sync_count = 1, .in_syncs = 0x2000};
  const auto bytes = std::as_bytes(std::span(&submit, 1));
  const Row& row = *find_row(DRM_IOCTL_FAKEGPU_SUBMIT);
  EXPECT_EQ(plan_arrays(row, bytes.first(32)).segments,
            (Segments{{0x1000, 16, Direction::kIn}}));  // in_syncs reads as null
  EXPECT_TRUE(plan_arrays(row, bytes.first(16)).segments.empty());
  EXPECT_TRUE(plan_arrays(row, {}).segments.empty());
  // A struct cut in the middle of the pointer keeps the low bytes.
  EXPECT_EQ(plan_arrays(row, bytes.first(18)).segments.size(), 1u);
}

TEST(PlanArrays, NewerLargerStructIsCut) {
  struct Larger {
    drm_syncobj_array known;
    uint64_t unknown;
  } arg{{.handles = 0x1000, .count_handles = 1}, ~0ull};
  EXPECT_EQ(plan_of(DRM_IOCTL_SYNCOBJ_RESET, arg).segments,
            (Segments{{0x1000, 4, Direction::kIn}}));
}

struct TwoArrays {
  uint64_t a;
  uint64_t b;
  uint64_t count_a;
  uint32_t count_b;
  uint32_t pad;
};
Row two_arrays(std::vector<ArrayField>& storage, Direction a, Direction b, uint32_t element) {
  storage = {{"a", 0, 16, 8, element, a, 0xffffffff}, {"b", 8, 24, 4, element, b, 0xffffffff}};
  return {"TEST", 'd', 0, sizeof(TwoArrays), 3, 0, storage, {}};
}

TEST(PlanArrays, AreAsLargeAsTheCallTakesWhateverAMessageMoves) {
  for (const Row& row : table()) {
    if (row.arrays.empty()) continue;
    // All counts and pointers are huge; no array wraps at this address.
    const std::vector<uint8_t> bytes(row.size, 0x7f);
    const Plan plan = plan_arrays(row, std::as_bytes(std::span(bytes)));
    ASSERT_EQ(plan.error, 0) << row.name;
    ASSERT_EQ(plan.segments.size(), row.arrays.size()) << row.name;
    for (size_t i = 0; i < row.arrays.size(); ++i)
      EXPECT_EQ(plan.segments[i].bytes,
                row.arrays[i].max_elements * uint64_t{row.arrays[i].element_bytes})
          << row.name;
  }
}

TEST(PlanArrays, OnlySyncobjCallsCanBeMoreThanAMessageMoves) {
  for (const Row& row : table()) {
    uint64_t in = row.size;
    uint64_t out = row.size;
    for (const ArrayField& array : row.arrays) {
      const uint64_t bytes = array.max_elements * uint64_t{array.element_bytes};
      if (array.direction != Direction::kOut) in += bytes;
      if (array.direction != Direction::kIn) out += bytes;
    }
    if (row.name.find("_SYNCOBJ_") != row.name.npos) continue;
    EXPECT_LE(in, kMaxCallBytes) << row.name;
    EXPECT_LE(out, kMaxCallBytes) << row.name;
  }
}

TEST(PlanArrays, HugeCountsTimesHugeElementsDoNotWrap) {
  std::vector<ArrayField> storage;
  for (const uint32_t element : {1u, 8u, 0x10000u, 0x80000000u, 0xffffffffu}) {
    const Row row = two_arrays(storage, Direction::kIn, Direction::kOut, element);
    const TwoArrays arg{0x1000, 0x1000, ~0ull, 0xffffffff, 0};
    const Plan plan = plan_arrays(row, std::as_bytes(std::span(&arg, 1)));
    if (element == 1) {
      ASSERT_EQ(plan.segments.size(), 2u);
      EXPECT_EQ(plan.segments[0].bytes, 0xffffffff);
      continue;
    }
    EXPECT_EQ(plan.error, -ENOMEM) << element;
    EXPECT_TRUE(plan.segments.empty());
  }
}

TEST(PlanArrays, AnyStructGivesASafePlan) {
  EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& bytes) {
    for (const Row& row : table()) {
      const Plan plan = plan_arrays(row, std::as_bytes(std::span(bytes)));
      for (const Segment& segment : plan.segments) {
        RC_ASSERT(plan.error == 0);
        RC_ASSERT(segment.bytes > 0u);
        RC_ASSERT(segment.address != 0u);
        RC_ASSERT(segment.address + segment.bytes - 1 >= segment.address);
      }
    }
  }));
}

TEST(StructCopy, FollowsTheCommandWord) {
  const StructCopy both = struct_copy(DRM_IOCTL_FAKEGPU_SUBMIT);
  EXPECT_EQ(both.in_bytes, 80u);
  EXPECT_EQ(both.out_bytes, 80u);
  const StructCopy in = struct_copy(DRM_IOCTL_GEM_CLOSE);
  EXPECT_EQ(in.in_bytes, 8u);
  EXPECT_EQ(in.out_bytes, 0u);
  const StructCopy out = struct_copy(DRM_IOCTL_FAKEGPU_CHANNEL);
  EXPECT_EQ(out.in_bytes, 0u);
  EXPECT_EQ(out.out_bytes, 120u);
}

TEST(StructCopy, CallersSizeAndMissingDirectionBitsCount) {
  const StructCopy small = struct_copy(_IOC(3u, 'd', 0xc3, 32));
  EXPECT_EQ(small.in_bytes, 32u);
  EXPECT_EQ(small.out_bytes, 32u);
  EXPECT_EQ(struct_copy(_IOC(_IOC_READ, 'd', 0xc3, 40)).in_bytes, 0u);
  EXPECT_EQ(struct_copy(_IOC(_IOC_WRITE, 'd', 0xc3, 40)).out_bytes, 0u);
  EXPECT_EQ(struct_copy(_IOC(_IOC_NONE, 'd', 0xc3, 40)).in_bytes, 0u);
}

TEST(StructCopy, NothingComesBackFromACallThatOnlyTakes) {
  const StructCopy copy = struct_copy(_IOC(3u, 'd', _IOC_NR(DRM_IOCTL_GEM_CLOSE), 8));
  EXPECT_EQ(copy.in_bytes, 8u);
  EXPECT_EQ(copy.out_bytes, 0u);
  EXPECT_EQ(struct_copy(_IOC(3u, 'd', _IOC_NR(DRM_IOCTL_GET_STATS), 8)).in_bytes, 0u);
}

}  // namespace
}  // namespace fakegpu::ioctl
