// SPDX-License-Identifier: MIT
// The in-process module against the real driver: in virtual time where time matters, and once in
// the real shell.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include <fakegpu/fakegpu.h>
#include <fakegpu/fakegpu.hpp>

#include "base/trace.h"
#include "base/virtual_executor.h"
#include "device.h"
#include "drv/machine.h"
#include "inprocess/inprocess_transport.h"
#include "inprocess/settings.h"

namespace fakegpu::umd {
namespace {

TEST(Settings, ReadsEveryKey) {
  const auto settings = parse_settings("gfx=2,compute=3,sdma=1,vram=64M,sys=2G,workers=4,edu=0");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->profile.gfx_rings, 2u);
  EXPECT_EQ(settings->profile.compute_rings, 3u);
  EXPECT_EQ(settings->profile.sdma_rings, 1u);
  EXPECT_EQ(settings->profile.vram_bytes, 64ull << 20);
  EXPECT_EQ(settings->profile.system_bytes, 2ull << 30);
  EXPECT_EQ(settings->workers, 4u);
  EXPECT_FALSE(settings->profile.edu_packets);
  EXPECT_EQ(settings->features, drv::kAllFeatures);
  EXPECT_EQ(parse_settings("without=timeline+prime,without=dumb")->features, drv::kFeatureSyncobj);
  EXPECT_TRUE(parse_settings(""));
}

TEST(Settings, RefusesWhatIsNotUnderstood) {
  for (const char* bad :
       {"gfx", "gfx=", "gfx=5", "gfx=-1", "gfx=1x", "speed=9", "=1", "vram=0", "vram=1", "vram=1T",
        "vram=1048577", "vram=99999999999999999999", "vram=18446744073709551615G", "workers=0",
        "edu=2", ",gfx=1", "without=", "without=sound"})
    EXPECT_FALSE(parse_settings(bad)) << bad;
}

// In a process of its own, which becomes another user.
int open_with_high_priority_as(uid_t user) {
  if (::setresuid(user, user, user) != 0) return errno;
  fakegpu_device* device = nullptr;
  fakegpu_context* context = nullptr;
  int result = fakegpu_device_open("inprocess:vram=1M,sys=1M", &device);
  if (result == 0)
    result = fakegpu_context_create(device, nullptr, DRM_FAKEGPU_PRIORITY_HIGH, &context);
  return -result;
}

TEST(Inprocess, HighPriorityIsForWhoeverRunsIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  EXPECT_EXIT(::_exit(open_with_high_priority_as(65534)), testing::ExitedWithCode(0), "");
}

// A machine in virtual time with one device on it.
class Virtual : public ::testing::Test {
 protected:
  void SetUp() override {
    auto machine = drv::Machine::create(hw::Profile(), drv::Options(), time_, time_, tracer_);
    ASSERT_TRUE(machine) << machine.error().message();
    machine_ = std::move(*machine);
    own_bos_ = machine_->census().bos;
    std::unique_ptr<Transport> transport;
    Shell shell = {time_, [this] { return time_.step(); }, Idle::kDeadlock, nullptr};
    ASSERT_EQ(make_inprocess_transport(*machine_, std::move(shell), &transport), 0);
    ASSERT_EQ(open_transport(std::move(transport), &dev_), 0);
  }
  void TearDown() override {
    fakegpu_device_close(dev_);
    machine_->shutdown();
    time_.run();
  }

  base::VirtualExecutor time_{1};
  base::Tracer tracer_{time_};
  std::unique_ptr<drv::Machine> machine_;
  uint64_t own_bos_ = 0;  // the driver's
  fakegpu_device* dev_ = nullptr;
};

TEST_F(Virtual, WaitsInVirtualTime) {
  fakegpu_syncobj* never = nullptr;
  ASSERT_EQ(fakegpu_syncobj_create(dev_, 0, &never), 0);
  const int64_t deadline = fakegpu_deadline_ns(dev_, 3'600'000'000'000);
  EXPECT_EQ(fakegpu_syncobj_wait(dev_, &never, 1, deadline, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
                                 nullptr),
            -ETIME);
  EXPECT_GE(time_.now(), deadline);
  fakegpu_syncobj_destroy(never);
}

TEST_F(Virtual, AWaitThatNobodyCanEndIsADeadlock) {
  fakegpu_syncobj* never = nullptr;
  ASSERT_EQ(fakegpu_syncobj_create(dev_, 0, &never), 0);
  EXPECT_EQ(fakegpu_syncobj_wait(dev_, &never, 1, INT64_MAX, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
                                 nullptr),
            -EDEADLK);
  drm_fakegpu_event_fence event;
  EXPECT_EQ(fakegpu_device_read_events(dev_, &event, 1, 1), -EDEADLK);
  EXPECT_EQ(fakegpu_device_read_events(dev_, &event, 1, 0), -EAGAIN);
  fakegpu_syncobj_destroy(never);
}

TEST_F(Virtual, RunsAJobAndTellsOfItByEvent) {
  fakegpu_context* ctx = nullptr;
  fakegpu_cmdbuf* cb = nullptr;
  ASSERT_EQ(fakegpu_context_create(dev_, nullptr, 0, &ctx), 0);
  ASSERT_EQ(fakegpu_cmdbuf_create(ctx, DRM_FAKEGPU_RING_COMPUTE, &cb), 0);
  void* cpu;
  uint64_t va;
  ASSERT_EQ(fakegpu_cmdbuf_data(cb, 4, 4, &cpu, &va), 0);
  const uint32_t answer = 42;
  ASSERT_EQ(fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, va, &answer, 1), 0);
  fakegpu_submission submission = {};
  submission.ring = static_cast<uint32_t>(fakegpu_find_ring(dev_, DRM_FAKEGPU_RING_COMPUTE, 0));
  submission.flags = DRM_FAKEGPU_SUBMIT_EVENT;
  submission.cmdbufs = &cb;
  submission.cmdbuf_count = 1;
  submission.user_data = 7;
  uint64_t seqno = 0;
  ASSERT_EQ(fakegpu_context_submit(ctx, &submission, &seqno), 0);
  EXPECT_EQ(seqno, 1u);
  drm_fakegpu_event_fence event;
  ASSERT_EQ(fakegpu_device_read_events(dev_, &event, 1, 1), 1);
  EXPECT_EQ(event.user_data, 7u);
  EXPECT_EQ(event.seqno, 1u);
  EXPECT_EQ(event.error, 0);
  uint32_t written;
  std::memcpy(&written, cpu, sizeof(written));
  EXPECT_EQ(written, 42u);
  fakegpu_cmdbuf_destroy(cb);
  fakegpu_context_destroy(ctx);
}

TEST_F(Virtual, WaitsForAJobBySeqno) {
  fakegpu_context* ctx = nullptr;
  fakegpu_cmdbuf* cb = nullptr;
  ASSERT_EQ(fakegpu_context_create(dev_, nullptr, 0, &ctx), 0);
  ASSERT_EQ(fakegpu_cmdbuf_create(ctx, DRM_FAKEGPU_RING_GFX, &cb), 0);
  ASSERT_EQ(fakegpu_cmd_work(cb, 10, 1'000'000, 0, 0), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx, 0, cb, nullptr), 0);
  const int64_t deadline = fakegpu_deadline_ns(dev_, 5'000'000);
  EXPECT_EQ(fakegpu_context_wait(ctx, 0, 1, deadline), -ETIME);
  EXPECT_EQ(time_.now(), deadline);
  EXPECT_EQ(fakegpu_context_wait(ctx, 0, 1, INT64_MAX), 0);
  EXPECT_EQ(fakegpu_context_wait(ctx, 0, 2, INT64_MAX), -EINVAL);
  fakegpu_cmdbuf_destroy(cb);
  fakegpu_context_destroy(ctx);
}

TEST_F(Virtual, BadPointersOfRawIoctlsGiveEfault) {
  EXPECT_EQ(fakegpu_device_ioctl(dev_, DRM_IOCTL_FAKEGPU_VM_CREATE, nullptr), -EFAULT);
  drm_syncobj_wait wait = {.handles = 8, .count_handles = 1};
  EXPECT_EQ(fakegpu_device_ioctl(dev_, DRM_IOCTL_SYNCOBJ_WAIT, &wait), -EFAULT);
}

TEST_F(Virtual, MapsArenaAndShareableBos) {
  for (const uint32_t flags : {0u, uint32_t{DRM_FAKEGPU_BO_SHAREABLE}})
    for (const uint32_t heap : {DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_HEAP_SYSTEM}) {
      fakegpu_bo* bo = nullptr;
      void* cpu = nullptr;
      ASSERT_EQ(fakegpu_bo_create(dev_, 8192, 0, heap, flags, &bo), 0);
      ASSERT_EQ(fakegpu_bo_map(bo, &cpu), 0);
      std::memset(cpu, 0x5a, 8192);
      fakegpu_bo_destroy(bo);
    }
}

TEST_F(Virtual, AfterShutdownEverythingFailsFast) {
  machine_->shutdown();
  fakegpu_bo* bo = nullptr;
  EXPECT_EQ(fakegpu_bo_create(dev_, 4096, 0, 0, 0, &bo), -ENODEV);
}

TEST_F(Virtual, NothingIsLeftWhenTheDeviceIsClosed) {
  {
    fakegpu::Context ctx{fakegpu::Device(dev_)};
    fakegpu::CommandBuffer cb(ctx, DRM_FAKEGPU_RING_GFX);
    fakegpu_cmd_mark(cb, 1);
    ctx.submit(0, {cb});
    dev_ = nullptr;
  }
  time_.run();
  const auto census = machine_->census();
  EXPECT_EQ(census.files, 0u);
  EXPECT_EQ(census.bos, own_bos_);
  EXPECT_EQ(census.syncobjs, 0u);
  EXPECT_EQ(census.contexts, 0u);
  EXPECT_EQ(census.jobs, 0u);
  EXPECT_EQ(census.waits, 0u);
}

TEST(RealShell, OneGpuPerSettingsFromTheFirstOpenToTheLastClose) {
  const fakegpu::Device a("inprocess:vram=64M");
  const fakegpu::Device b("inprocess:vram=64M");
  const fakegpu::Device c("inprocess:vram=32M");
  const fakegpu::Bo bo(a, 1 << 20);
  drm_fakegpu_heap_info same, other;
  ASSERT_EQ(fakegpu_query_heap(b, DRM_FAKEGPU_HEAP_VRAM, &same), 0);
  ASSERT_EQ(fakegpu_query_heap(c, DRM_FAKEGPU_HEAP_VRAM, &other), 0);
  EXPECT_GE(same.used_bytes, other.used_bytes + (1 << 20));
  EXPECT_EQ(same.client_bytes, 0u);
  EXPECT_STREQ(a.transport(), "inprocess");
  EXPECT_EQ(fakegpu_device_fd(a), -1);
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(fakegpu_device_open("inprocess:nonsense", &dev), -EINVAL);
}

TEST(RealShell, ManyThreadsSubmitAndWait) {
  const fakegpu::Device dev("inprocess:");
  const uint32_t ring = dev.ring(DRM_FAKEGPU_RING_COMPUTE);
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const fakegpu::Context ctx(dev);
      const fakegpu::Bo bo(dev, 4096);
      const fakegpu::Syncobj fence(dev);
      const auto words = bo.map<uint32_t>();
      const fakegpu::CommandBuffer cb(ctx, DRM_FAKEGPU_RING_COMPUTE);
      for (uint64_t i = 1; i <= 50; ++i) {
        cb.reset();
        const uint32_t value = t << 16 | static_cast<uint32_t>(i);
        fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, bo.va(), &value, 1);
        const fakegpu_sync_point point = fence.at(i);
        ctx.submit(ring, {cb}, {}, {&point, 1});
        if (fakegpu::wait(dev, point, dev.deadline_ns(20'000'000'000)) && words[0] == value) ++done;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 200);
}

TEST(RealShell, ASignalEndsAWait) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const fakegpu::Device dev("inprocess:");
  const fakegpu::Syncobj never(dev);
  std::atomic<bool> ended = false;
  int result = 0;
  std::thread waiter([&] {
    const uint32_t handle = fakegpu_syncobj_handle(never);
    drm_syncobj_wait wait = {.handles = reinterpret_cast<uintptr_t>(&handle),
                             .timeout_nsec = INT64_MAX,
                             .count_handles = 1,
                             .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT};
    result = fakegpu_device_ioctl_once(dev, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
    ended = true;
  });
  while (!ended && ::pthread_kill(waiter.native_handle(), SIGUSR1) == 0) std::this_thread::yield();
  waiter.join();
  EXPECT_EQ(result, -EINTR);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(CppFace, ThrowsTheErrno) {
  try {
    const fakegpu::Device dev("/nothing/here");
    FAIL() << "opened";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOENT);
  }
}

}  // namespace
}  // namespace fakegpu::umd
