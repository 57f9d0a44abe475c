// SPDX-License-Identifier: MIT
// What the titles of the scenarios that ship promise.
#include "shipped.h"

#include "drv/machine.h"
#include "engine.h"

namespace fakegpu::sim {
namespace {

constexpr Nanos kMs = base::kNanosPerMilli;

RunStatistics run_shipped(const std::string& name, const std::string& policy) {
  return run(load_shipped(name), {.policy = policy, .seed = 1});
}

double in_ms(uint64_t nanos) {
  return static_cast<double>(nanos) / static_cast<double>(kMs);
}

// What the model in the literature on drm_sched's policy comes to: 75 and 1900 ms of two seconds.
TEST(Shipped, FairServesWhoQueuesOneJobOneToOneByJob) {
  const auto fair = run_shipped("fair-depth-one", "fair");
  EXPECT_NEAR(in_ms(fair.clients[0].gpu_time), 1950, 50);
  EXPECT_LT(in_ms(fair.clients[1].gpu_time), 80);
  const auto prepaid = run_shipped("fair-depth-one", "prepaid");
  EXPECT_NEAR(in_ms(prepaid.clients[0].gpu_time), 1000, 50);
  EXPECT_NEAR(in_ms(prepaid.clients[1].gpu_time), 1000, 50);
}

TEST(Shipped, FairChargesAllAtOnceAndPrepaidDoesNot) {
  const auto fair = run_shipped("fair-debt-shock", "fair");
  EXPECT_NEAR(in_ms(fair.clients[0].latency.max()), 1676, 8);
  EXPECT_LE(in_ms(fair.clients[0].latency.percentile(0.5)), 6);
  const auto prepaid = run_shipped("fair-debt-shock", "prepaid");
  EXPECT_LT(in_ms(prepaid.clients[0].latency.max()), 20);
  // Both had batches of two.
  EXPECT_GT(fair.clients[0].finished, 900u);
  EXPECT_GT(prepaid.clients[0].finished, 900u);
}

TEST(Shipped, FairForgetsADebtThatPrepaidKeeps) {
  const auto fair = run_shipped("fair-forgiven-debt", "fair");
  EXPECT_NEAR(in_ms(fair.clients[1].latency.percentile(0.5)), 100, 1);
  const auto prepaid = run_shipped("fair-forgiven-debt", "prepaid");
  EXPECT_NEAR(in_ms(prepaid.clients[1].latency.max()), 50, 1);
}

TEST(Shipped, FairServesThreeOfEightSynchronousClients) {
  EXPECT_NEAR(run_shipped("fair-last-comers", "fair").fairness, 3.0 / 8, 1e-4);
  for (const char* policy : {"prepaid", "rr", "fifo", "edf"})
    EXPECT_GT(run_shipped("fair-last-comers", policy).fairness, 0.999) << policy;
}

// Whatever the order on the gfx ring, an upload waits for the ones before it alone.
TEST(Shipped, DesktopUploadsRunBesideWhatIsDrawn) {
  const auto prepaid = run_shipped("desktop", "prepaid");
  ASSERT_EQ(prepaid.clients.at(0).name, "uploads");
  ASSERT_EQ(prepaid.rings.size(), 2u);
  EXPECT_EQ(prepaid.rings[1].name, "sdma0");
  EXPECT_NEAR(prepaid.rings[1].utilisation, 0.12, 0.03);
  EXPECT_EQ(prepaid.clients[0].missed, 0u);
  // The game's frames go after them.
  EXPECT_EQ(prepaid.clients.at(1).name, "game");
  EXPECT_GE(prepaid.clients[1].wait.percentile(0.9), prepaid.clients[0].latency.percentile(0.9));
  const auto fair = run_shipped("desktop", "fair");
  EXPECT_EQ(fair.clients[0].latency.max(), prepaid.clients[0].latency.max());
}

TEST(Shipped, AHangCostsItsOwnClientJobsAndOthersTime) {
  for (const std::string_view policy : drv::policy_names()) {
    const auto result = run_shipped("hang", std::string(policy));
    EXPECT_GT(result.clients.at(0).failed, 0u);
    // A frame each, but for those that were queued with the one that hung.
    EXPECT_EQ(result.clients[0].finished + result.clients[0].failed, 60u);
    EXPECT_GT(result.clients[0].finished, 35u) << "it goes on with another context";
    EXPECT_EQ(result.clients.at(1).failed, 0u);
    EXPECT_EQ(result.clients[1].finished, 25u);
    EXPECT_GT(in_ms(result.clients[1].latency.max()), 300) << "soft recovery, two mute steps";
    EXPECT_EQ(result.clients.at(2).failed, 0u);
    EXPECT_GT(result.clients[2].finished, 325u) << "its ring stood for a moment";
  }
}

}  // namespace
}  // namespace fakegpu::sim
