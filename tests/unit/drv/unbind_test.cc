// SPDX-License-Identifier: MIT
// How long the pages of what is unbound stay: until the jobs that were submitted before are done,
// of all contexts, and no longer.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr base::Nanos kShort = 1'000'000;
constexpr base::Nanos kLong = 10 * kShort;
constexpr uint32_t kGfx = 0;
constexpr uint32_t kCompute = 1;

struct Unbind : testing::Test {
  // In a context of its own.
  void submit(uint32_t ring, base::Nanos duration) {
    packets::pm4::Work work;
    work.unit_ns = static_cast<uint32_t>(duration);
    ASSERT_EQ(
        client.submit({.context = client.context(), .ring = ring, .ibs = {client.ib(words(work))}}),
        0);
  }
  // A BO that nothing but its bind keeps, without that.
  void unbind(const Client::Buffer& target) {
    drm_gem_close close = {target.handle, 0};
    ASSERT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, close), 0);
    drm_fakegpu_vm_unbind arg = {client.vm(), 0, target.va};
    ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, arg), 0);
  }
  void run_for(base::Nanos duration) { machine.executor().run_for(duration); }
  uint64_t bos() { return machine.machine().census().bos; }

  VirtualMachine machine;
  Client client{machine};
  Client::Buffer target = client.buffer();
  Client::Buffer another = client.buffer();
};

TEST_F(Unbind, WithoutJobsLetsThePagesGoAtOnce) {
  const uint64_t before = bos();
  unbind(target);
  EXPECT_EQ(bos(), before - 1);
}

TEST_F(Unbind, KeepsThePagesForTheJobsOfAllContexts) {
  submit(kGfx, kShort);
  submit(kCompute, kLong);
  const uint64_t before = bos();
  unbind(target);
  run_for(2 * kShort);
  EXPECT_EQ(bos(), before);
  run_for(kLong);
  EXPECT_EQ(bos(), before - 1);
}

TEST_F(Unbind, DoesNotWaitForLaterJobs) {
  submit(kGfx, kShort);
  unbind(target);
  submit(kCompute, kLong);
  const uint64_t before = bos();
  run_for(2 * kShort);
  EXPECT_EQ(bos(), before - 1);
}

TEST_F(Unbind, ASecondOneWaitsForWhatTheFirstWaitsFor) {
  submit(kGfx, kLong);
  unbind(target);
  submit(kCompute, kShort);
  const uint64_t before = bos();
  unbind(another);
  run_for(2 * kShort);
  EXPECT_EQ(bos(), before);
  run_for(kLong);
  EXPECT_EQ(bos(), before - 2);
}

TEST_F(Unbind, ASecondOneKeepsNothingOfTheFirst) {
  submit(kGfx, kShort);
  unbind(target);
  submit(kCompute, kLong);
  const uint64_t before = bos();
  unbind(another);
  run_for(2 * kShort);
  EXPECT_EQ(bos(), before - 1);
  run_for(kLong);
  EXPECT_EQ(bos(), before - 2);
}

TEST_F(Unbind, TwoWithNoJobBetweenThemWaitForTheSame) {
  submit(kGfx, kShort);
  const uint64_t before = bos();
  unbind(target);
  unbind(another);
  EXPECT_EQ(bos(), before);
  run_for(2 * kShort);
  EXPECT_EQ(bos(), before - 2);
}

TEST_F(Unbind, OfMoreContextsThanAreKeptTrackOfForgetsNone) {
  submit(kGfx, kLong);
  for (unsigned i = 0; i < 200; ++i) submit(kCompute, kShort / 1000);
  run_for(kShort);
  const uint64_t before = bos();
  unbind(target);
  run_for(kShort);
  EXPECT_EQ(bos(), before);
  run_for(kLong);
  EXPECT_EQ(bos(), before - 1);
}

}  // namespace
}  // namespace fakegpu::tests
