// SPDX-License-Identifier: MIT
// INJECT and the driver's own faults: refused calls that change nothing, a device that is pulled
// out. What the chip's faults do to the driver: ladder_test.cc, recovery_test.cc.
#include <algorithm>
#include <cstring>
#include <functional>

#include "ioctl/drm_core.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;

drm_fakegpu_fault fault_named(std::string_view name, uint64_t nth = 1) {
  drm_fakegpu_fault fault = {};
  name.copy(fault.name, sizeof(fault.name));
  fault.ring = DRM_FAKEGPU_ALL_RINGS;
  fault.ioctl = DRM_FAKEGPU_ANY_IOCTL;
  fault.nth = nth;
  return fault;
}

bool operator==(const drv::Machine::Census& a, const drv::Machine::Census& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

class FaultsTest : public testing::Test {
 protected:
  static drv::Options options() {
    drv::Options options;
    options.lockup_timeout = {100 * kNanosPerMilli, kNanosPerSecond, 100 * kNanosPerMilli};
    return options;
  }
  static int arm(Client& client, const drm_fakegpu_fault& fault) {
    drm_fakegpu_inject arg = {};
    arg.verb = DRM_FAKEGPU_FAULT_INJECT;
    arg.fault = fault;
    return client.call(DRM_IOCTL_FAKEGPU_INJECT, arg);
  }
  static int clear(Client& client, std::string_view name = {}) {
    drm_fakegpu_inject arg = {};
    arg.verb = DRM_FAKEGPU_FAULT_CLEAR;
    name.copy(arg.fault.name, sizeof(arg.fault.name));
    return client.call(DRM_IOCTL_FAKEGPU_INJECT, arg);
  }
  template <typename T>
  static std::vector<T> ask(Client& client, uint32_t verb) {
    std::vector<T> all(100);
    drm_fakegpu_inject arg = {};
    arg.verb = verb;
    arg.data = reinterpret_cast<uintptr_t>(all.data());
    arg.size = static_cast<uint32_t>(all.size() * sizeof(T));
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_INJECT, arg), 0);
    all.resize(arg.size / sizeof(T));
    return all;
  }
  static auto armed(Client& client) {
    return ask<drm_fakegpu_armed_fault>(client, DRM_FAKEGPU_FAULT_ARMED);
  }
  static auto kinds(Client& client) {
    return ask<drm_fakegpu_fault_kind>(client, DRM_FAKEGPU_FAULT_KINDS);
  }
  static uint64_t fired(Client& client, std::string_view name) {
    for (const drm_fakegpu_fault_kind& kind : kinds(client))
      if (name == kind.name) return kind.fired;
    ADD_FAILURE() << name;
    return 0;
  }
  static int make_bo(Client& client) {
    drm_fakegpu_bo_create arg = {};
    arg.size = 4096;
    return client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg);
  }

  VirtualMachine machine{1, options()};
  Client root{machine};
};

TEST_F(FaultsTest, AreForRootAndTheOwner) {
  Client other(machine, {1, 1000, 0});
  EXPECT_EQ(arm(other, fault_named("hang")), -EACCES);
  EXPECT_EQ(clear(other), -EACCES);
  drm_fakegpu_inject arg = {};
  for (const uint32_t verb : {DRM_FAKEGPU_FAULT_KINDS, DRM_FAKEGPU_FAULT_ARMED}) {
    arg.verb = verb;
    EXPECT_EQ(other.call(DRM_IOCTL_FAKEGPU_INJECT, arg), -EACCES);
  }
  EXPECT_TRUE(armed(root).empty());
  drv::Options owned;
  owned.owner_uid = 1000;
  VirtualMachine theirs(1, owned);
  Client owner(theirs, {1, 1000, 0});
  EXPECT_EQ(arm(owner, fault_named("hang")), 0);
}

TEST_F(FaultsTest, WhatIsArmedIsToldAndTakenBack) {
  drm_fakegpu_fault late = fault_named("late-interrupt", 0);
  late.probability = 1u << 30;
  late.seed = 5;
  late.ring = 2;
  late.duration_ns = 1'000'000;
  late.for_ns = 2'000'000'000;
  ASSERT_EQ(arm(root, late), 0);
  drm_fakegpu_fault error = fault_named("ioctl-error", 3);
  error.error = ENOSPC;
  error.ioctl = _IOC_NR(DRM_IOCTL_FAKEGPU_BO_CREATE);
  ASSERT_EQ(arm(root, error), 0);
  EXPECT_EQ(make_bo(root), 0);
  machine.executor().run_for(kNanosPerSecond);

  auto all = armed(root);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].fault.for_ns, 1'000'000'000u) << "what is left";
  all[0].fault.for_ns = late.for_ns;
  EXPECT_EQ(std::memcmp(&all[0].fault, &late, sizeof(late)), 0);
  EXPECT_EQ(std::memcmp(&all[1].fault, &error, sizeof(error)), 0);
  EXPECT_EQ(all[1].seen, 1u);
  EXPECT_EQ(all[1].fired, 0u);

  machine.executor().run_for(kNanosPerSecond);
  EXPECT_EQ(armed(root).size(), 1u);
  ASSERT_EQ(clear(root, "late-interrupt"), 0);
  EXPECT_EQ(armed(root).size(), 1u);
  ASSERT_EQ(clear(root, "ioctl-error"), 0);
  EXPECT_TRUE(armed(root).empty());
}

TEST_F(FaultsTest, EveryKindIsExplained) {
  const auto all = kinds(root);
  EXPECT_EQ(all.size(), static_cast<size_t>(hw::FaultKind::kCount) +
                            static_cast<size_t>(drv::DriverFault::kCount));
  for (const drm_fakegpu_fault_kind& kind : all) {
    for (const char* text : {kind.name, kind.what, kind.trigger, kind.ends})
      EXPECT_NE(*text, 0) << kind.name;
    EXPECT_EQ(kind.fired, 0u) << kind.name;
  }
}

TEST_F(FaultsTest, NoMoreIsCopiedThanThereIsRoomFor) {
  drm_fakegpu_fault_kind two[3];
  std::memset(two, 0xa5, sizeof(two));
  drm_fakegpu_inject arg = {};
  arg.verb = DRM_FAKEGPU_FAULT_KINDS;
  arg.data = reinterpret_cast<uintptr_t>(two);
  arg.size = 2 * sizeof(two[0]);
  ASSERT_EQ(root.call(DRM_IOCTL_FAKEGPU_INJECT, arg), 0);
  EXPECT_EQ(arg.size, kinds(root).size() * sizeof(two[0]));
  EXPECT_STREQ(two[0].name, "hang");
  EXPECT_EQ(static_cast<unsigned char>(two[2].name[0]), 0xa5u);
}

TEST_F(FaultsTest, BadFieldsAreRefusedAndArmNothing) {
  using Change = std::function<void(drm_fakegpu_inject&)>;
  const Change changes[] = {
      [](auto& arg) { arg.verb = DRM_FAKEGPU_FAULT_ARMED + 1; },
      [](auto& arg) { arg.pad = 1; },
      [](auto& arg) { arg.pad2 = 1; },
      [](auto& arg) { arg.fault.pad = 1; },
      [](auto& arg) { arg.data = 4096; },
      [](auto& arg) { arg.size = 1; },
      [](auto& arg) { arg.fault.name[0] = 0; },
      [](auto& arg) { arg.fault.name[0] = 'H'; },
      [](auto& arg) { std::memset(arg.fault.name, 'h', sizeof(arg.fault.name)); },
      [](auto& arg) { arg.fault.ring = 7; },
      [](auto& arg) { arg.fault.ring = DRM_FAKEGPU_ALL_RINGS - 1; },
      [](auto& arg) { arg.fault.nth = 0; },
      [](auto& arg) { arg.fault.probability = 1; },
      [](auto& arg) { arg.fault.seed = 1; },
      [](auto& arg) {
        arg.fault.nth = 0;
        arg.fault.probability = (1ull << 32) + 1;
      },
      [](auto& arg) { arg.fault.duration_ns = 1; },
      [](auto& arg) { arg.fault.for_ns = ~0ull; },
      [](auto& arg) { arg.fault.error = 1; },
      [](auto& arg) { arg.fault.error = ~0u; },
      [](auto& arg) { arg.fault.ioctl = 0; },
      [](auto& arg) { arg.fault.ioctl = 0x100; },
      [](auto& arg) { arg.verb = DRM_FAKEGPU_FAULT_CLEAR; },
      [](auto& arg) { arg.verb = DRM_FAKEGPU_FAULT_KINDS; },
      [](auto& arg) { arg.verb = DRM_FAKEGPU_FAULT_ARMED; },
  };
  for (size_t i = 0; i < std::size(changes); ++i) {
    drm_fakegpu_inject arg = {};
    arg.fault = fault_named("hang");
    changes[i](arg);
    EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_INJECT, arg), -EINVAL) << i;
  }
  EXPECT_EQ(clear(root, "hung"), -EINVAL);
  drm_fakegpu_fault error = fault_named("ioctl-error");
  EXPECT_EQ(arm(root, error), -EINVAL) << "no errno";
  error.error = EIO;
  for (const uint32_t nr : {0x42u, uint32_t{_IOC_NR(DRM_IOCTL_FAKEGPU_INJECT)}, 0x100u}) {
    error.ioctl = nr;
    EXPECT_EQ(arm(root, error), -EINVAL) << "ioctl " << nr;
  }
  drm_fakegpu_inject big = {};
  big.verb = DRM_FAKEGPU_FAULT_KINDS;
  big.size = 65537;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_INJECT, big), -EINVAL);
  EXPECT_TRUE(armed(root).empty());
}

TEST_F(FaultsTest, NoMoreThanSoManyAreArmed) {
  for (size_t i = 0; i < base::FaultInjector::kMostArmed; ++i)
    ASSERT_EQ(arm(root, fault_named("hang", 1000)), 0);
  EXPECT_EQ(arm(root, fault_named("slow-reset", 1000)), -EINVAL) << "before it is counted";
  EXPECT_EQ(arm(root, fault_named("hang", 1000)), -ENOSPC);
  EXPECT_EQ(arm(root, fault_named("no-memory", 1000)), 0) << "the driver counts its own";
}

TEST_F(FaultsTest, ACreationWithoutMemoryMakesNothing) {
  const uint32_t vm = root.vm();
  const std::function<int()> creations[] = {
      [&] { return make_bo(root); },
      [&] {
        drm_fakegpu_vm_create arg = {};
        return root.call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg);
      },
      [&] {
        drm_fakegpu_ctx_create arg = {};
        arg.vm_id = vm;
        return root.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg);
      },
      [&] {
        drm_syncobj_create arg = {};
        return root.call(DRM_IOCTL_SYNCOBJ_CREATE, arg);
      },
  };
  ASSERT_EQ(make_bo(root), 0) << "so that the arena is there";
  for (const auto& create : creations) {
    ASSERT_EQ(arm(root, fault_named("no-memory")), 0);
    const auto before = machine.machine().census();
    EXPECT_EQ(create(), -ENOMEM);
    EXPECT_TRUE(machine.machine().census() == before);
    EXPECT_EQ(create(), 0);
    EXPECT_FALSE(machine.machine().census() == before);
  }
  EXPECT_EQ(fired(root, "no-memory"), std::size(creations));
}

TEST_F(FaultsTest, OnlyCreationsThatWouldGoOnCount) {
  ASSERT_EQ(arm(root, fault_named("no-memory", 2)), 0);
  drm_fakegpu_ctx_create none = {};
  none.vm_id = 77;
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, none), -ENOENT);
  EXPECT_EQ(make_bo(root), 0);
  EXPECT_EQ(make_bo(root), -ENOMEM);
}

TEST_F(FaultsTest, ACallThatIsRefusedDoesNothing) {
  drm_fakegpu_fault fault = fault_named("ioctl-error", 2);
  fault.error = EINTR;
  fault.ioctl = _IOC_NR(DRM_IOCTL_FAKEGPU_SUBMIT);
  const uint32_t context = root.context();
  const auto target = root.buffer();
  const drm_fakegpu_ib first = root.ib(write_dword(target.va, 1));
  const drm_fakegpu_ib second = root.ib(write_dword(target.va, 2));
  ASSERT_EQ(arm(root, fault), 0);
  EXPECT_EQ(root.submit({.context = context, .ibs = {first}}), 0);
  EXPECT_EQ(root.submit({.context = context, .ibs = {second}}), -EINTR);
  machine.run();
  EXPECT_EQ(*target.bytes.data(), std::byte{1});
  uint64_t seqno = 0;
  EXPECT_EQ(root.submit({.context = context, .ibs = {second}}, &seqno), 0);
  EXPECT_EQ(seqno, 2u) << "the one that was refused has none";
}

TEST_F(FaultsTest, RefusedCallsDoNotKeepFromTakingThatBack) {
  drm_fakegpu_fault fault = fault_named("ioctl-error", 0);
  fault.probability = 1ull << 32;
  fault.error = EIO;
  ASSERT_EQ(arm(root, fault), 0);
  EXPECT_EQ(make_bo(root), -EIO);
  EXPECT_EQ(armed(root).at(0).fired, 1u);
  drm_fakegpu_query query = {};
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_QUERY, query), 0) << "it takes that to open a device";
  fault.ioctl = _IOC_NR(DRM_IOCTL_FAKEGPU_QUERY);
  ASSERT_EQ(arm(root, fault), 0);
  EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_QUERY, query), -EIO) << "it is named";
  EXPECT_EQ(clear(root), 0);
  EXPECT_EQ(make_bo(root), 0);
}

TEST_F(FaultsTest, CallsRefusedByChanceAreTheSeeds) {
  const auto refused = [this](uint64_t seed) {
    drm_fakegpu_fault fault = fault_named("ioctl-error", 0);
    fault.probability = 1u << 31;
    fault.seed = seed;
    fault.error = EIO;
    EXPECT_EQ(arm(root, fault), 0);
    std::vector<int> all;
    for (int i = 0; i < 50; ++i) all.push_back(make_bo(root));
    EXPECT_EQ(clear(root), 0);
    return all;
  };
  const auto one = refused(1);
  EXPECT_EQ(one, refused(1));
  EXPECT_NE(one, refused(2));
  EXPECT_NE(std::ranges::count(one, 0), 0);
  EXPECT_NE(std::ranges::count(one, -EIO), 0);
}

class Unplug : public FaultsTest {
 protected:
  // The answer of a wait for what never comes; 1: none yet.
  void wait(Client& client, int* answer) {
    *answer = 1;
    handle_ = client.syncobj();
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle_);
    arg.count_handles = 1;
    arg.timeout_nsec = INT64_MAX;
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    EXPECT_EQ(client.start(DRM_IOCTL_SYNCOBJ_WAIT, arg,
                           [answer](int result, std::span<const std::byte>) { *answer = result; }),
              std::nullopt);
  }
  uint32_t handle_ = 0;
};

TEST_F(Unplug, TakesTheDeviceAwayAfterTheCallThatArmsIt) {
  Client client(machine, {2, 1000, 0});
  const uint32_t context = client.context();
  packets::pm4::Work work;
  work.units = 1000;
  work.unit_ns = 1'000'000;
  ASSERT_EQ(client.submit({.context = context, .ibs = {client.ib(words(work))}}), 0);
  ASSERT_EQ(client.submit({.context = context, .ibs = {client.ib(words(work))}}), 0);
  int answer = 1;
  wait(client, &answer);
  EXPECT_EQ(arm(root, fault_named("unplug")), 0);
  EXPECT_EQ(answer, -ENODEV);
  EXPECT_EQ(make_bo(client), -ENODEV);
  EXPECT_EQ(make_bo(root), -ENODEV);
  EXPECT_EQ(clear(root), -ENODEV);
  EXPECT_FALSE(machine.machine().open({1, 0, 0}));
  EXPECT_EQ(machine.machine().census().jobs, 0u);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST_F(Unplug, CountsCalls) {
  ASSERT_EQ(arm(root, fault_named("unplug", 3)), 0);
  EXPECT_EQ(make_bo(root), 0);
  EXPECT_EQ(make_bo(root), 0) << "it goes after this one";
  EXPECT_EQ(make_bo(root), -ENODEV);
}

TEST_F(Unplug, ByACallThatWaitsAnswersThatToo) {
  handle_ = root.syncobj();
  ASSERT_EQ(arm(root, fault_named("unplug", 3)), 0);
  int answer = 1;
  wait(root, &answer);  // makes a syncobj first
  machine.run();
  EXPECT_EQ(answer, -ENODEV);
  EXPECT_EQ(make_bo(root), -ENODEV);
}

// Whatever it is, the driver gets over it: every job ends, and the next one runs.
TEST(EveryFault, IsSurvivedByTheDevice) {
  constexpr base::Nanos kTimeout = 100 * kNanosPerMilli;
  drv::Options options;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  for (const base::FaultDescription& kind : hw::fault_descriptions()) {
    if (kind.name == "mute-gpu-reset") continue;
    VirtualMachine machine(1, options);
    const bool timed = (kind.takes & base::kFaultTakesDuration) != 0;
    ASSERT_TRUE(machine.machine().faults().inject(
        {.name = std::string(kind.name), .nth = 1, .duration = timed ? 20 * kNanosPerMilli : 0}));
    // So that what is about resets comes to its trigger: through all of them.
    packets::pm4::Hang hang;
    hang.mode = packets::pm4::Hang::Mode::kSurviveSoftReset;
    {
      Client client(machine);
      ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(words(hang))}}), 0);
      machine.executor().run_for(5 * kNanosPerSecond);
    }
    EXPECT_EQ(machine.machine().census().jobs, 0u) << kind.name;
    Client client(machine);
    const auto target = client.buffer();
    ASSERT_EQ(
        client.submit({.context = client.context(), .ibs = {client.ib(write_dword(target.va, 1))}}),
        0);
    machine.executor().run_for(5 * kNanosPerSecond);
    EXPECT_EQ(*target.bytes.data(), std::byte{1}) << kind.name;
    EXPECT_TRUE(machine.machine().faults().armed().empty()) << kind.name << " never fired";
  }
}

}  // namespace
}  // namespace fakegpu::tests
