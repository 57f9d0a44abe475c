// SPDX-License-Identifier: MIT
// Core dumps and explanations: what they say, to whom, and when.
#include <algorithm>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;

packets::Words hang(packets::pm4::Hang::Mode mode) {
  packets::pm4::Hang packet;
  packet.mode = mode;
  return words(packet);
}
const auto kProcessor = packets::pm4::Hang::Mode::kProcessor;

drv::Options options() {
  drv::Options options;
  options.owner_uid = 77;
  return options;
}

class DebugTest : public testing::Test {
 protected:
  DebugTest() : machine(1, options()), client(machine, {1, 1000, 1000}), root(machine) {}

  int read_dump(Client& who, std::string& text, uint32_t flags = 0, uint64_t offset = 0,
                uint32_t room = 65536) {
    text.assign(room, '?');
    drm_fakegpu_coredump arg = {};
    arg.data = reinterpret_cast<uintptr_t>(text.data());
    arg.size = room;
    arg.flags = flags;
    arg.offset = offset;
    const int result = who.call(DRM_IOCTL_FAKEGPU_COREDUMP, arg);
    if (result != 0) return result;
    text.resize(arg.size);
    total = arg.total;
    return 0;
  }
  int explain(Client& who, uint32_t what, std::string& text, uint32_t handle = 0, uint32_t ring = 0,
              uint64_t point = 0) {
    text.assign(65536, '?');
    drm_fakegpu_explain arg = {};
    arg.what = what;
    arg.handle = handle;
    arg.ring = ring;
    arg.point = point;
    arg.data = reinterpret_cast<uintptr_t>(text.data());
    arg.size = static_cast<uint32_t>(text.size());
    const int result = who.call(DRM_IOCTL_FAKEGPU_EXPLAIN, arg);
    text.resize(result == 0 ? arg.size : 0);
    return result;
  }
  void hang_once() {
    ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(hang(kProcessor))}}),
              0);
    machine.executor().run_for(3 * kNanosPerSecond);
  }

  VirtualMachine machine;
  Client client;
  Client root;
  uint64_t total = 0;
};

TEST_F(DebugTest, AHangLeavesADumpOfWhatTheDeviceWasAt) {
  std::string text;
  EXPECT_EQ(read_dump(root, text), -ENOENT);
  hang_once();
  ASSERT_EQ(read_dump(root, text), 0);
  EXPECT_EQ(total, text.size());
  // Sections in amdgpu's order.
  size_t at = 0;
  for (const char* title : {"**** fakegpu Device Coredump ****", "SOC Information",
                            "Memory Information", "Ring timed out details", "IB\n",
                            "Ring buffer information", "ring name: gfx_0.0", "Recovery"}) {
    const size_t found = text.find(title, at);
    ASSERT_NE(found, std::string::npos) << title << " after\n" << text.substr(0, at);
    at = found;
  }
  // As of the hang, not of the time after the reset.
  EXPECT_NE(text.find("HANG mode=processor"), std::string::npos) << text.substr(0, 1500);
  EXPECT_NE(text.find("RING_STATUS: 0x00000009"), std::string::npos);
  EXPECT_NE(text.find("RING_IB_LEVEL: 0x00000001"), std::string::npos);
  EXPECT_NE(text.find("in flight: fence "), std::string::npos);
  EXPECT_NE(text.find("ended by: queue reset"), std::string::npos);
}

TEST_F(DebugTest, AFaultIsNamedWithItsAddress) {
  ASSERT_EQ(
      client.submit({.context = client.context(), .ibs = {client.ib(write_dword(0x7000'0000, 1))}}),
      0);
  machine.executor().run_for(kNanosPerSecond);
  std::string text;
  ASSERT_EQ(read_dump(root, text), 0);
  EXPECT_NE(text.find("Faulty page starting at address: 0x70000000"), std::string::npos);
}

TEST_F(DebugTest, TheFirstDumpIsKeptUntilItIsReleasedOrExpires) {
  hang_once();
  std::string first;
  ASSERT_EQ(read_dump(root, first), 0);
  hang_once();
  std::string second;
  ASSERT_EQ(read_dump(root, second, DRM_FAKEGPU_COREDUMP_RELEASE), 0);
  EXPECT_EQ(first, second);
  EXPECT_EQ(read_dump(root, second), -ENOENT);
  hang_once();
  ASSERT_EQ(read_dump(root, second), 0);
  EXPECT_NE(first, second);
  machine.executor().run_for(300 * kNanosPerSecond);
  EXPECT_EQ(read_dump(root, second), -ENOENT);
}

TEST_F(DebugTest, ADumpIsForRootAndTheOwner) {
  hang_once();
  std::string text;
  EXPECT_EQ(read_dump(client, text), -EACCES);
  Client owner(machine, {1, 77, 77});
  EXPECT_EQ(read_dump(owner, text), 0);
}

TEST_F(DebugTest, ADumpIsReadInParts) {
  hang_once();
  std::string whole;
  ASSERT_EQ(read_dump(root, whole), 0);
  std::string parts;
  std::string part;
  do {
    ASSERT_EQ(read_dump(root, part, 0, parts.size(), 100), 0);
    EXPECT_EQ(total, whole.size());
    parts += part;
  } while (!part.empty());
  EXPECT_EQ(parts, whole);
  ASSERT_EQ(read_dump(root, part, 0, UINT64_MAX, 100), 0);
  EXPECT_EQ(part, "");
}

TEST_F(DebugTest, BadArgumentsAreRefused) {
  hang_once();
  drm_fakegpu_coredump dump = {};
  dump.flags = 4;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_COREDUMP, dump), -EINVAL);
  dump = {};
  dump.size = 65537;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_COREDUMP, dump), -EINVAL);
  drm_fakegpu_explain explain = {};
  explain.what = 4;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -EINVAL);
  explain = {};
  explain.pad = 1;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -EINVAL);
  explain = {};
  explain.what = DRM_FAKEGPU_EXPLAIN_CLIENT;
  explain.handle = 1;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -EINVAL);
  explain = {};
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -ENOENT);  // no syncobj 0
  explain.what = DRM_FAKEGPU_EXPLAIN_CLIENT;
  explain.point = 999;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -ENOENT);
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_EXPLAIN, explain), -EACCES);
}

TEST_F(DebugTest, JsonSaysTheSame) {
  hang_once();
  std::string json;
  ASSERT_EQ(read_dump(root, json, DRM_FAKEGPU_COREDUMP_JSON), 0);
  EXPECT_TRUE(json.starts_with("{\"sections\":[{\"title\":\"**** fakegpu Device Coredump ****\""));
  EXPECT_TRUE(json.ends_with("]}\n"));
  EXPECT_NE(json.find("\"Ring Name\":\"gfx_0.0\""), std::string::npos);
  EXPECT_EQ(std::ranges::count(json, '{'), std::ranges::count(json, '}'));
}

TEST_F(DebugTest, TheChainIsFollowedDownToThePacket) {
  packets::pm4::WaitRegMem wait;
  auto flag = client.buffer();
  wait.address = flag.va;
  wait.reference = 1;
  const uint32_t first = client.syncobj();
  const uint32_t second = client.syncobj();
  const uint32_t context = client.context();
  ASSERT_EQ(
      client.submit({.context = context, .ibs = {client.ib(words(wait))}, .out = {{first, 0, 0}}}),
      0);
  ASSERT_EQ(client.submit({.context = context,
                           .ring = 1,
                           .ibs = {client.ib(write_dword(flag.va + 8, 1))},
                           .in = {{first, 0, 0}},
                           .out = {{second, 0, 0}}}),
            0);
  machine.executor().run_for(10 * kNanosPerMilli);
  std::string text;
  ASSERT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_SYNCOBJ, text, second), 0);
  size_t at = 0;
  for (const char* step :
       {"drm_sched comp_1.0", "queued on comp_1.0 for 10.", "which waits for", "drm_sched gfx_0.0",
        "executing on gfx_0.0 for ", "engine busy waiting", "done: WAIT_REG_MEM addr="}) {
    const size_t found = text.find(step, at);
    ASSERT_NE(found, std::string::npos) << step << " in\n" << text;
    at = found;
  }
  flag.as<uint32_t>()[0] = 1;
  machine.run();
  ASSERT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_SYNCOBJ, text, second), 0);
  EXPECT_EQ(text, "signalled\n");
  ASSERT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_JOB, text, context, 1, 1), 0);
  EXPECT_EQ(text, "finished\n");
  EXPECT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_JOB, text, context, 1, 2), -EINVAL);
  EXPECT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_JOB, text, 99, 1, 1), -ENOENT);
}

TEST_F(DebugTest, OtherClientsAreNotShown) {
  Client other(machine, {1, 2000, 2000});
  const uint32_t context = other.context();
  packets::pm4::Work work;
  work.units = 1;
  work.unit_ns = 1'000'000'000;
  ASSERT_EQ(other.submit({.context = context, .ibs = {other.ib(words(work))}}), 0);
  machine.executor().run_for(kNanosPerMilli);
  const uint32_t mine = client.context();
  ASSERT_EQ(client.submit({.context = mine, .ibs = {client.ib(write_dword(0x100000, 1))}}), 0);
  std::string text;
  ASSERT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_JOB, text, mine, 0, 1), 0);
  EXPECT_NE(text.find("job 1 of context"), std::string::npos);
  EXPECT_EQ(text.find("WORK"), std::string::npos) << text;
  EXPECT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_ALL, text), -EACCES);
  ASSERT_EQ(explain(root, DRM_FAKEGPU_EXPLAIN_ALL, text), 0);
  EXPECT_NE(text.find("WORK"), std::string::npos) << text;
  machine.run();
}

TEST_F(DebugTest, AnEndlessChainIsCutOff) {
  std::vector<uint32_t> contexts;
  uint32_t before = client.syncobj();
  packets::pm4::WaitRegMem wait;
  auto flag = client.buffer();
  wait.address = flag.va;
  wait.reference = 1;
  ASSERT_EQ(
      client.submit(
          {.context = client.context(), .ibs = {client.ib(words(wait))}, .out = {{before, 0, 0}}}),
      0);
  for (uint32_t i = 0; i < 500; ++i) {
    const uint32_t next = client.syncobj();
    ASSERT_EQ(client.submit({.context = client.context(),
                             .ring = 1 + i % 2,
                             .ibs = {},
                             .in = {{before, 0, 0}},
                             .out = {{next, 0, 0}}}),
              0);
    before = next;
  }
  std::string text;
  ASSERT_EQ(explain(client, DRM_FAKEGPU_EXPLAIN_SYNCOBJ, text, before), 0);
  EXPECT_LT(text.size(), 65536u);
  EXPECT_NE(text.find("... and so on"), std::string::npos);
  flag.as<uint32_t>()[0] = 1;
  machine.run();
}

}  // namespace
}  // namespace fakegpu::tests
