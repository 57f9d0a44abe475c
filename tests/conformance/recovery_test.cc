// SPDX-License-Identifier: MIT
// Jobs that stop or hang a ring: igt's amd_deadlock and amd_queue_reset by meaning. The culprit's
// context is finished, everybody else goes on.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint64_t kUnbound = 0x7000'0000'0000;

enum class Crime { kBadOpcode, kBadLength, kCorruptHeader, kBadRegister, kBadRead, kBadWrite };

struct Case {
  uint32_t type;
  Crime crime;
  const char* name;
};

void add(const Worker& worker, std::initializer_list<uint32_t> dwords) {
  ASSERT_EQ(fakegpu_cmd_raw(worker.packets(), dwords.begin(), static_cast<uint32_t>(dwords.size())),
            0);
}

// The packet's formats are those of ioctl/packets: PM4 type 3, or SDMA's op and sub-op.
void add(const Worker& worker, Crime crime, bool sdma) {
  switch (crime) {
    case Crime::kBadOpcode:
      sdma ? add(worker, {0xff, 0}) : add(worker, {0xc000'7700, 0});
      break;
    case Crime::kBadLength:
      // WRITE_LINEAR of more than there is, WRITE_DATA of less than it takes.
      sdma ? add(worker, {2, 0, 0, 0xf'ffff}) : add(worker, {0xc001'3700, 0, 0});
      break;
    case Crime::kCorruptHeader:
      sdma ? add(worker, {0x7f01, 0, 0, 0, 0, 0, 0}) : add(worker, {0x0001'3700, 0, 0});
      break;
    case Crime::kBadRegister:
      sdma ? add(worker, {14 | 0xf000'0000, 0x400, 1}) : add(worker, {0xc003'3700, 0, 0x400, 0, 1});
      break;
    case Crime::kBadRead:
      ASSERT_EQ(fakegpu_cmd_copy(worker.packets(), worker.va(), kUnbound, 4), 0);
      break;
    case Crime::kBadWrite:
      ASSERT_EQ(fakegpu_cmd_fill(worker.packets(), kUnbound, 1, 4), 0);
      break;
  }
}

class Recovery : public testing::Test {
 protected:
  static constexpr uint32_t kResetFlags =
      DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_VRAM_LOST | DRM_FAKEGPU_CTX_GUILTY;

  // The error of the next job of `client` that asked for an event, waiting for it.
  static int next_error(const Client& client) {
    drm_fakegpu_event_fence event = {};
    EXPECT_EQ(fakegpu_device_read_events(client.device(), &event, 1, true), 1);
    return event.error;
  }
  static uint32_t flags(const Worker& worker) { return worker.context().query().flags; }

  // Submits what `culprit` holds, and somebody else's job behind it.
  static void expect_only_the_culprit_fails(const Worker& culprit, uint32_t type, int error) {
    const Client other;
    const Worker innocent(other, type);
    ASSERT_EQ(fakegpu_cmd_fill(innocent.packets(), innocent.va(), 0x600d, 4), 0);
    ASSERT_EQ(culprit.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT), 0);
    ASSERT_EQ(innocent.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT), 0);
    EXPECT_EQ(next_error(culprit.client()), error);
    EXPECT_EQ(next_error(other), 0);
    EXPECT_EQ(innocent.load(0), 0x600du);
    EXPECT_EQ(culprit.submit({}, {}), -ECANCELED);
    EXPECT_EQ(flags(culprit) & kResetFlags, DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
    EXPECT_EQ(flags(innocent) & kResetFlags, DRM_FAKEGPU_CTX_RESET);

    const Worker again(culprit.client(), type);
    ASSERT_EQ(fakegpu_cmd_fill(again.packets(), again.va(), 0xa6a1, 4), 0);
    ASSERT_EQ(again.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT), 0);
    EXPECT_EQ(next_error(culprit.client()), 0);
    EXPECT_EQ(again.load(0), 0xa6a1u);
    EXPECT_EQ(flags(again) & kResetFlags, 0u);
  }

  const Client client_;
};

class RecoveryFrom : public Recovery, public testing::WithParamInterface<Case> {};

TEST_P(RecoveryFrom, CostsOnlyItsOwnContext) {
  const Worker culprit(client_, GetParam().type);
  add(culprit, GetParam().crime, GetParam().type == DRM_FAKEGPU_RING_SDMA);
  expect_only_the_culprit_fails(culprit, GetParam().type, -ETIME);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const uint32_t type :
       {DRM_FAKEGPU_RING_GFX, DRM_FAKEGPU_RING_COMPUTE, DRM_FAKEGPU_RING_SDMA}) {
    all.push_back({type, Crime::kBadOpcode, "BadOpcode"});
    all.push_back({type, Crime::kBadLength, "BadLength"});
    all.push_back({type, Crime::kCorruptHeader, "CorruptHeader"});
    all.push_back({type, Crime::kBadRegister, "BadRegister"});
    all.push_back({type, Crime::kBadRead, "BadRead"});
    all.push_back({type, Crime::kBadWrite, "BadWrite"});
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Case>& one) {
  const bool gfx = one.param.type == DRM_FAKEGPU_RING_GFX;
  const bool sdma = one.param.type == DRM_FAKEGPU_RING_SDMA;
  return std::string(gfx ? "Gfx" : sdma ? "Sdma" : "Compute") + one.param.name;
}

INSTANTIATE_TEST_SUITE_P(EveryType, RecoveryFrom, testing::ValuesIn(cases()), name_of);

// Compute rings may be held for long, so that they are not tried.
TEST_F(Recovery, AnEndlessWaitIsEndedOnGfx) {
  const Worker culprit(client_, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_wait_reg_mem(culprit.packets(), FAKEGPU_COMPARE_EQUAL, 0, culprit.va(), 1,
                                     UINT32_MAX, 16),
            0);
  expect_only_the_culprit_fails(culprit, DRM_FAKEGPU_RING_GFX, -ETIME);
}

TEST_F(Recovery, AnEndlessWaitIsEndedOnSdma) {
  const Worker culprit(client_, DRM_FAKEGPU_RING_SDMA);
  ASSERT_EQ(fakegpu_sdma_poll_regmem(culprit.packets(), FAKEGPU_COMPARE_EQUAL, 0, culprit.va(), 1,
                                     UINT32_MAX, 16, FAKEGPU_RETRY_FOREVER),
            0);
  expect_only_the_culprit_fails(culprit, DRM_FAKEGPU_RING_SDMA, -ETIME);
}

TEST_F(Recovery, AnEndlessWaveIsKilled) {
  const Worker culprit(client_, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_hang(culprit.packets(), 0, 0), 0);
  expect_only_the_culprit_fails(culprit, DRM_FAKEGPU_RING_GFX, -ENODATA);
}

// There are no waves to be killed.
TEST_F(Recovery, EndlessWorkOnSdmaIsEndedByAReset) {
  const Worker culprit(client_, DRM_FAKEGPU_RING_SDMA);
  ASSERT_EQ(fakegpu_sdma_work(culprit.packets(), UINT32_MAX, UINT32_MAX, 0), 0);
  expect_only_the_culprit_fails(culprit, DRM_FAKEGPU_RING_SDMA, -ETIME);
}

TEST_F(Recovery, ASlowCopyIsNoHang) {
  constexpr uint64_t kBytes = 1 << 20;
  const Bo from(client_.device(), kBytes);
  const Bo to(client_.device(), kBytes);
  from.map<uint32_t>()[kBytes / 4 - 1] = 0xc0b1;
  for (const uint32_t type :
       {DRM_FAKEGPU_RING_GFX, DRM_FAKEGPU_RING_COMPUTE, DRM_FAKEGPU_RING_SDMA}) {
    to.map<uint32_t>()[kBytes / 4 - 1] = 0;
    const Worker worker(client_, type);
    for (int i = 0; i < 32; ++i)
      ASSERT_EQ(fakegpu_cmd_copy(worker.packets(), to.va(), from.va(), kBytes), 0);
    ASSERT_EQ(worker.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT), 0);
    EXPECT_EQ(next_error(client_), 0);
    EXPECT_EQ(to.map<uint32_t>()[kBytes / 4 - 1], 0xc0b1u);
    EXPECT_EQ(flags(worker) & kResetFlags, 0u);
  }
}

}  // namespace
}  // namespace fakegpu::conformance
