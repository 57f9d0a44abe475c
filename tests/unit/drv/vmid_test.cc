// SPDX-License-Identifier: MIT
// More address spaces than there are VMIDs, all of them busy for good.
#include <algorithm>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr unsigned kClients = 20;
constexpr unsigned kHwSubmission = 16;

// A client that always has jobs queued, each of which counts up a dword.
class BusyClient {
 public:
  BusyClient(VirtualMachine& machine, uint32_t ring) : client_(machine), ring_(ring) {
    context_ = client_.context();
    packets::pm4::Work work;
    work.unit_ns = 10'000;
    packets::pm4::AtomicMem add;
    add.op = packets::AtomicOp::kAdd32;
    add.address = target_.va;
    add.data = 1;
    ib_ = client_.ib(words(work, add));
  }
  uint32_t done() { return *target_.as<uint32_t>(); }
  void keep_busy() {
    for (; submitted_ < done() + 2 * kHwSubmission; ++submitted_)
      ASSERT_EQ(client_.submit({.context = context_, .ring = ring_, .ibs = {ib_}}), 0);
  }
  uint32_t submitted() const { return submitted_; }
  Client& client() { return client_; }
  uint32_t context() const { return context_; }

 private:
  Client client_;
  Client::Buffer target_ = client_.buffer();
  uint32_t ring_;
  uint32_t context_;
  drm_fakegpu_ib ib_ = {};
  uint32_t submitted_ = 0;
};

class Busy : public testing::TestWithParam<const char*> {
 protected:
  static drv::Options options() {
    drv::Options options;
    options.policy = GetParam();
    options.hw_submission = kHwSubmission;
    options.queue_time = 0;
    options.file_jobs = 1u << 20;
    return options;
  }
};

// On one ring, under a policy that lets its clients take turns: what the ring holds and a job of
// each client is all that is done between two jobs of one of them.
TEST_P(Busy, ClientsBeyondTheVmidsAllMakeProgress) {
  VirtualMachine machine(1, options());
  std::vector<std::unique_ptr<BusyClient>> clients;
  for (unsigned i = 0; i < kClients; ++i)
    clients.push_back(std::make_unique<BusyClient>(machine, 0));
  constexpr uint32_t kBound = kClients + kHwSubmission;
  std::vector<uint32_t> done(kClients);   // when last looked at
  std::vector<uint32_t> since(kClients);  // jobs of all when it last had one done
  uint32_t total = 0;
  uint32_t longest = 0;
  while (total < 100 * kClients) {
    for (unsigned i = 0; i < kClients; ++i) {
      clients[i]->keep_busy();
      total += clients[i]->done() - done[i];
      if (clients[i]->done() == done[i]) continue;
      done[i] = clients[i]->done();
      since[i] = total;
    }
    for (unsigned i = 0; i < kClients; ++i) longest = std::max(longest, total - since[i]);
    ASSERT_LE(longest, kBound) << total;
    ASSERT_TRUE(machine.executor().run_one());
  }
  RecordProperty("longest", static_cast<int>(longest));
  machine.run();
  for (auto& client : clients) EXPECT_EQ(client->done(), client->submitted());
}

INSTANTIATE_TEST_SUITE_P(Policies, Busy, testing::Values("prepaid", "fifo", "rr"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Vmids, APromiseToAContextThatIsDestroyedBindsNobody) {
  VirtualMachine machine(1);
  std::vector<std::unique_ptr<BusyClient>> clients;
  for (unsigned i = 0; i < kClients; ++i)
    clients.push_back(std::make_unique<BusyClient>(machine, i % 2 ? 0 : 1));
  for (auto& client : clients) client->keep_busy();
  for (unsigned i = 0; i < 50; ++i) machine.executor().run_one();
  // Whoever waited for a VMID is gone, one way or the other.
  for (unsigned i = 0; i < kClients - 1; i += 2) {
    drm_fakegpu_ctx_destroy arg = {.ctx_id = clients[i]->context()};
    ASSERT_EQ(clients[i]->client().call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), 0);
    clients[i + 1]->client().close();
  }
  machine.run();
  std::vector<std::unique_ptr<BusyClient>> others;
  for (unsigned i = 0; i < 15; ++i) others.push_back(std::make_unique<BusyClient>(machine, 0));
  for (auto& client : others) client->keep_busy();
  machine.run();
  for (auto& client : others) EXPECT_EQ(client->done(), client->submitted());
}

}  // namespace
}  // namespace fakegpu::tests
