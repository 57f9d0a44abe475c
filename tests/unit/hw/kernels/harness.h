// SPDX-License-Identifier: MIT
// Runs a kernel as an engine does, group by group, in an order of the test's choice.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "fake_memory.h"
#include "kernel.h"
#include "packets/kernels.h"
#include "reference.h"

namespace fakegpu::hw::test {

template <typename Args>
std::span<const std::byte> bytes_of(const Args& a) {
  return std::as_bytes(std::span(&a, 1));
}

inline const Kernel& kernel(args::Id id) {
  return *find_kernel(static_cast<uint32_t>(id));
}

template <typename Args>
KernelResult check(args::Id id, const Args& a) {
  return kernel(id).check(bytes_of(a), {1, 1, 1});
}

// Every group of the grid and one more in each direction, which lies outside.
inline std::vector<Grid> all_groups(uint64_t x, uint64_t y) {
  std::vector<Grid> groups;
  for (uint32_t j = 0; j <= y; ++j)
    for (uint32_t i = 0; i <= x; ++i) groups.push_back({i, j, 0});
  groups.push_back({0, 0, 1});
  groups.push_back({UINT32_MAX, 0, 0});
  groups.push_back({0, UINT32_MAX, 0});
  return groups;
}
inline std::vector<Grid> groups_of(uint64_t count) {
  return all_groups(args::groups(count, args::kLinearGroup), 0);
}
inline std::vector<Grid> groups_of(const args::Image& image) {
  return all_groups(args::groups(image.width, args::kTileWidth),
                    args::groups(image.height, args::kTileHeight));
}

template <typename Args>
KernelResult run(args::Id id, const Args& a, FakeMemory& memory, std::span<const Grid> groups) {
  const KernelResult checked = check(id, a);
  if (checked != KernelResult::kOk) return checked;
  for (const Grid& group : groups) {
    const KernelResult result = kernel(id).run(bytes_of(a), group, memory);
    if (result != KernelResult::kOk) return result;
  }
  return KernelResult::kOk;
}

// Inside of a property: the kernel gives what the reference gives, in the order given, and, unless
// `ordered`, in any other.
template <typename Args>
void expect_reference(args::Id id, const Args& a, const FakeMemory& start, std::vector<Grid> groups,
                      bool ordered = false) {
  FakeMemory expected = start;
  reference(a, expected);
  FakeMemory memory = start;
  RC_ASSERT(run(id, a, memory, groups) == KernelResult::kOk);
  RC_ASSERT(memory == expected);
  if (ordered) return;

  std::mt19937 random(*rc::gen::arbitrary<uint32_t>());
  std::shuffle(groups.begin(), groups.end(), random);
  FakeMemory shuffled = start;
  RC_ASSERT(run(id, a, shuffled, groups) == KernelResult::kOk);
  RC_ASSERT(shuffled == expected);
}

// Inside of a property: one group alone writes its own part of the result and nothing else. `part`
// gives the byte ranges of a group.
struct ByteRange {
  uint64_t va;
  uint64_t bytes;
};
template <typename Args>
void expect_own_part(args::Id id, const Args& a, const FakeMemory& start, const Grid& group,
                     const std::vector<ByteRange>& part) {
  FakeMemory whole = start;
  reference(a, whole);
  FakeMemory expected = start;
  for (const ByteRange& range : part)
    for (uint64_t i = 0; i < range.bytes; ++i)
      expected.put(range.va + i, whole.get<std::byte>(range.va + i));
  FakeMemory memory = start;
  RC_ASSERT(run(id, a, memory, std::span(&group, 1)) == KernelResult::kOk);
  RC_ASSERT(memory == expected);
}

inline std::vector<ByteRange> part_of(uint64_t va, uint64_t count, const Grid& group) {
  const uint64_t first = uint64_t{group.x} * 1024;
  if (first >= count) return {};
  return {{va + 4 * first, 4 * std::min<uint64_t>(1024, count - first)}};
}
inline std::vector<ByteRange> part_of(const args::Image& image, const Grid& group) {
  std::vector<ByteRange> rows;
  const uint64_t x = uint64_t{group.x} * 64;
  for (uint64_t y = uint64_t{group.y} * 16; y < image.height && y < group.y * 16u + 16; ++y) {
    if (x >= image.width) break;
    rows.push_back({image.address + y * image.stride_bytes + 4 * x,
                    4 * std::min<uint64_t>(64, image.width - x)});
  }
  return rows;
}

// Short runs of any length, or of whole words.
inline uint64_t draw_cut() {
  return *rc::gen::inRange<uint64_t>(1, 98);
}
inline uint64_t draw_word_cut() {
  return 8 * *rc::gen::inRange<uint64_t>(1, 13);
}
inline uint64_t draw_seed() {
  return *rc::gen::arbitrary<uint64_t>();
}
inline uint64_t draw_address() {
  return 4 * *rc::gen::inRange<uint64_t>(0x4000, 0x5000);
}

}  // namespace fakegpu::hw::test
