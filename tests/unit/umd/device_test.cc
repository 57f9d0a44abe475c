// SPDX-License-Identifier: MIT
#include "device.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "fake_transport.h"

namespace fakegpu::umd {
namespace {

using test::FakeDevice;
using test::FakeTransport;

int open_with(const std::shared_ptr<FakeTransport::State>& state, fakegpu_device** dev) {
  return open_transport(std::make_unique<FakeTransport>(state), dev);
}

TEST(Device, SendsNothingPrivateToAnotherDriver) {
  auto state = std::make_shared<FakeTransport::State>();
  state->driver_name = "amdgpu";
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(open_with(state, &dev), -ENXIO);
  EXPECT_EQ(dev, nullptr);
  EXPECT_EQ(state->calls, std::vector<uint32_t>{DRM_IOCTL_VERSION});
  EXPECT_TRUE(state->closed);
}

TEST(Device, AFileThatKnowsNoIoctlIsNoDevice) {
  auto state = std::make_shared<FakeTransport::State>();
  state->results[DRM_IOCTL_VERSION] = {-ENOTTY};
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(open_with(state, &dev), -ENXIO);
}

TEST(Device, TellsOfALostDeviceWhileOpening) {
  auto state = std::make_shared<FakeTransport::State>();
  state->results[DRM_IOCTL_FAKEGPU_QUERY] = {-ENODEV};
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(open_with(state, &dev), -ENODEV);
}

TEST(Device, RefusesAPageSizeThatIsNone) {
  for (const uint32_t bad : {0u, 4097u}) {
    auto state = std::make_shared<FakeTransport::State>();
    state->info.page_size = bad;
    fakegpu_device* dev = nullptr;
    EXPECT_EQ(open_with(state, &dev), -ENXIO);
  }
}

TEST(Device, FindsRingsAndHeapsByType) {
  FakeDevice device;
  EXPECT_EQ(fakegpu_find_ring(device.dev, DRM_FAKEGPU_RING_SDMA, 0), 2);
  EXPECT_EQ(fakegpu_find_ring(device.dev, DRM_FAKEGPU_RING_SDMA, 1), -ENOENT);
  drm_fakegpu_ring_info ring;
  EXPECT_EQ(fakegpu_query_ring(device.dev, 1, &ring), 0);
  EXPECT_EQ(ring.type, DRM_FAKEGPU_RING_COMPUTE);
  EXPECT_EQ(fakegpu_query_ring(device.dev, 3, &ring), -EINVAL);
  drm_fakegpu_heap_info heap;
  ASSERT_EQ(fakegpu_query_heap(device.dev, DRM_FAKEGPU_HEAP_VRAM, &heap), 0);
  EXPECT_EQ(heap.type, DRM_FAKEGPU_HEAP_VRAM);
  EXPECT_EQ(heap.size_bytes, 1u);
  EXPECT_EQ(fakegpu_query_heap(device.dev, 2, &heap), -EINVAL);
}

TEST(Device, RepeatsInterruptedAndRefusedCalls) {
  FakeDevice device;
  device.state->results[DRM_IOCTL_FAKEGPU_VM_CREATE] = {-EINTR, -EAGAIN, -EINTR};
  fakegpu_vm* vm = nullptr;
  ASSERT_EQ(fakegpu_vm_create(device.dev, &vm), 0);
  EXPECT_EQ(device.state->count(DRM_IOCTL_FAKEGPU_VM_CREATE), 4u);
  fakegpu_vm_destroy(vm);
}

TEST(Device, RawIoctlsRepeatUnlessOnceIsAskedFor) {
  FakeDevice device;
  drm_fakegpu_vm_create create = {};
  device.state->results[DRM_IOCTL_FAKEGPU_VM_CREATE] = {-EINTR, -EAGAIN, -EINTR};
  EXPECT_EQ(fakegpu_device_ioctl_once(device.dev, DRM_IOCTL_FAKEGPU_VM_CREATE, &create), -EINTR);
  EXPECT_EQ(fakegpu_device_ioctl_once(device.dev, DRM_IOCTL_FAKEGPU_VM_CREATE, &create), -EAGAIN);
  EXPECT_EQ(fakegpu_device_ioctl(device.dev, DRM_IOCTL_FAKEGPU_VM_CREATE, &create), 0);
  EXPECT_EQ(fakegpu_device_ioctl(device.dev, 0x1234, &create), -ENOTTY);
}

TEST(Device, OnlyRawIoctlsHaveTheirPointersChecked) {
  FakeDevice device;
  for (const Pointers pointers : device.state->pointers) EXPECT_EQ(pointers, Pointers::kTrusted);
  drm_fakegpu_vm_create create = {};
  ASSERT_EQ(fakegpu_device_ioctl(device.dev, DRM_IOCTL_FAKEGPU_VM_CREATE, &create), 0);
  EXPECT_EQ(device.state->pointers.back(), Pointers::kChecked);
}

TEST(Device, DeadlinesSaturate) {
  FakeDevice device;
  EXPECT_EQ(fakegpu_deadline_ns(device.dev, 5), 1005);
  EXPECT_EQ(fakegpu_deadline_ns(device.dev, -1), 999);
  EXPECT_EQ(fakegpu_deadline_ns(device.dev, INT64_MAX), INT64_MAX);
  EXPECT_EQ(fakegpu_deadline_ns(device.dev, INT64_MIN), INT64_MIN + 1000);
}

class FencePageTest : public ::testing::Test {
 protected:
  void make_page(uint64_t finished) {
    state().fence_page = OwnedFd(::memfd_create("page", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(state().fence_page.get(), 4096), 0);
    ASSERT_EQ(::pwrite(state().fence_page.get(), &finished, sizeof(finished), 8 * kSlot),
              ssize_t{sizeof(finished)});
  }
  // The result, and how many ioctls it took.
  std::pair<int, unsigned> wait(uint32_t ring, uint64_t seqno) {
    fakegpu_context* ctx = nullptr;
    EXPECT_EQ(fakegpu_context_create(device_.dev, nullptr, 0, &ctx), 0);
    const unsigned before = state().count(DRM_IOCTL_FAKEGPU_WAIT_SEQNO);
    const int result = fakegpu_context_wait(ctx, ring, seqno, INT64_MAX);
    fakegpu_context_destroy(ctx);
    return {result, state().count(DRM_IOCTL_FAKEGPU_WAIT_SEQNO) - before};
  }
  FakeTransport::State& state() { return *device_.state; }

  static constexpr uint32_t kSlot = 4;
  static constexpr std::pair<int, unsigned> kByPage = {0, 0};
  static constexpr std::pair<int, unsigned> kByCall = {-ETIME, 1};
  FakeDevice device_;
};

TEST_F(FencePageTest, WhatItShowsAsFinishedNeedsNoCall) {
  make_page(5);
  state().fence_slot = kSlot - 1;
  EXPECT_EQ(wait(1, 5), kByPage);
  EXPECT_EQ(wait(1, 1), kByPage);
  EXPECT_EQ(wait(1, 6), kByCall);
  EXPECT_EQ(wait(1, uint64_t{5} << 32), kByCall);
  EXPECT_EQ(wait(2, 1), kByCall) << "another ring";
  EXPECT_EQ(wait(1, 0), kByCall) << "for the driver to refuse";
  EXPECT_EQ(wait(3, 1), kByCall) << "no such ring";
  EXPECT_EQ(state().fence_pages_asked, 1u);
}

TEST_F(FencePageTest, IsNotAskedForWithoutASlotInIt) {
  make_page(5);
  EXPECT_EQ(wait(0, 1), kByCall);
  EXPECT_EQ(state().fence_pages_asked, 0u);
}

TEST_F(FencePageTest, WithoutItEveryWaitIsACall) {
  state().fence_slot = kSlot;
  EXPECT_EQ(wait(0, 1), kByCall);
  EXPECT_EQ(wait(0, 1), kByCall);
  EXPECT_EQ(state().fence_pages_asked, 1u);
}

TEST_F(FencePageTest, ASlotBeyondItIsNotLookedAt) {
  make_page(5);
  state().fence_slot = 4096 / 8;
  EXPECT_EQ(wait(0, 1), kByCall);
}

TEST(Device, StaysOpenUntilItsLastObjectIsGone) {
  auto state = std::make_shared<FakeTransport::State>();
  fakegpu_device* dev = nullptr;
  ASSERT_EQ(open_with(state, &dev), 0);
  fakegpu_context* ctx = nullptr;
  fakegpu_cmdbuf* cb = nullptr;
  fakegpu_bo* bo = nullptr;
  fakegpu_syncobj* syncobj = nullptr;
  uint64_t va;
  ASSERT_EQ(fakegpu_context_create(dev, nullptr, 0, &ctx), 0);
  ASSERT_EQ(fakegpu_cmdbuf_create(ctx, 0, &cb), 0);
  ASSERT_EQ(fakegpu_cmd_mark(cb, 1), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx, 0, cb, nullptr), 0);
  ASSERT_EQ(fakegpu_bo_create(dev, 1, 0, 0, 0, &bo), 0);
  ASSERT_EQ(fakegpu_bo_va(bo, &va), 0);
  ASSERT_EQ(fakegpu_syncobj_create(dev, 0, &syncobj), 0);

  fakegpu_device_close(dev);
  fakegpu_context_destroy(ctx);
  fakegpu_bo_destroy(bo);
  fakegpu_syncobj_destroy(syncobj);
  EXPECT_FALSE(state->closed);
  fakegpu_cmdbuf_destroy(cb);
  EXPECT_TRUE(state->closed);
  EXPECT_TRUE(state->bos.empty());
  EXPECT_EQ(state->unbinds.size(), state->binds.size());
  EXPECT_EQ(state->live_vms + state->live_contexts + state->live_syncobjs, 0u);
}

TEST(Device, DestroyTakesNull) {
  fakegpu_device_close(nullptr);
  fakegpu_bo_destroy(nullptr);
  fakegpu_vm_destroy(nullptr);
  fakegpu_context_destroy(nullptr);
  fakegpu_cmdbuf_destroy(nullptr);
  fakegpu_syncobj_destroy(nullptr);
}

TEST(Bo, MapsOnceAndCounts) {
  FakeDevice device;
  fakegpu_bo* bo = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 5000, 0, 0, DRM_FAKEGPU_BO_SHAREABLE, &bo), 0);
  EXPECT_EQ(fakegpu_bo_size(bo), 8192u);
  EXPECT_EQ(fakegpu_bo_unmap(bo), -EINVAL);
  void* a = nullptr;
  void* b = nullptr;
  ASSERT_EQ(fakegpu_bo_map(bo, &a), 0);
  ASSERT_EQ(fakegpu_bo_map(bo, &b), 0);
  EXPECT_EQ(a, b);
  std::memset(a, 1, 8192);
  ASSERT_EQ(device.state->mapped.size(), 1u);
  EXPECT_TRUE(device.state->mapped[0].shareable);
  EXPECT_EQ(device.state->mapped[0].handle, fakegpu_bo_handle(bo));
  EXPECT_EQ(fakegpu_bo_unmap(bo), 0);
  EXPECT_EQ(fakegpu_bo_unmap(bo), 0);
  EXPECT_EQ(fakegpu_bo_unmap(bo), -EINVAL);
  fakegpu_bo_destroy(bo);
}

TEST(Bo, AFailedMappingCanBeTriedAgain) {
  FakeDevice device;
  fakegpu_bo* bo = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 4096, 0, 0, 0, &bo), 0);
  device.state->results[DRM_IOCTL_FAKEGPU_BO_MMAP] = {-ENOMEM};
  void* cpu = nullptr;
  EXPECT_EQ(fakegpu_bo_map(bo, &cpu), -ENOMEM);
  EXPECT_EQ(fakegpu_bo_unmap(bo), -EINVAL);
  EXPECT_EQ(fakegpu_bo_map(bo, &cpu), 0);
  fakegpu_bo_destroy(bo);
}

TEST(Bo, HasOneAddressInTheDefaultAddressSpace) {
  FakeDevice device;
  fakegpu_bo* a = nullptr;
  fakegpu_bo* b = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 8192, 0, 0, 0, &a), 0);
  ASSERT_EQ(fakegpu_bo_create(device.dev, 4096, 1 << 20, 0, 0, &b), 0);
  uint64_t va_a, again, va_b;
  ASSERT_EQ(fakegpu_bo_va(a, &va_a), 0);
  ASSERT_EQ(fakegpu_bo_va(a, &again), 0);
  ASSERT_EQ(fakegpu_bo_va(b, &va_b), 0);
  EXPECT_EQ(va_a, again);
  EXPECT_EQ(va_a, device.state->info.va_start);
  EXPECT_EQ(va_b % (1 << 20), 0u);
  EXPECT_EQ(device.state->binds.size(), 2u);
  EXPECT_EQ(device.state->count(DRM_IOCTL_FAKEGPU_VM_CREATE), 1u);
  fakegpu_bo_destroy(a);
  EXPECT_EQ(device.state->unbinds, std::vector<uint64_t>{va_a});
  fakegpu_bo_destroy(b);
}

TEST(Bo, AnAddressWhoseBindFailedIsFreeAgain) {
  FakeDevice device;
  fakegpu_bo* bo = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 4096, 0, 0, 0, &bo), 0);
  device.state->results[DRM_IOCTL_FAKEGPU_VM_BIND] = {-ENOMEM};
  uint64_t va;
  EXPECT_EQ(fakegpu_bo_va(bo, &va), -ENOMEM);
  EXPECT_EQ(fakegpu_bo_va(bo, &va), 0);
  EXPECT_EQ(va, device.state->info.va_start);
  fakegpu_bo_destroy(bo);
  EXPECT_EQ(device.state->unbinds.size(), 1u);
}

TEST(Vm, BindsWhereAskedAndRefusesOverlaps) {
  FakeDevice device;
  fakegpu_bo* bo = nullptr;
  fakegpu_vm* vm = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 1 << 16, 0, 0, 0, &bo), 0);
  ASSERT_EQ(fakegpu_vm_create(device.dev, &vm), 0);
  uint64_t va = 0x100000;
  ASSERT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 4096, 8192, DRM_FAKEGPU_VM_BIND_READONLY, &va), 0);
  const drm_fakegpu_vm_bind& bind = device.state->binds.at(0);
  EXPECT_EQ(bind.va, 0x100000u);
  EXPECT_EQ(bind.bo_offset, 4096u);
  EXPECT_EQ(bind.size, 8192u);
  EXPECT_EQ(bind.flags, DRM_FAKEGPU_VM_BIND_READONLY);

  uint64_t bad = 0x101000;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 4096, 0, &bad), -EEXIST);
  bad = 0x1000;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 4096, 0, &bad), -EINVAL);
  bad = 0x200001;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 4096, 0, &bad), -EINVAL);
  bad = 0x200000;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 1, 4096, 0, &bad), -EINVAL);
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 0, 0, &bad), -EINVAL);
  bad = 0;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 1ull << 40, 0, &bad), -ENOSPC);
  EXPECT_EQ(device.state->binds.size(), 1u);

  EXPECT_EQ(fakegpu_vm_unbind(device.dev, vm, 0x100000), 0);
  va = 0x100000;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, vm, bo, 0, 4096, 0, &va), 0);
  fakegpu_vm_destroy(vm);
  fakegpu_bo_destroy(bo);
}

TEST(Vm, ARangeThatTheDriverKeepsIsNotGivenOutAgain) {
  FakeDevice device;
  fakegpu_bo* bo = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device.dev, 4096, 0, 0, 0, &bo), 0);
  uint64_t va = 0x100000;
  ASSERT_EQ(fakegpu_vm_bind(device.dev, nullptr, bo, 0, 4096, 0, &va), 0);
  device.state->results[DRM_IOCTL_FAKEGPU_VM_UNBIND] = {-ENOENT};
  EXPECT_EQ(fakegpu_vm_unbind(device.dev, nullptr, va), -ENOENT);
  EXPECT_EQ(fakegpu_vm_bind(device.dev, nullptr, bo, 0, 4096, 0, &va), -EEXIST);
  fakegpu_bo_destroy(bo);
}

TEST(Vm, ObjectsOfAnotherDeviceAreRefused) {
  FakeDevice device, other;
  fakegpu_bo* bo = nullptr;
  fakegpu_vm* vm = nullptr;
  fakegpu_context* ctx = nullptr;
  ASSERT_EQ(fakegpu_bo_create(other.dev, 4096, 0, 0, 0, &bo), 0);
  ASSERT_EQ(fakegpu_vm_create(other.dev, &vm), 0);
  uint64_t va = 0;
  EXPECT_EQ(fakegpu_vm_bind(device.dev, nullptr, bo, 0, 4096, 0, &va), -EINVAL);
  EXPECT_EQ(fakegpu_vm_unbind(device.dev, vm, 0x1000), -EINVAL);
  EXPECT_EQ(fakegpu_context_create(device.dev, vm, 0, &ctx), -EINVAL);
  fakegpu_vm_destroy(vm);
  fakegpu_bo_destroy(bo);
}

drm_fakegpu_event_fence fence_event(uint64_t user_data) {
  drm_fakegpu_event_fence event = {};
  event.base.type = DRM_FAKEGPU_EVENT_FENCE;
  event.base.length = sizeof(event);
  event.user_data = user_data;
  return event;
}

template <typename T>
void push(std::vector<std::byte>& to, const T& event) {
  const auto* at = reinterpret_cast<const std::byte*>(&event);
  to.insert(to.end(), at, at + sizeof(event));
}

TEST(Events, AreReadInOrderAndForeignOnesSkipped) {
  FakeDevice device;
  drm_fakegpu_event_fence events[4];
  EXPECT_EQ(fakegpu_device_read_events(device.dev, events, 4, 0), -EAGAIN);
  EXPECT_EQ(fakegpu_device_read_events(device.dev, events, 0, 0), -EINVAL);
  push(device.state->events, fence_event(1));
  push(device.state->events, drm_event{.type = 1, .length = sizeof(drm_event)});
  push(device.state->events, fence_event(2));
  ASSERT_EQ(fakegpu_device_read_events(device.dev, events, 4, 0), 2);
  EXPECT_EQ(events[0].user_data, 1u);
  EXPECT_EQ(events[1].user_data, 2u);
}

TEST(Events, AMalformedStreamEndsTheDevice) {
  FakeDevice device;
  drm_fakegpu_event_fence events[4];
  push(device.state->events, drm_event{.type = 1, .length = 0});
  EXPECT_EQ(fakegpu_device_read_events(device.dev, events, 4, 0), -ENODEV);
  device.state->events.clear();
  push(device.state->events, drm_event{.type = 1, .length = 4096});
  EXPECT_EQ(fakegpu_device_read_events(device.dev, events, 4, 0), -ENODEV);
}

drm_fakegpu_event_wedged wedged_event(uint64_t seqnum) {
  drm_fakegpu_event_wedged event = {};
  event.base.type = DRM_FAKEGPU_EVENT_WEDGED;
  event.base.length = sizeof(event);
  event.seqnum = seqnum;
  return event;
}

// What was handled, in order: fences as they are, the others negative.
struct Handled {
  std::vector<int64_t> all;
  fakegpu_event_handlers handlers = {
      .size = sizeof(handlers),
      .data = this,
      .fence =
          [](void* data, const drm_fakegpu_event_fence* event) {
            static_cast<Handled*>(data)->all.push_back(static_cast<int64_t>(event->user_data));
          },
      .wedged =
          [](void* data, const drm_fakegpu_event_wedged* event) {
            static_cast<Handled*>(data)->all.push_back(-static_cast<int64_t>(event->seqnum));
          },
  };
};

TEST(Events, OfEveryKindAreHandledInOrder) {
  FakeDevice device;
  Handled handled;
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), -EAGAIN);
  push(device.state->events, fence_event(1));
  push(device.state->events, wedged_event(1));
  push(device.state->events, drm_event{.type = 1, .length = sizeof(drm_event)});
  push(device.state->events, fence_event(2));
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), 4);
  EXPECT_EQ(handled.all, (std::vector<int64_t>{1, -1, 2}));
  handled.handlers.wedged = nullptr;
  push(device.state->events, wedged_event(2));
  push(device.state->events, fence_event(3));
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), 2);
  EXPECT_EQ(handled.all, (std::vector<int64_t>{1, -1, 2, 3}));
}

TEST(Events, HandlersOfNoVersionAreRefused) {
  FakeDevice device;
  Handled handled;
  push(device.state->events, fence_event(1));
  handled.handlers.size = 8;
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), -EINVAL);
  handled.handlers.size = sizeof(handled.handlers);
  handled.handlers.pad = 1;
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), -EINVAL);
  handled.handlers.pad = 0;
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), 1);
}

TEST(Events, AMalformedStreamIsHandledNoFurther) {
  FakeDevice device;
  Handled handled;
  push(device.state->events, fence_event(1));
  push(device.state->events, drm_event{.type = 1, .length = 4096});
  EXPECT_EQ(fakegpu_device_handle_events(device.dev, &handled.handlers, 0), -ENODEV);
  EXPECT_EQ(handled.all, std::vector<int64_t>{1});
}

}  // namespace
}  // namespace fakegpu::umd
