// SPDX-License-Identifier: MIT
// INJECT: the device broken on purpose. Who may: tests/system/users_test.py; every bad field:
// unit-drv.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

class Faults : public testing::Test {
 protected:
  ~Faults() override { client_.device().clear_faults(); }

  uint64_t fired(std::string_view name) const {
    const auto kinds = client_.device().fault_kinds();
    const auto found = std::ranges::find(
        kinds, name, [](const auto& kind) { return std::string_view(kind.name); });
    EXPECT_NE(found, kinds.end()) << name;
    return found == kinds.end() ? 0 : found->fired;
  }
  int ask(drm_fakegpu_inject& arg) const { return client_.call(DRM_IOCTL_FAKEGPU_INJECT, arg); }
  int create_bo(uint32_t* handle = nullptr) const {
    drm_fakegpu_bo_create arg = {.size = kPage};
    const int result = client_.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg);
    if (handle) *handle = arg.handle;
    return result;
  }
  // Submits a job that the ring has to execute, and waits for it.
  static void finish_a_job(const Worker& worker) {
    ASSERT_EQ(fakegpu_cmd_nop(worker.packets(), 1), 0);
    const uint32_t done = worker.client().make_syncobj();
    ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0);
    ASSERT_EQ(worker.client().wait({&done, 1}, INT64_MAX, 0), 0);
  }
  static uint32_t flags_of(const Worker& worker) {
    drm_fakegpu_ctx_query query = {.ctx_id = fakegpu_context_id(worker.context())};
    EXPECT_EQ(worker.client().call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);
    return query.flags;
  }

  const Client client_;
};

TEST_F(Faults, AHangIsSeenAndGotOver) {
  const uint64_t before = fired("hang");
  const Worker victim(client_, DRM_FAKEGPU_RING_GFX);
  client_.device().inject("hang,ring=gfx_0.0");
  ASSERT_EQ(client_.device().armed_faults().size(), 1u);
  finish_a_job(victim);
  EXPECT_EQ(fired("hang"), before + 1);
  EXPECT_TRUE(client_.device().armed_faults().empty());
  EXPECT_EQ(flags_of(victim) & DRM_FAKEGPU_CTX_GUILTY, DRM_FAKEGPU_CTX_GUILTY);
  const Worker next(client_, DRM_FAKEGPU_RING_GFX);
  finish_a_job(next);
  EXPECT_EQ(flags_of(next), 0u);
}

TEST_F(Faults, AnInterruptThatIsLostIsMissedByNobody) {
  const uint64_t before = fired("lost-interrupt");
  const Worker worker(client_, DRM_FAKEGPU_RING_COMPUTE);
  client_.device().inject("lost-interrupt,ring=" + std::to_string(worker.ring()));
  finish_a_job(worker);
  EXPECT_EQ(fired("lost-interrupt"), before + 1);
  EXPECT_EQ(flags_of(worker), 0u);
}

TEST_F(Faults, ACallFailsWithTheErrnoAndMakesNothing) {
  client_.device().inject("ioctl-error,errno=EXFULL,ioctl=BO_CREATE,nth=2");
  uint32_t handles[3] = {};
  EXPECT_EQ(create_bo(&handles[0]), 0);
  EXPECT_EQ(create_bo(&handles[1]), -EXFULL);
  EXPECT_EQ(create_bo(&handles[2]), 0);
  EXPECT_EQ(handles[2], handles[0] + 1);
}

TEST_F(Faults, MemoryRunsOutAtTheNthCreation) {
  const uint64_t used = client_.heap(0).client_bytes;
  client_.device().inject("no-memory,nth=2");
  client_.make_syncobj();
  EXPECT_EQ(create_bo(), -ENOMEM);
  EXPECT_EQ(client_.heap(0).client_bytes, used);
  EXPECT_EQ(create_bo(), 0);
}

TEST_F(Faults, WhatIsClearedDoesNotFire) {
  client_.device().inject("no-memory");
  client_.device().inject("ioctl-error,errno=EIO,probability=1");
  EXPECT_EQ(create_bo(), -EIO);
  const Client late;  // a device can still be opened
  late.device().clear_faults("ioctl-error");
  EXPECT_EQ(client_.device().armed_faults().size(), 1u);
  client_.device().clear_faults();
  EXPECT_EQ(create_bo(), 0);
}

TEST_F(Faults, EndWithTheirTime) {
  client_.device().inject("hang,nth=1000000,for=1ms");
  const auto armed = [this] { return client_.device().armed_faults().size(); };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (armed() != 0 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(armed(), 0u);
}

TEST_F(Faults, AreToldAsTheyWereArmed) {
  client_.device().inject("slow-packet,ring=sdma1,probability=0.5,seed=9,duration=20us");
  const auto armed = client_.device().armed_faults();
  ASSERT_EQ(armed.size(), 1u);
  const drm_fakegpu_fault& fault = armed[0].fault;
  EXPECT_STREQ(fault.name, "slow-packet");
  EXPECT_EQ(fault.ring, client_.device().ring(DRM_FAKEGPU_RING_SDMA, 1));
  EXPECT_EQ(fault.ioctl, DRM_FAKEGPU_ANY_IOCTL);
  EXPECT_EQ(fault.probability, 1ull << 31);
  EXPECT_EQ(fault.seed, 9u);
  EXPECT_EQ(fault.duration_ns, 20'000u);
  EXPECT_EQ(armed[0].fired, 0u);
}

TEST_F(Faults, WhatIsRefusedArmsNothing) {
  for (const char* text :
       {"hung", "hang,nth=1,probability=0.5", "hang,ring=gfx_0.9", "hang,ring=99", "hang,seed=1",
        "hang,duration=1ms", "slow-packet", "ioctl-error", "ioctl-error,errno=EIO,ioctl=INJECT",
        "vram-loss,ring=0", "", "hang,probability=nan"})
    EXPECT_EQ(fakegpu_inject_fault(client_.device(), text), -EINVAL) << text;
  EXPECT_EQ(fakegpu_clear_faults(client_.device(), "hung"), -EINVAL);
  EXPECT_EQ(fakegpu_clear_faults(client_.device(), ""), -EINVAL);
  uint32_t size = 0;
  EXPECT_EQ(fakegpu_fault_info(client_.device(), DRM_FAKEGPU_FAULT_CLEAR, nullptr, &size), -EINVAL);
  EXPECT_TRUE(client_.device().armed_faults().empty());
  for (int i = 0; i < 64; ++i) client_.device().inject("hang,nth=1000000");
  EXPECT_EQ(fakegpu_inject_fault(client_.device(), "hang,nth=1000000"), -ENOSPC);
}

TEST_F(Faults, BadPointersAndPaddingAreRefused) {
  for (const uint64_t address : kBadAddresses) {
    drm_fakegpu_inject arg = {.verb = DRM_FAKEGPU_FAULT_KINDS, .data = address, .size = 64};
    EXPECT_EQ(ask(arg), -EFAULT);
    arg.pad2 = 1;
    EXPECT_EQ(ask(arg), -EINVAL) << "padding comes first";
    EXPECT_EQ(client_.call_at(DRM_IOCTL_FAKEGPU_INJECT, address), -EFAULT);
  }
}

TEST_F(Faults, NothingIsWrittenBeyondTheRoomOrTheAnswer) {
  std::vector<uint8_t> room(65536, 0xa5);
  drm_fakegpu_inject arg = {
      .verb = DRM_FAKEGPU_FAULT_KINDS, .data = address_of(room.data()), .size = 7};
  ASSERT_EQ(ask(arg), 0);
  EXPECT_EQ(room[7], 0xa5);
  const uint32_t whole = arg.size;
  arg = {.verb = DRM_FAKEGPU_FAULT_KINDS, .data = address_of(room.data()), .size = 65536};
  ASSERT_EQ(ask(arg), 0);
  EXPECT_EQ(arg.size, whole);
  EXPECT_EQ(room[whole], 0xa5);
}

TEST(Unplugged, WaitsEndAndLaterCallsFail) {
  const std::string path = start_fresh_device();
  const Client client(path);
  const Client ruler(path);
  const Worker worker(client, DRM_FAKEGPU_RING_COMPUTE);
  ASSERT_EQ(fakegpu_cmd_work(worker.packets(), 1000, 1'000'000, 0, 0), 0);
  const uint32_t never = client.make_syncobj();
  ASSERT_EQ(worker.submit({}, {}), 0);
  int waited = 0;
  BlockedThread waiter([&] {
    waited = client.wait({&never, 1}, INT64_MAX, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT);
  });
  waiter.wait_until_arrived(client);
  ruler.device().inject("unplug");
  waiter.join();
  EXPECT_EQ(waited, -ENODEV);
  EXPECT_EQ(fakegpu_context_wait(worker.context(), worker.ring(), 1, INT64_MAX), -ENODEV);
  EXPECT_EQ(worker.submit({}, {}), -ENODEV);
  drm_fakegpu_bo_create bo = {.size = kPage};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), -ENODEV);
  EXPECT_EQ(fakegpu_clear_faults(ruler.device(), nullptr), -ENODEV);
  fakegpu_device* none = nullptr;
  EXPECT_EQ(fakegpu_device_open(path.c_str(), &none), -ENODEV);
}

}  // namespace
}  // namespace fakegpu::conformance
