// SPDX-License-Identifier: MIT
// What DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE tells the fence that is waited for.
#include "../../../kmd-user/drv/file_impl.h"
#include "ioctl/drm_core.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

class WaitDeadline : public testing::Test {
 protected:
  WaitDeadline() {
    packets::pm4::Work work;
    work.units = 1;
    work.unit_ns = 1'000'000;
    EXPECT_EQ(client_.submit({.context = client_.context(),
                              .ibs = {client_.ib(words(work))},
                              .out = {{done_, 0, 0}}}),
              0);
  }
  // A look with the deadline, by a struct of `size` bytes.
  int look(uint64_t deadline, size_t size = sizeof(ioctl::SyncobjWait),
           uint32_t flags = ioctl::kSyncobjWaitDeadline) {
    ioctl::SyncobjWait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&done_);
    arg.count_handles = 1;
    arg.flags = flags;
    arg.deadline_nsec = deadline;
    constexpr unsigned long kWait = DRM_IOCTL_SYNCOBJ_WAIT;
    return client_.call(_IOC(_IOC_DIR(kWait), _IOC_TYPE(kWait), _IOC_NR(kWait), size), arg);
  }
  base::Nanos of_fence() {
    auto& file = static_cast<drv::FileImpl&>(client_.file());
    return file.syncobjs().find(done_)->fence()->deadline();
  }

  VirtualMachine machine_;
  Client client_{machine_};
  uint32_t done_ = client_.syncobj();
};

TEST_F(WaitDeadline, ReachesTheFinishedFenceAndTheEarliestStays) {
  EXPECT_EQ(of_fence(), 0) << "none yet";
  EXPECT_EQ(look(5000), -ETIME);
  EXPECT_EQ(of_fence(), 5000);
  EXPECT_EQ(look(7000), -ETIME);
  EXPECT_EQ(of_fence(), 5000);
  EXPECT_EQ(look(3000), -ETIME);
  EXPECT_EQ(of_fence(), 3000);
}

TEST_F(WaitDeadline, IsNotReadWithoutTheFlag) {
  EXPECT_EQ(look(5000, sizeof(ioctl::SyncobjWait), 0), -ETIME);
  EXPECT_EQ(of_fence(), 0);
}

TEST_F(WaitDeadline, BeyondTheClocksEndIsItsEnd) {
  EXPECT_EQ(look(UINT64_MAX), -ETIME);
  EXPECT_EQ(of_fence(), INT64_MAX);
}

// Zero is the earliest time there is; a fence keeps 1 for it, as 0 says that there is none.
TEST_F(WaitDeadline, OfZeroIsAtOnce) {
  EXPECT_EQ(look(0), -ETIME);
  EXPECT_EQ(of_fence(), 1);
}

TEST_F(WaitDeadline, OfAShorterStructReadsZero) {
  EXPECT_EQ(look(5000, offsetof(ioctl::SyncobjWait, deadline_nsec)), -ETIME);
  EXPECT_EQ(of_fence(), 1);
}

}  // namespace
}  // namespace fakegpu::tests
