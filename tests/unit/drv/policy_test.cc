// SPDX-License-Identifier: MIT
// SET_POLICY on a device that works, and who may.
#include <cstring>
#include <random>

#include "sched/policy.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kCompute = 1;

int set_policy(Client& client, std::string_view name, uint32_t ring = DRM_FAKEGPU_ALL_RINGS) {
  drm_fakegpu_set_policy arg = {};
  name.copy(arg.name, sizeof(arg.name) - 1);
  arg.ring = ring;
  return client.call(DRM_IOCTL_FAKEGPU_SET_POLICY, arg);
}

// A client of which every job counts up a dword of its own, after some work.
class Worker {
 public:
  Worker(VirtualMachine& machine, int32_t priority)
      : client_(machine), target_(client_.buffer()), context_(client_.context(priority)) {
    packets::pm4::Work work;
    work.unit_ns = 100'000;
    packets::pm4::AtomicMem add;
    add.op = packets::AtomicOp::kAdd32;
    add.address = target_.va;
    add.data = 1;
    ib_ = client_.ib(words(work, add));
  }
  void submit(uint32_t ring) {
    ASSERT_EQ(client_.submit({.context = context_, .ring = ring, .ibs = {ib_}}), 0);
    ++submitted_;
  }
  uint32_t submitted() const { return submitted_; }
  uint32_t done() { return *target_.as<uint32_t>(); }

 private:
  Client client_;
  Client::Buffer target_;
  uint32_t context_;
  drm_fakegpu_ib ib_ = {};
  uint32_t submitted_ = 0;
};

TEST(Policy, ChangesOnABusyDeviceAndNoJobIsLost) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    VirtualMachine machine(seed);
    Client ruler(machine);
    std::mt19937_64 random(seed);
    std::vector<std::unique_ptr<Worker>> workers;
    for (int32_t i = 0; i < 20; ++i)  // more than there are VMIDs
      workers.push_back(std::make_unique<Worker>(machine, i % 3 - 1));
    const auto names = sched::policy_names();
    for (unsigned step = 0; step < 60; ++step) {
      for (auto& worker : workers) worker->submit(kCompute + random() % 2);
      const uint32_t ring = random() % 2 ? DRM_FAKEGPU_ALL_RINGS : kCompute;
      ASSERT_EQ(set_policy(ruler, names[random() % names.size()], ring), 0);
      for (uint64_t ran = random() % 40; ran != 0; --ran) machine.executor().run_one();
    }
    uint32_t done = 0;
    for (auto& worker : workers) done += worker->done();
    EXPECT_GT(done, 0u) << "the device was at work meanwhile";
    EXPECT_LT(done, 20 * 60u);
    machine.run();
    for (auto& worker : workers) EXPECT_EQ(worker->done(), worker->submitted());
  }
}

TEST(Policy, IsForRootAndTheDaemonsOwner) {
  drv::Options options;
  options.owner_uid = 1000;
  VirtualMachine machine(1, options);
  for (const uint32_t uid : {0u, 1000u}) {
    Client client(machine, {.pid = 1, .uid = uid});
    EXPECT_EQ(set_policy(client, "rr"), 0) << uid;
    EXPECT_EQ(set_policy(client, "no such"), -EINVAL) << uid;
  }
  Client other(machine, {.pid = 1, .uid = 1001});
  EXPECT_EQ(set_policy(other, "fifo"), -EACCES);
  EXPECT_EQ(set_policy(other, "fifo", 0), -EACCES);
  other.pass_to({.pid = 2, .uid = 0});
  EXPECT_EQ(set_policy(other, "fifo"), 0) << "the caller counts, not who opened";
}

}  // namespace
}  // namespace fakegpu::tests
