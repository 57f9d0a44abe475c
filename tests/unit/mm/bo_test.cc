// SPDX-License-Identifier: MIT
#include "mm/bo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "fixture.h"

namespace fakegpu::mm::test {
namespace {

class BoTest : public testing::Test {
 protected:
  World world_;
};

base::Mapping map(int fd, uint64_t offset, uint64_t size) {
  return std::move(*base::Mapping::map_shared(fd, offset, size, PROT_READ | PROT_WRITE));
}

bool all_are(std::span<const std::byte> bytes, uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [&](std::byte b) { return b == std::byte{value}; });
}

uint64_t allocated_bytes(int fd) {
  struct stat status;
  EXPECT_EQ(::fstat(fd, &status), 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

TEST_F(BoTest, RoundsUpToPagesAndAlignsToAPage) {
  const BoRef bo = world_.must_create({.size = 1}, world_.client);
  EXPECT_EQ(bo->size(), kPage);
  EXPECT_EQ(bo->alignment(), kPage);
  EXPECT_EQ(bo->bytes().size(), kPage);
  EXPECT_EQ(bo->address() % kPage, 0u);
  EXPECT_EQ(world_.manager.heap_used(Heap::kVram), kPage);
  EXPECT_EQ(world_.manager.heap_used(Heap::kSystem), 0u);
  EXPECT_EQ(world_.manager.bo_count(), 1u);
}

TEST_F(BoTest, KeepsTheAlignmentThatWasAskedFor) {
  const BoRef first = world_.must_create({.size = kPage}, world_.client);
  const BoRef second = world_.must_create({.size = kPage, .alignment = kMiB}, world_.client);
  EXPECT_EQ(second->address(), kMiB);
  EXPECT_EQ(second->alignment(), kMiB);
  const BoRef small = world_.must_create({.size = kPage, .alignment = 8}, world_.client);
  EXPECT_EQ(small->address() % kPage, 0u);
}

TEST_F(BoTest, HeapsHaveTheirOwnAddresses) {
  const BoRef vram = world_.must_create({.size = kPage}, world_.client);
  const BoRef system = world_.must_create({.size = kPage, .heap = Heap::kSystem}, world_.client);
  EXPECT_LT(vram->address(), kHeapBytes);
  EXPECT_GE(system->address(), hw::kSystemBase);
  EXPECT_EQ(world_.client.usage->bytes[0], kPage);
  EXPECT_EQ(world_.client.usage->bytes[1], kPage);
}

TEST_F(BoTest, ClientSeesTheSamePagesAtTheAddressInItsArena) {
  for (const Heap heap : {Heap::kVram, Heap::kSystem}) {
    const BoRef bo = world_.must_create({.size = 2 * kPage, .heap = heap}, world_.client);
    EXPECT_EQ(bo->map_fd(), world_.client.arena->fd());
    EXPECT_EQ(bo->map_offset(), bo->address());
    const base::Mapping mapping = map(bo->map_fd(), bo->map_offset(), bo->size());
    std::memset(mapping.data(), 0x5a, bo->size());
    EXPECT_TRUE(all_are(bo->bytes(), 0x5a));
    EXPECT_TRUE(all_are(world_.memory->at(bo->address(), bo->size()), 0x5a));
  }
}

TEST_F(BoTest, NeighboursOfOneArenaAreOneMapping) {
  const BoRef first = world_.must_create({.size = kPage}, world_.client);
  const BoRef second = world_.must_create({.size = kPage}, world_.client);
  ASSERT_EQ(first->address() + kPage, second->address());
  const auto start = reinterpret_cast<uintptr_t>(first->bytes().data());
  std::ifstream maps("/proc/self/maps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from, to;
    if (std::sscanf(line.c_str(), "%lx-%lx", &from, &to) != 2 || from != start) continue;
    EXPECT_EQ(to, start + 2 * kPage);
    found = true;
  }
  EXPECT_TRUE(found);
}

TEST_F(BoTest, FreedPagesGoBackAtOnceAndAreUnbound) {
  BoRef bo = world_.must_create({.size = kMiB}, world_.client);
  const hw::PhysAddr address = bo->address();
  std::memset(bo->bytes().data(), 1, kMiB);
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), kMiB);
  bo.reset();
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), 0u);
  EXPECT_TRUE(world_.memory->at(address, kPage).empty());
}

TEST_F(BoTest, MemoryIsZeroForTheNextOwnerAndForTheSame) {
  const Owner other(*world_.memory);
  BoRef bo = world_.must_create({.size = kMiB}, world_.client);
  const hw::PhysAddr address = bo->address();
  const base::Mapping stale = map(bo->map_fd(), bo->map_offset(), bo->size());
  std::memset(stale.data(), 0xee, kMiB);
  bo.reset();

  bo = world_.must_create({.size = kMiB}, other);
  ASSERT_EQ(bo->address(), address);
  EXPECT_TRUE(all_are(bo->bytes(), 0));
  // The old owner still has its mapping, which reaches the new owner's pages in neither direction.
  std::memset(stale.data(), 0xee, kMiB);
  EXPECT_TRUE(all_are(bo->bytes(), 0));
  std::memset(bo->bytes().data(), 0x11, kMiB);
  EXPECT_TRUE(all_are(stale.bytes(), 0xee));
  bo.reset();

  bo = world_.must_create({.size = kMiB}, world_.client);
  ASSERT_EQ(bo->address(), address);
  EXPECT_TRUE(all_are(bo->bytes(), 0));
}

// Strays: what a client wrote where it has no BO.
TEST_F(BoTest, StraysBeyondTheMarginAreDroppedAndNoPageOfABo) {
  std::vector<BoRef> kept;
  std::vector<BoRef> freed;
  std::vector<base::Mapping> stale;
  for (const Heap heap : {Heap::kVram, Heap::kSystem}) {
    for (int i = 0; i < 3; ++i) {
      freed.push_back(world_.must_create({.size = kMiB, .heap = heap}, world_.client));
      stale.push_back(map(freed.back()->map_fd(), freed.back()->map_offset(), kMiB));
      kept.push_back(world_.must_create({.size = kMiB, .heap = heap}, world_.client));
      std::memset(kept.back()->bytes().data(), 0x11, kMiB);
    }
  }
  const BoRef shareable = world_.must_create({.size = kMiB, .shareable = true}, world_.client);
  freed.clear();
  stale.push_back(map(world_.client.arena->fd(), shareable->address(), kMiB));
  stale.push_back(map(world_.client.arena->fd(), kHeapBytes - kMiB, kMiB));
  stale.push_back(map(world_.client.arena->fd(), hw::kSystemBase + kHeapBytes - kMiB, kMiB));
  for (const base::Mapping& mapping : stale) std::memset(mapping.data(), 0xee, kMiB);
  std::memset(shareable->bytes().data(), 0x22, kMiB);
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), (stale.size() + kept.size()) * kMiB);

  world_.client.arena->drop_strays();
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), kept.size() * kMiB);
  for (const BoRef& bo : kept) EXPECT_TRUE(all_are(bo->bytes(), 0x11));
  EXPECT_TRUE(all_are(shareable->bytes(), 0x22));
  for (const base::Mapping& mapping : stale) EXPECT_TRUE(all_are(mapping.bytes(), 0));
}

TEST_F(BoTest, StraysWithinTheMarginStay) {
  const auto stray_bytes_after = [&](uint64_t written) {
    const base::Mapping strays = map(world_.client.arena->fd(), 32 * kMiB, 8 * kMiB);
    std::memset(strays.data(), 0xee, written);
    const uint64_t with_bos = allocated_bytes(world_.client.arena->fd());
    world_.client.arena->drop_strays();
    return written - (with_bos - allocated_bytes(world_.client.arena->fd()));
  };
  constexpr uint64_t kMargin = Arena::kStrayBytes;
  EXPECT_EQ(stray_bytes_after(kMargin), kMargin);
  EXPECT_EQ(stray_bytes_after(kMargin + kPage), 0u);
  // BOs that were never written to leave room, as all of it is accounted for.
  BoRef untouched = world_.must_create({.size = kMiB}, world_.client);
  EXPECT_EQ(stray_bytes_after(kMargin + kMiB), kMargin + kMiB);
  EXPECT_EQ(stray_bytes_after(kMargin + kMiB + kPage), 0u);
  untouched.reset();
  // With many BOs there are as many gaps to be looked after.
  constexpr uint64_t kBos = 2 * kMargin / kPage;
  std::vector<BoRef> many;
  for (uint64_t i = 0; i < kBos; ++i) {
    many.push_back(world_.must_create({.size = kPage}, world_.client));
    many.back()->bytes()[0] = std::byte{1};
  }
  EXPECT_EQ(stray_bytes_after(2 * kMargin), 2 * kMargin);
  EXPECT_EQ(stray_bytes_after(2 * kMargin + kPage), 0u);
  for (const BoRef& bo : many) EXPECT_EQ(bo->bytes()[0], std::byte{1});
}

TEST_F(BoTest, RefusesBadSizesAndAlignments) {
  for (const uint64_t size : {uint64_t{0}, UINT64_MAX, UINT64_MAX - kPage + 2})
    EXPECT_EQ(code_of(world_.create({.size = size}, world_.client)), EINVAL) << size;
  EXPECT_EQ(code_of(world_.create({.size = UINT64_MAX - kPage + 1}, world_.client)), ENOSPC);
  EXPECT_EQ(code_of(world_.create({.size = 1ull << 63}, world_.client)), ENOSPC);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .alignment = 3}, world_.client)), EINVAL);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .alignment = UINT64_MAX}, world_.client)),
            EINVAL);
  const BoRef bo = world_.must_create({.size = kPage}, world_.client);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .alignment = 1ull << 63}, world_.client)),
            ENOSPC);
  EXPECT_EQ(world_.manager.bo_count(), 1u);
  EXPECT_EQ(world_.client.usage->bytes[0], kPage);
}

TEST_F(BoTest, AFullHeapSaysSoAndRecovers) {
  BoRef all = world_.must_create({.size = kHeapBytes}, world_.client);
  EXPECT_EQ(code_of(world_.create({.size = kPage}, world_.client)), ENOSPC);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .shareable = true}, world_.client)), ENOSPC);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .heap = Heap::kSystem}, world_.client)), 0);
  all.reset();
  EXPECT_EQ(code_of(world_.create({.size = kHeapBytes}, world_.client)), 0);
  EXPECT_EQ(world_.manager.heap_used(Heap::kVram), 0u);
}

TEST_F(BoTest, AShareableBoHasASealedFdOfItsOwn) {
  const BoRef bo = world_.must_create({.size = 2 * kPage, .shareable = true}, world_.client);
  EXPECT_TRUE(bo->shareable());
  EXPECT_NE(bo->map_fd(), world_.client.arena->fd());
  EXPECT_EQ(bo->map_offset(), 0u);
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_EQ(::fcntl(bo->map_fd(), F_GET_SEALS), kSeals);
  EXPECT_EQ(::fcntl(world_.client.arena->fd(), F_GET_SEALS), kSeals);
  EXPECT_NE(::fcntl(bo->map_fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::ftruncate(bo->map_fd(), 0), 0);

  const base::Mapping mapping = map(bo->map_fd(), 0, bo->size());
  std::memset(mapping.data(), 0x77, bo->size());
  EXPECT_TRUE(all_are(bo->bytes(), 0x77));
  // Nothing of it shows in the arena.
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), 0u);
}

TEST_F(BoTest, AForeignFdOfAShareableBoOutlivesItWithoutReachingTheHeap) {
  BoRef bo = world_.must_create({.size = kPage, .shareable = true}, world_.client);
  const hw::PhysAddr address = bo->address();
  const base::Mapping kept = map(bo->map_fd(), 0, kPage);
  std::memset(kept.data(), 0x33, kPage);
  bo.reset();
  bo = world_.must_create({.size = kPage}, world_.client);
  ASSERT_EQ(bo->address(), address);
  EXPECT_TRUE(all_are(bo->bytes(), 0));
  EXPECT_TRUE(all_are(kept.bytes(), 0x33));
}

TEST_F(BoTest, ABoOutlivesItsOwnersHandles) {
  BoRef bo;
  {
    const Owner gone(*world_.memory);
    bo = world_.must_create({.size = kPage}, gone);
  }
  bo->bytes()[0] = std::byte{1};
  bo.reset();
  EXPECT_EQ(world_.manager.bo_count(), 0u);
}

TEST_F(BoTest, AFailedBindLeavesNothingBehind) {
  // Something else sits where the BO would go, as no correct driver would have it.
  const Owner other(*world_.memory);
  ASSERT_TRUE(world_.memory->bind(0, kPage, other.arena->fd(), 0));
  EXPECT_EQ(code_of(world_.create({.size = kPage}, world_.client)), EEXIST);
  EXPECT_EQ(code_of(world_.create({.size = kPage, .shareable = true}, world_.client)), EEXIST);
  EXPECT_EQ(world_.manager.heap_used(Heap::kVram), 0u);
  EXPECT_EQ(world_.manager.bo_count(), 0u);
  EXPECT_EQ(world_.client.usage->bytes[0], 0u);
  world_.memory->unbind(0, kPage);
  EXPECT_EQ(code_of(world_.create({.size = kPage}, world_.client)), 0);
  // Not taken for a BO's.
  const base::Mapping strays = map(world_.client.arena->fd(), 0, 2 * kMiB);
  std::memset(strays.data(), 0xee, 2 * kMiB);
  world_.client.arena->drop_strays();
  EXPECT_EQ(allocated_bytes(world_.client.arena->fd()), 0u);
}

RC_GTEST_FIXTURE_PROP(BoTest, AccountingFollowsEveryCreateAndFree, ()) {
  std::vector<BoRef> bos[2];
  const Owner* owners[2] = {&world_.client, &world_.driver};
  const auto check = [&] {
    uint64_t heaps[2] = {};
    for (size_t owner = 0; owner < 2; ++owner) {
      uint64_t sums[2] = {};
      for (const BoRef& bo : bos[owner]) sums[static_cast<size_t>(bo->heap())] += bo->size();
      for (size_t heap = 0; heap < 2; ++heap) {
        RC_ASSERT(owners[owner]->usage->bytes[heap] == sums[heap]);
        heaps[heap] += sums[heap];
      }
    }
    RC_ASSERT(world_.manager.heap_used(Heap::kVram) == heaps[0]);
    RC_ASSERT(world_.manager.heap_used(Heap::kSystem) == heaps[1]);
    RC_ASSERT(world_.manager.bo_count() == bos[0].size() + bos[1].size());
  };

  const int steps = *rc::gen::inRange(0, 40);
  for (int step = 0; step < steps; ++step) {
    const size_t owner = *rc::gen::inRange<size_t>(0, 2);
    if (*rc::gen::arbitrary<bool>() || bos[owner].empty()) {
      BoRequest request;
      request.size = *rc::gen::inRange<uint64_t>(1, 40 * kMiB);
      request.alignment = 1ull << *rc::gen::inRange(0, 25);
      request.heap = *rc::gen::element(Heap::kVram, Heap::kSystem);
      request.shareable = *rc::gen::arbitrary<bool>();
      auto bo = world_.create(request, *owners[owner]);
      if (bo) {
        RC_ASSERT((*bo)->address() % request.alignment == 0);
        bos[owner].push_back(std::move(*bo));
      } else {
        RC_ASSERT(bo.error().code() == ENOSPC);
      }
    } else {
      const auto victim = *rc::gen::inRange<size_t>(0, bos[owner].size());
      bos[owner].erase(bos[owner].begin() + static_cast<ptrdiff_t>(victim));
    }
    check();
  }
  for (auto& list : bos) list.clear();
  check();
}

}  // namespace
}  // namespace fakegpu::mm::test
