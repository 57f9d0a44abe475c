// SPDX-License-Identifier: MIT
// MONITOR: who hears of a device that hung, and what. When it is sent: unit-drv and unit-recovery.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <vector>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

using Events = std::vector<drm_fakegpu_event_wedged>;

int monitor(const Client& client, uint32_t events = DRM_FAKEGPU_MONITOR_WEDGED, uint32_t pad = 0) {
  drm_fakegpu_monitor arg = {.events = events, .pad = pad};
  return client.call(DRM_IOCTL_FAKEGPU_MONITOR, arg);
}

// What `client` is told; waits for the first.
Events hear(const Client& client) {
  Events heard;
  const auto add = [&heard](const drm_fakegpu_event_wedged& event) { heard.push_back(event); };
  while (heard.empty()) client.device().handle_events(add);
  while (client.device().handle_events(add, false)) continue;
  return heard;
}
bool hears_nothing(const Client& client) {
  return !client.device().handle_events([](const drm_fakegpu_event_wedged&) {}, false);
}

// Stops its ring; waits until that is over.
void stop_the_ring(const Client& client) {
  const Worker culprit(client, DRM_FAKEGPU_RING_GFX);
  const uint32_t opcode[] = {0xc000'7700, 0};
  ASSERT_EQ(fakegpu_cmd_raw(culprit.packets(), opcode, 2), 0);
  const uint32_t done = client.make_syncobj();
  ASSERT_EQ(culprit.submit({}, {{.handle = done}}), 0);
  ASSERT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0);
}

void expect_this_task(const drm_fakegpu_event_wedged& event) {
  char name[16] = {};
  ASSERT_EQ(::prctl(PR_GET_NAME, name), 0);
  EXPECT_EQ(event.pid, static_cast<uint32_t>(::getpid()));
  EXPECT_STREQ(event.task, name);
}

TEST(Wedged, AResetIsToldToWhoMonitors) {
  const Client listener;
  const Client silent;
  const Client stopped;
  const Client guilty;
  ASSERT_EQ(monitor(listener), 0);
  ASSERT_EQ(monitor(stopped), 0);
  ASSERT_EQ(monitor(stopped, 0), 0);
  stop_the_ring(guilty);
  const Events heard = hear(listener);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].base.type, DRM_FAKEGPU_EVENT_WEDGED);
  EXPECT_EQ(heard[0].base.length, sizeof(heard[0]));
  EXPECT_EQ(heard[0].recovery, DRM_FAKEGPU_WEDGE_RECOVERY_NONE);
  expect_this_task(heard[0]);
  EXPECT_TRUE(hears_nothing(silent));
  EXPECT_TRUE(hears_nothing(stopped));
  stop_the_ring(guilty);
  const Events again = hear(listener);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].seqnum, heard[0].seqnum + 1);
  EXPECT_GT(again[0].time_ns, heard[0].time_ns);
}

TEST(Wedged, UnknownEventsAndPaddingAreRefused) {
  const Client client;
  EXPECT_EQ(monitor(client, DRM_FAKEGPU_MONITOR_WEDGED << 1), -EINVAL);
  EXPECT_EQ(monitor(client, UINT32_MAX), -EINVAL);
  EXPECT_EQ(monitor(client, DRM_FAKEGPU_MONITOR_WEDGED, 1), -EINVAL);
  for (const uint64_t address : kBadAddresses)
    EXPECT_EQ(client.call_at(DRM_IOCTL_FAKEGPU_MONITOR, address), -EFAULT);
  stop_the_ring(client);
  EXPECT_TRUE(hears_nothing(client));
}

TEST(Wedged, ADeviceThatIsGivenUpStillSaysSo) {
  const std::string path = start_fresh_device();
  const Client listener(path);
  const Client poller(path);
  const Client guilty(path);
  ASSERT_EQ(monitor(listener), 0);
  ASSERT_EQ(monitor(poller), 0);
  for (const char* fault : {"mute-queue-reset", "mute-engine-reset", "mute-gpu-reset"})
    guilty.device().inject(fault);
  const Worker waiting(guilty, DRM_FAKEGPU_RING_COMPUTE);
  const uint32_t done = guilty.make_syncobj();
  Events heard;
  BlockedThread reader([&] { heard = hear(listener); });
  reader.wait_until_arrived(listener);
  stop_the_ring(guilty);
  reader.join();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].recovery,
            DRM_FAKEGPU_WEDGE_RECOVERY_REBIND | DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET);
  expect_this_task(heard[0]);
  EXPECT_EQ(waiting.submit({}, {{.handle = done}}), -ENODEV);

  if (const int fd = fakegpu_device_fd(poller.device()); fd >= 0) {
    EXPECT_EQ(poll_events(fd, 60'000) & POLLIN, POLLIN);
  }
  EXPECT_EQ(hear(poller).size(), 1u);
  EXPECT_TRUE(hears_nothing(listener));
}

}  // namespace
}  // namespace fakegpu::conformance
