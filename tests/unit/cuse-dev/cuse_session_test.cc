// SPDX-License-Identifier: MIT
#include <sys/sysmacros.h>

#include <array>

#include "cuse_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

TEST_P(CuseTest, NamesTheDeviceAndAsksForUnrestrictedIoctls) {
  connect({.name = "dri/renderD128"});
  const auto init = init_reply_.as<cuse_init_out>();
  EXPECT_EQ(init.flags, uint32_t{CUSE_UNRESTRICTED_IOCTL});
  const std::string_view info(reinterpret_cast<const char*>(init_reply_.body.data()) + sizeof(init),
                              init_reply_.body.size() - sizeof(init));
  EXPECT_EQ(info, std::string_view("DEVNAME=dri/renderD128\0", 23));
  EXPECT_EQ(session_->where(), "/dev/dri/renderD128");
  EXPECT_FALSE(session_->can_mmap());
}

TEST_P(CuseTest, OpensForTheCallerAndClosesBeforeTheReleaseIsAnswered) {
  connect();
  EXPECT_EQ(machine_.opener.uid, FakeKernel::kUid);
  EXPECT_EQ(machine_.opener.gid, FakeKernel::kGid);
  EXPECT_EQ(machine_.opener.pid, FakeKernel::kTid);
  EXPECT_TRUE(machine_.render);
  kernel_.send_struct(FUSE_RELEASE, FUSE_ROOT_ID, fuse_release_in{.fh = file_});
  EXPECT_EQ(kernel_.receive().error, 0);
  served_->stop();
  EXPECT_EQ(machine_.closed, 1);
}

TEST_P(CuseTest, ACardIsAPrimaryNode) {
  connect({.name = "dri/card0", .kind = NodeKind::kPrimary, .number = makedev(226, 0)});
  EXPECT_EQ(init_reply_.as<cuse_init_out>().dev_major, 226u);
  EXPECT_EQ(init_reply_.as<cuse_init_out>().dev_minor, 0u);
  EXPECT_FALSE(machine_.render);
}

TEST_P(CuseTest, AnOpenThatTheDriverRefusesGetsItsErrno) {
  connect();
  loop_->post([this] { behaviour_.open_error = EMFILE; });
  kernel_.ioctl(file_, kNoStruct, 0, memory_);  // the task above has run
  kernel_.send_struct(FUSE_OPEN, FUSE_ROOT_ID, fuse_open_in{.flags = 2});
  EXPECT_EQ(kernel_.receive().error, -EMFILE);
}

TEST_P(CuseTest, AStructTakesTwoTripsAndComesBack) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    EXPECT_EQ(request.arg, kStruct);
    EXPECT_EQ(request.command, DRM_IOCTL_SYNCOBJ_CREATE);
    EXPECT_EQ(request.caller.uid, FakeKernel::kUid);
    auto value = fetch<drm_syncobj_create>(request, memory);
    EXPECT_EQ(value.flags, 1u);
    value.handle = 77;
    EXPECT_TRUE(store(kStruct, memory, value));
    return 0;
  };
  connect();
  memory_.put(kStruct, drm_syncobj_create{.handle = 0, .flags = 1});
  const auto answer = kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_CREATE, kStruct, memory_);
  EXPECT_EQ(answer.result, 0);
  EXPECT_EQ(answer.trips, 2u);
  EXPECT_EQ(memory_.get<drm_syncobj_create>(kStruct).handle, 77u);
}

TEST_P(CuseTest, AnErrorComesWithTheStruct) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    auto value = fetch<drm_syncobj_create>(request, memory);
    value.handle = 5;
    EXPECT_TRUE(store(kStruct, memory, value));
    return -ENOSPC;
  };
  connect();
  memory_.put(kStruct, drm_syncobj_create{});
  EXPECT_EQ(kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_CREATE, kStruct, memory_).result, -ENOSPC);
  EXPECT_EQ(memory_.get<drm_syncobj_create>(kStruct).handle, 5u);
}

TEST_P(CuseTest, ACallWithoutAStructTakesOneTrip) {
  connect();
  const auto answer = kernel_.ioctl(file_, kNoStruct, 0, memory_);
  EXPECT_EQ(answer.trips, 1u);
  EXPECT_EQ(answer.result, 0);
}

TEST_P(CuseTest, UnknownCallsAreRefusedWithoutATouchOfMemory) {
  bool called = false;
  behaviour_.ioctl = [&](const drv::Request&, ioctl::UserMemory&, drv::Reply) {
    called = true;
    return 0;
  };
  connect();
  const auto terminal = kernel_.ioctl(file_, _IOWR('T', 1, uint64_t), 1, memory_);
  EXPECT_EQ(terminal.result, -ENOTTY);
  EXPECT_EQ(terminal.trips, 1u);
  EXPECT_EQ(kernel_.ioctl(file_, _IOWR('d', 0xfe, uint64_t), 1, memory_).result, -EINVAL);
  EXPECT_FALSE(called);
}

TEST_P(CuseTest, APlanThatFailsIsTheAnswer) {
  bool called = false;
  behaviour_.plan = [](uint32_t, std::span<const std::byte>) {
    return ioctl::Plan{.error = -EACCES};
  };
  behaviour_.ioctl = [&](const drv::Request&, ioctl::UserMemory&, drv::Reply) {
    called = true;
    return 0;
  };
  connect();
  memory_.put(kStruct, drm_syncobj_create{.handle = 3});
  EXPECT_EQ(kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_CREATE, kStruct, memory_).result, -EACCES);
  EXPECT_EQ(memory_.get<drm_syncobj_create>(kStruct).handle, 3u);
  EXPECT_FALSE(called);
}

drm_syncobj_wait wait_for(uint64_t handles, uint32_t count) {
  drm_syncobj_wait wait = {};
  wait.handles = handles;
  wait.count_handles = count;
  return wait;
}

// Adds up the handles of a wait, and counts calls.
struct HandleSum {
  std::optional<int> operator()(const drv::Request& request, ioctl::UserMemory& memory,
                                const drv::Reply&) {
    ++calls;
    drm_syncobj_wait wait = {};
    EXPECT_TRUE(memory.fetch(request.arg, std::as_writable_bytes(std::span(&wait, 1))));
    std::vector<uint32_t> handles(wait.count_handles);
    if (!memory.fetch(wait.handles, std::as_writable_bytes(std::span(handles)))) return -EFAULT;
    // What is not in the plan cannot be reached.
    uint32_t beyond;
    EXPECT_FALSE(memory.fetch(wait.handles + handles.size() * 4,
                              std::as_writable_bytes(std::span(&beyond, 1))));
    int sum = 0;
    for (uint32_t handle : handles) sum += static_cast<int>(handle);
    return sum;
  }
  int calls = 0;
};

TEST_P(CuseTest, AnArrayTakesThreeTrips) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kStruct, wait_for(kArray, 3));
  memory_.put(kArray, std::array<uint32_t, 3>{1, 20, 300});
  const auto answer = kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_);
  EXPECT_EQ(answer.result, 321);
  EXPECT_EQ(answer.trips, 3u);
  EXPECT_EQ(sum.calls, 1);
}

TEST_P(CuseTest, ABadArrayPointerEndsInTheKernel) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kStruct, wait_for(0xdead, 3));
  EXPECT_EQ(kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_).result, -EFAULT);
  EXPECT_EQ(sum.calls, 0);
  // And leaves nothing behind that would spoil the next call.
  memory_.put(kStruct, wait_for(kArray, 1));
  memory_.put(kArray, uint32_t{9});
  EXPECT_EQ(kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_).result, 9);
}

TEST_P(CuseTest, AnArrayThatGrowsBetweenTripsIsFetchedAgain) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kStruct, wait_for(kArray, 1));
  memory_.put(kArray, std::array<uint32_t, 3>{1, 20, 300});
  const auto answer =
      kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_, [&](unsigned trip) {
        if (trip == 3) memory_.put(kStruct, wait_for(kArray, 3));
      });
  EXPECT_EQ(answer.result, 321);
  EXPECT_EQ(answer.trips, 4u);
  EXPECT_EQ(sum.calls, 1);
}

TEST_P(CuseTest, APointerThatMovesBetweenTripsIsFollowed) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kStruct, wait_for(kArray, 2));
  memory_.put(kArray, std::array<uint32_t, 2>{1, 2});
  memory_.put(kOtherArray, std::array<uint32_t, 2>{30, 40});
  const auto answer =
      kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_, [&](unsigned trip) {
        if (trip == 3) memory_.put(kStruct, wait_for(kOtherArray, 2));
      });
  EXPECT_EQ(answer.result, 70);
  EXPECT_EQ(answer.trips, 4u);
}

TEST_P(CuseTest, AnArrayThatVanishesIsNotCalledWith) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kStruct, wait_for(kArray, 2));
  memory_.put(kArray, std::array<uint32_t, 2>{1, 2});
  const auto answer =
      kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_, [&](unsigned trip) {
        if (trip == 3) memory_.put(kStruct, wait_for(kArray, 0));
      });
  EXPECT_EQ(answer.result, 0);
  EXPECT_EQ(answer.trips, 4u);
}

TEST_P(CuseTest, AStructThatChangesOnEveryTripIsGivenUp) {
  HandleSum sum;
  behaviour_.ioctl = std::ref(sum);
  connect();
  memory_.put(kArray, std::array<uint32_t, 4>{1, 2, 3, 4});
  const auto answer =
      kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, kStruct, memory_,
                    [&](unsigned trip) { memory_.put(kStruct, wait_for(kArray, 1 + trip % 2)); });
  EXPECT_EQ(answer.result, -EFAULT);
  EXPECT_EQ(sum.calls, 0);
  EXPECT_LT(answer.trips, 20u);
}

TEST_P(CuseTest, WhatTheDriverDoesNotStoreStaysAsItWas) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    const auto query = fetch<drm_fakegpu_query>(request, memory);
    EXPECT_EQ(query.size, 16u);
    EXPECT_TRUE(store(query.data + 4, memory, uint32_t{0x55555555}));
    EXPECT_FALSE(store(query.data + 16, memory, uint32_t{0}));
    return 0;
  };
  connect();
  memory_.put(kStruct, drm_fakegpu_query{.item = 0, .data = kArray, .size = 16});
  memory_.put(kArray, std::array<uint32_t, 4>{1, 2, 3, 4});
  EXPECT_EQ(kernel_.ioctl(file_, DRM_IOCTL_FAKEGPU_QUERY, kStruct, memory_).result, 0);
  EXPECT_EQ((memory_.get<std::array<uint32_t, 4>>(kArray)),
            (std::array<uint32_t, 4>{1, 0x55555555, 3, 4}));
  EXPECT_EQ(memory_.get<drm_fakegpu_query>(kStruct).data, kArray);
}

TEST_P(CuseTest, WritesAreRefused) {
  connect();
  std::vector<std::byte> payload(sizeof(fuse_write_in) + 8);
  fuse_write_in write = {};
  write.fh = file_;
  write.size = 8;
  std::memcpy(payload.data(), &write, sizeof(write));
  kernel_.send(FUSE_WRITE, 1, payload);
  EXPECT_EQ(kernel_.receive().error, -EINVAL);
}

TEST_P(CuseTest, RestrictedIoctlsTakeOneTripAndTheKernelsStruct) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    auto value = fetch<drm_syncobj_create>(request, memory);
    value.handle = value.flags + 1;
    EXPECT_TRUE(store(request.arg, memory, value));
    return 0;
  };
  connect({.restricted = true});
  EXPECT_EQ(init_reply_.as<cuse_init_out>().flags, 0u);
  const drm_syncobj_create value{.handle = 0, .flags = 6};
  send_pending(kernel_, file_, DRM_IOCTL_SYNCOBJ_CREATE, std::as_bytes(std::span(&value, 1)));
  const auto answer = kernel_.receive();
  drm_syncobj_create out;
  ASSERT_EQ(answer.body.size(), sizeof(fuse_ioctl_out) + sizeof(out));
  std::memcpy(&out, answer.body.data() + sizeof(fuse_ioctl_out), sizeof(out));
  EXPECT_EQ(out.handle, 7u);
}

TEST_P(CuseTest, AConnectionThatEndsBeforeInitIsAnError) {
  base::UniqueFd device = kernel_.take_device_end();
  kernel_.hang_up();
  const auto session = CuseSession::create_on(*loop_, {}, std::move(device));
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ECONNABORTED);
}

INSTANTIATE_TEST_SUITE_P(Loops, CuseTest, testing::Values(LoopKind::kUring, LoopKind::kEpoll),
                         [](const auto& kind) {
                           return kind.param == LoopKind::kUring ? "Uring" : "Epoll";
                         });

}  // namespace
}  // namespace fakegpu::cuse_dev
