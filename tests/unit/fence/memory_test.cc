// SPDX-License-Identifier: MIT
// What a syncobj costs, counted where it is allocated. A program of its own, since it replaces the
// global operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "base/handle_table.h"
#include "fence/syncobj.h"

namespace {

size_t allocations = 0;
size_t bytes = 0;

}  // namespace

// Not inlined: the compiler would take free() for the wrong counterpart of new.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace fakegpu::fence {
namespace {

constexpr size_t kSyncobjs = 10'000;

struct Cost {
  size_t allocations;
  size_t bytes;
};

// Of what `make` allocates, per call.
template <typename F>
Cost cost_of(F make) {
  std::vector<SyncobjRef> boxes(kSyncobjs);
  const Cost before{allocations, bytes};
  for (SyncobjRef& box : boxes) box = make();
  return {(allocations - before.allocations) / kSyncobjs, (bytes - before.bytes) / kSyncobjs};
}

TEST(SyncobjMemory, AnEmptyOneIsOneAllocation) {
  const Cost cost = cost_of([] { return base::make_ref<Syncobj>(); });
  EXPECT_EQ(cost.allocations, 1u);
  EXPECT_LE(cost.bytes, 64u);
}

TEST(SyncobjMemory, ASignalledOneIsTwoAllocations) {
  const Cost cost = cost_of([] { return base::make_ref<Syncobj>(make_stub(1)); });
  EXPECT_EQ(cost.allocations, 2u);
  EXPECT_LE(cost.bytes, 128u);
}

TEST(SyncobjMemory, ATimelineWithAPointTakesNoMoreThan256Bytes) {
  Contexts contexts;
  const FenceRef done = make_stub(1);
  const Cost cost = cost_of([&] {
    auto box = base::make_ref<Syncobj>();
    box->add_point(contexts, done, 1);
    return box;
  });
  EXPECT_EQ(cost.allocations, 2u);
  EXPECT_LE(cost.bytes, 256u);
}

TEST(SyncobjMemory, SignallingATimelineOverAndOverKeepsNothing) {
  Contexts contexts;
  auto box = base::make_ref<Syncobj>();
  const FenceRef done = make_stub(1);
  const uint32_t before = done->ref_count();
  for (uint64_t point = 1; point <= kSyncobjs; ++point) box->add_point(contexts, done, point);
  // Its nodes go when there are twice as many as are pending, and a few.
  EXPECT_LE(done->ref_count() - before, 32u);
}

TEST(SyncobjMemory, HandlesOfTenThousandTakeNoMoreThan256BytesEach) {
  const Cost before{allocations, bytes};
  base::HandleTable<SyncobjRef> handles;
  for (size_t i = 0; i < kSyncobjs; ++i) handles.insert(base::make_ref<Syncobj>(make_stub(1)));
  EXPECT_LE((bytes - before.bytes) / kSyncobjs, 256u);
}

}  // namespace
}  // namespace fakegpu::fence
