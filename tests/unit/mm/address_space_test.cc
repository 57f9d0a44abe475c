// SPDX-License-Identifier: MIT
#include "mm/address_space.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "fixture.h"
#include "hw/page_table.h"

namespace fakegpu::mm::test {
namespace {

namespace pte = hw::pte;

constexpr uint64_t kLeafReach = 2 * kMiB;

// Everything that a root maps: virtual page -> entry.
using Pages = std::map<uint64_t, uint64_t>;

// Reads the tables from physical memory as the format says, and knows nothing of the driver's side.
void walk(const hw::Memory& memory, uint64_t table, unsigned level, uint64_t va, Pages& pages,
          std::set<uint64_t>& tables) {
  const auto bytes = memory.at(table, kPage);
  ASSERT_EQ(bytes.size(), kPage);
  ASSERT_TRUE(tables.insert(table).second) << "a table is linked twice";
  for (uint64_t i = 0; i < 512; ++i) {
    uint64_t entry;
    std::memcpy(&entry, bytes.data() + 8 * i, 8);
    if (entry == 0) continue;
    ASSERT_EQ(entry & 1, 1u);
    const uint64_t at = va | i << (12 + 9 * level);
    if (level == 0) {
      pages[at] = entry;
    } else {
      ASSERT_EQ(entry & 0xfff, 1u);
      walk(memory, entry & ~0xfffull, level - 1, at, pages, tables);
    }
  }
}

Pages pages_of(const hw::Memory& memory, const AddressSpace& space, size_t* tables = nullptr) {
  Pages pages;
  std::set<uint64_t> seen;
  walk(memory, space.root(), 3, 0, pages, seen);
  if (tables) *tables = seen.size();
  return pages;
}

class AddressSpaceTest : public testing::Test {
 protected:
  AddressSpaceRef make_space(uint64_t limit_bytes = 0) {
    auto space =
        AddressSpace::create(world_.manager, world_.driver.arena, world_.driver.usage, limit_bytes);
    EXPECT_TRUE(space);
    return *space;
  }
  BoRef bo(uint64_t size, Heap heap = Heap::kVram) {
    return world_.must_create({.size = size, .heap = heap}, world_.client);
  }
  uint64_t table_bytes() const { return world_.driver.usage->bytes[0]; }

  World world_;
  AddressSpaceRef space_ = make_space();
};

TEST_F(AddressSpaceTest, ANewSpaceMapsNothing) {
  EXPECT_TRUE(pages_of(*world_.memory, *space_).empty());
  EXPECT_EQ(table_bytes(), kPage);
  EXPECT_EQ(space_->bind_count(), 0u);
}

TEST_F(AddressSpaceTest, IdsAreNotReusedWhereRootsAre) {
  const uint64_t id = space_->id();
  const hw::PhysAddr root = space_->root();
  space_.reset();
  space_ = make_space();
  EXPECT_EQ(space_->root(), root);
  EXPECT_NE(space_->id(), id);
}

TEST_F(AddressSpaceTest, EntriesCarryAddressAndRights) {
  const BoRef vram = bo(2 * kPage);
  const BoRef system = bo(2 * kPage, Heap::kSystem);
  ASSERT_TRUE(space_->bind(0x10000, vram, 0, 2 * kPage, false));
  ASSERT_TRUE(space_->bind(0x20000, system, kPage, kPage, true));
  const Pages expected = {
      {0x10000, vram->address() | 0x61},
      {0x11000, (vram->address() + kPage) | 0x61},
      {0x20000, (system->address() + kPage) | 0x23},
  };
  EXPECT_EQ(pages_of(*world_.memory, *space_), expected);
}

TEST_F(AddressSpaceTest, OneBoMayBeBoundManyTimes) {
  const BoRef shared = bo(kPage);
  ASSERT_TRUE(space_->bind(0x10000, shared, 0, kPage, false));
  ASSERT_TRUE(space_->bind(0x11000, shared, 0, kPage, true));
  EXPECT_EQ(shared->ref_count(), 3u);
  EXPECT_EQ(pages_of(*world_.memory, *space_).size(), 2u);
}

TEST_F(AddressSpaceTest, BindsReachBothEndsOfTheRange) {
  const BoRef page = bo(kPage);
  EXPECT_TRUE(space_->bind(kVaStart, page, 0, kPage, false));
  EXPECT_TRUE(space_->bind(kVaEnd - kPage, page, 0, kPage, false));
  size_t tables = 0;
  const Pages pages = pages_of(*world_.memory, *space_, &tables);
  EXPECT_TRUE(pages.contains(kVaStart));
  EXPECT_TRUE(pages.contains(kVaEnd - kPage));
  EXPECT_EQ(tables, 7u);
  EXPECT_EQ(table_bytes(), 7 * kPage);
}

TEST_F(AddressSpaceTest, RefusesWhatIsOutOfRangeOrCrooked) {
  const BoRef pages = bo(4 * kPage);
  struct Case {
    uint64_t va, offset, size;
  };
  const Case cases[] = {
      {0x10000, 0, 0},
      {0x10001, 0, kPage},
      {0x10000, 1, kPage},
      {0x10000, 0, kPage + 1},
      {0, 0, kPage},
      {kVaStart - kPage, 0, 2 * kPage},
      {kVaEnd, 0, kPage},
      {kVaEnd - kPage, 0, 2 * kPage},
      {UINT64_MAX & ~(kPage - 1), 0, kPage},
      {UINT64_MAX & ~(kPage - 1), 0, 2 * kPage},
      {0x10000, 0, 0 - kPage},
      {0x10000, 0, 5 * kPage},
      {0x10000, 4 * kPage, kPage},
      {0x10000, kPage, 4 * kPage},
      {0x10000, 0 - kPage, kPage},
      {0x10000, 0 - kPage, 2 * kPage},
      {1ull << 48, 0, kPage},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(code_of(space_->bind(c.va, pages, c.offset, c.size, false)), EINVAL)
        << std::hex << c.va << " " << c.offset << " " << c.size;
  }
  EXPECT_EQ(space_->bind_count(), 0u);
  EXPECT_EQ(table_bytes(), kPage);
  EXPECT_EQ(pages->ref_count(), 1u);
}

TEST_F(AddressSpaceTest, RefusesToBindOverABind) {
  const BoRef pages = bo(4 * kPage);
  ASSERT_TRUE(space_->bind(0x20000, pages, 0, 2 * kPage, false));
  const Pages before = pages_of(*world_.memory, *space_);
  EXPECT_EQ(code_of(space_->bind(0x20000, pages, 0, kPage, false)), EEXIST);
  EXPECT_EQ(code_of(space_->bind(0x21000, pages, 0, kPage, false)), EEXIST);
  EXPECT_EQ(code_of(space_->bind(0x1f000, pages, 0, 2 * kPage, false)), EEXIST);
  EXPECT_EQ(code_of(space_->bind(0x1f000, pages, 0, 4 * kPage, false)), EEXIST);
  EXPECT_EQ(pages_of(*world_.memory, *space_), before);
  EXPECT_TRUE(space_->bind(0x1f000, pages, 0, kPage, false));
  EXPECT_TRUE(space_->bind(0x22000, pages, 0, kPage, false));
}

TEST_F(AddressSpaceTest, UnbindGivesTheBindBackAndClearsItsPages) {
  const BoRef pages = bo(4 * kPage);
  ASSERT_TRUE(space_->bind(0x20000, pages, kPage, 2 * kPage, true));
  const uint64_t sequence = space_->flush_sequence();
  EXPECT_EQ(code_of(space_->unbind(0x21000)), ENOENT);
  EXPECT_EQ(code_of(space_->unbind(0x1f000)), ENOENT);
  EXPECT_EQ(space_->flush_sequence(), sequence);

  const auto bind = space_->unbind(0x20000);
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->bo, pages);
  EXPECT_EQ(bind->bo_offset, kPage);
  EXPECT_EQ(bind->size, 2 * kPage);
  EXPECT_TRUE(bind->read_only);
  EXPECT_GT(space_->flush_sequence(), sequence);
  EXPECT_TRUE(pages_of(*world_.memory, *space_).empty());
  EXPECT_EQ(code_of(space_->unbind(0x20000)), ENOENT);
  // Tables stay: a walk may be in one.
  EXPECT_EQ(table_bytes(), 4 * kPage);
  EXPECT_TRUE(space_->bind(0x20000, pages, 0, kPage, false));
  EXPECT_EQ(table_bytes(), 4 * kPage);
}

TEST_F(AddressSpaceTest, ABindAcrossTablesIsComplete) {
  const uint64_t va = (1ull << 39) - kLeafReach;  // the next root entry begins inside
  const BoRef big = bo(2 * kLeafReach);
  ASSERT_TRUE(space_->bind(va, big, 0, big->size(), false));
  size_t tables = 0;
  const Pages pages = pages_of(*world_.memory, *space_, &tables);
  EXPECT_EQ(tables, 7u);
  ASSERT_EQ(pages.size(), 1024u);
  for (const auto& [at, entry] : pages) EXPECT_EQ(entry, (big->address() + at - va) | 0x61);
}

TEST_F(AddressSpaceTest, TablesAreBoundedPerSpace) {
  space_ = make_space(4 * kPage);
  const BoRef page = bo(kPage);
  ASSERT_TRUE(space_->bind(0x10000, page, 0, kPage, false));
  EXPECT_EQ(code_of(space_->bind(kLeafReach, page, 0, kPage, false)), ENOSPC);
  EXPECT_EQ(table_bytes(), 4 * kPage);
  // What needs no table is still possible.
  EXPECT_TRUE(space_->bind(0x11000, page, 0, kPage, false));
  EXPECT_EQ(space_->bind_count(), 2u);
}

TEST_F(AddressSpaceTest, AnEighthOfVramIsTheLimitUnlessGiven) {
  const BoRef page = bo(kPage);
  int code = 0;
  uint64_t va = kLeafReach;
  for (; code == 0; va += kLeafReach) code = code_of(space_->bind(va, page, 0, kPage, false));
  EXPECT_EQ(code, ENOSPC);
  EXPECT_LE(table_bytes(), kHeapBytes / 8);
  EXPECT_GT(table_bytes(), kHeapBytes / 8 - 4 * kPage);
  // Other spaces are not concerned.
  EXPECT_TRUE(make_space()->bind(0x10000, page, 0, kPage, false));
}

TEST_F(AddressSpaceTest, WithoutRoomForTablesNothingChanges) {
  const BoRef page = bo(kPage);
  ASSERT_TRUE(space_->bind(0x10000, page, 0, kPage, false));
  const Pages before = pages_of(*world_.memory, *space_);
  // Leaves room for two tables where a far bind needs three.
  const uint64_t rest =
      world_.manager.heap_size(Heap::kVram) - world_.manager.heap_used(Heap::kVram);
  BoRef filler = bo(rest - 2 * kPage);
  EXPECT_EQ(code_of(space_->bind(1ull << 40, page, 0, kPage, false)), ENOSPC);
  EXPECT_EQ(world_.manager.heap_used(Heap::kVram), kHeapBytes - 2 * kPage);
  EXPECT_EQ(pages_of(*world_.memory, *space_), before);
  EXPECT_EQ(space_->bind_count(), 1u);
  EXPECT_EQ(page->ref_count(), 2u);
  filler.reset();
  EXPECT_TRUE(space_->bind(1ull << 40, page, 0, kPage, false));
}

TEST_F(AddressSpaceTest, ANewSpaceNeedsRoomForItsRoot) {
  const BoRef filler = bo(kHeapBytes - world_.manager.heap_used(Heap::kVram));
  const auto space = AddressSpace::create(world_.manager, world_.driver.arena, world_.driver.usage);
  EXPECT_EQ(code_of(space), ENOSPC);
}

TEST_F(AddressSpaceTest, DestructionDropsBindsAndTables) {
  const BoRef pages = bo(4 * kPage);
  ASSERT_TRUE(space_->bind(0x10000, pages, 0, kPage, false));
  ASSERT_TRUE(space_->bind(1ull << 40, pages, 0, 4 * kPage, false));
  space_.reset();
  EXPECT_EQ(table_bytes(), 0u);
  EXPECT_EQ(pages->ref_count(), 1u);
  EXPECT_EQ(world_.manager.bo_count(), 1u);
}

TEST_F(AddressSpaceTest, LostVramDoesNotConfuseTheDriver) {
  const BoRef pages = bo(4 * kPage);
  ASSERT_TRUE(space_->bind(0x10000, pages, 0, kPage, false));
  const auto root = world_.memory->at(space_->root(), kPage);
  std::memset(root.data(), 0xff, root.size());
  EXPECT_TRUE(space_->bind(0x11000, pages, 0, kPage, false));
  EXPECT_TRUE(space_->bind(1ull << 40, pages, 0, kPage, false));
  EXPECT_TRUE(space_->unbind(0x10000));
  space_.reset();
  EXPECT_EQ(table_bytes(), 0u);
}

// Near each kind of table boundary, where binds share tables at some levels and not at others.
uint64_t draw_page() {
  const std::vector<uint64_t> centers = {kVaStart,   kLeafReach, 1ull << 30,
                                         1ull << 39, 1ull << 46, kVaEnd};
  const uint64_t center = *rc::gen::elementOf(centers);
  const auto offset = *rc::gen::inRange<int64_t>(-40, 40);
  return center + static_cast<uint64_t>(offset * static_cast<int64_t>(kPage));
}

RC_GTEST_FIXTURE_PROP(AddressSpaceTest, TablesShowExactlyTheBinds, ()) {
  const BoRef bos[] = {bo(16 * kPage), bo(16 * kPage, Heap::kSystem)};
  struct Bound {
    size_t bo;
    uint64_t offset, size;
    bool read_only;
  };
  std::map<uint64_t, Bound> model;

  const int steps = *rc::gen::inRange(0, 60);
  for (int step = 0; step < steps; ++step) {
    if (*rc::gen::inRange(0, 3) != 0 || model.empty()) {
      const uint64_t va = draw_page();
      Bound bound;
      bound.bo = *rc::gen::inRange<size_t>(0, 2);
      bound.offset = *rc::gen::inRange<uint64_t>(0, 17) * kPage;
      bound.size = *rc::gen::inRange<uint64_t>(0, 17) * kPage;
      bound.read_only = *rc::gen::arbitrary<bool>();
      const bool inside = bound.size > 0 && bound.offset + bound.size <= 16 * kPage &&
                          va >= kVaStart && va < kVaEnd && bound.size <= kVaEnd - va;
      bool free = true;
      for (const auto& [at, other] : model) free &= at + other.size <= va || va + bound.size <= at;
      const int expected = !inside ? EINVAL : !free ? EEXIST : 0;
      RC_ASSERT(code_of(space_->bind(va, bos[bound.bo], bound.offset, bound.size,
                                     bound.read_only)) == expected);
      if (expected == 0) model[va] = bound;
    } else {
      const auto victim = std::next(model.begin(), *rc::gen::inRange<size_t>(0, model.size()));
      RC_ASSERT(space_->unbind(victim->first).has_value());
      model.erase(victim);
    }
  }

  Pages expected;
  for (const auto& [va, bound] : model) {
    for (uint64_t at = 0; at < bound.size; at += kPage) {
      expected[va + at] = (bos[bound.bo]->address() + bound.offset + at) |
                          (bound.read_only ? 0x21 : 0x61) | (bound.bo == 1 ? 2 : 0);
    }
  }
  size_t tables = 0;
  RC_ASSERT(pages_of(*world_.memory, *space_, &tables) == expected);
  RC_ASSERT(table_bytes() == tables * kPage);
  RC_ASSERT(space_->bind_count() == model.size());
  space_.reset();
  RC_ASSERT(table_bytes() == 0u);
}

}  // namespace
}  // namespace fakegpu::mm::test
