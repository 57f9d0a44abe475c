// SPDX-License-Identifier: MIT
// Calls on a node that give and take descriptors.
#include <linux/sync_file.h>
#include <sys/eventfd.h>

#include "base/virtual_executor.h"
#include "cuse_fixture.h"
#include "ioctl/drm_core.h"

namespace fakegpu::cuse_dev {
namespace {

using ioctl::SyncobjHandle;

struct ClaimedHandle {
  SyncobjHandle handle;
  drm_fakegpu_fd_claim claim;
};
constexpr uint32_t sized(uint32_t command, size_t bytes) {
  return _IOC(_IOC_DIR(command), _IOC_TYPE(command), _IOC_NR(command), bytes);
}
constexpr uint32_t kToFd = sized(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, sizeof(SyncobjHandle));
constexpr uint32_t kClaimedToFd = sized(kToFd, sizeof(ClaimedHandle));
constexpr uint32_t kFromFd = sized(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, sizeof(SyncobjHandle));

// Keeps what it is asked until the test answers. In the loop's thread, as the calls are.
class FakeTaker final : public FdTaker {
 public:
  void take(int32_t tid, int32_t fd, Done done) override {
    asked.emplace_back(tid, fd);
    waiting = std::move(done);
    if (answer_at_once) std::exchange(waiting, nullptr)(std::move(answer));
  }
  void add_node(NodeIdentity) override {}
  void watch() override {}
  void unwatch() override {}

  std::vector<std::pair<int32_t, int32_t>> asked;
  Done waiting;
  bool answer_at_once = true;
  FetchedFd answer;
};

class NodeFdTest : public CuseTest {
 protected:
  void start(bool restricted = false) {
    auto taker = std::make_unique<FakeTaker>();
    taker_ = taker.get();
    CuseSession::Options options;
    options.restricted = restricted;
    options.nodes = std::make_shared<NodeFiles>(*loop_, clock_, std::move(taker));
    connect(options);
    behaviour_.ioctl = [this](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
      commands_.push_back(request.command);
      if (_IOC_NR(request.command) == _IOC_NR(kFromFd)) return take(request, memory);
      return give(request, memory);
    };
  }
  // What the driver does.
  int give(const drv::Request& request, ioctl::UserMemory& memory) {
    auto arg = fetch<SyncobjHandle>(request, memory);
    if (const int error = request.descriptors->reserve(true)) return error;
    arg.fd = request.descriptors->install(std::move(*machine_.open({}, true, nullptr)));
    EXPECT_TRUE(store(request.arg, memory, arg));
    return 0;
  }
  int take(const drv::Request& request, ioctl::UserMemory& memory) {
    taken_ = request.descriptors->take(fetch<SyncobjHandle>(request, memory).fd);
    return taken_.error;
  }

  // A call with the struct at kStruct, by whichever kind of session there is.
  int call(uint64_t file, uint32_t command) {
    return kernel_.ioctl(file, command, kStruct, memory_).result;
  }
  drm_fakegpu_fd_claim claim() {
    ClaimedHandle arg = {};
    arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
    memory_.put(kStruct, arg);
    EXPECT_EQ(call(file_, kClaimedToFd), 0);
    return memory_.get<ClaimedHandle>(kStruct).claim;
  }
  int attach(uint64_t file, const drm_fakegpu_fd_claim& claim) {
    memory_.put(kStruct, drm_fakegpu_attach{.token = {claim.token[0], claim.token[1]}});
    return call(file, DRM_IOCTL_FAKEGPU_ATTACH);
  }
  uint64_t identify(uint64_t file) {
    memory_.put(kStruct, drm_fakegpu_identify{});
    EXPECT_EQ(call(file, DRM_IOCTL_FAKEGPU_IDENTIFY), 0);
    return memory_.get<drm_fakegpu_identify>(kStruct).file_id;
  }
  int from_fd(int32_t fd) {
    SyncobjHandle arg = {};
    arg.fd = fd;
    memory_.put(kStruct, arg);
    return call(file_, kFromFd);
  }
  uint64_t send_from_fd() {
    SyncobjHandle arg = {};
    arg.fd = 5;
    return send_pending(kernel_, file_, kFromFd, std::as_bytes(std::span(&arg, 1)));
  }
  // Runs `task` in the loop's thread and waits for it.
  template <typename Task>
  void in_loop(Task task) {
    const base::UniqueFd done(::eventfd(0, EFD_CLOEXEC));
    loop_->post([&] {
      task();
      ::eventfd_write(done.get(), 1);
    });
    eventfd_t value;
    EXPECT_EQ(::eventfd_read(done.get(), &value), 0);
  }

  base::VirtualExecutor clock_{1};
  FakeTaker* taker_ = nullptr;
  std::vector<uint32_t> commands_;
  drv::TakenFd taken_;
};

TEST_P(NodeFdTest, WithoutAClaimNothingIsGiven) {
  start();
  memory_.put(kStruct, SyncobjHandle{});
  EXPECT_EQ(call(file_, kToFd), -EOPNOTSUPP);
}

TEST_P(NodeFdTest, AClaimedFileIsAttachedOnce) {
  start();
  const drm_fakegpu_fd_claim first = claim();
  EXPECT_EQ(memory_.get<ClaimedHandle>(kStruct).handle.fd, -1);
  // The driver sees the call as it knows it.
  EXPECT_EQ(commands_, std::vector<uint32_t>{kToFd});
  EXPECT_EQ(attach(file_, first), -EBUSY);
  const uint64_t fresh = kernel_.open(FUSE_ROOT_ID);
  const uint64_t id = identify(fresh);
  EXPECT_EQ(attach(fresh, first), 0);
  EXPECT_EQ(identify(fresh), id);
  EXPECT_EQ(attach(fresh, first), -EBUSY);
  const uint64_t second = kernel_.open(FUSE_ROOT_ID);
  EXPECT_EQ(attach(second, first), -ENOENT);
  // The opener's own file is gone, the claimed one is there.
  EXPECT_EQ(machine_.closed, 1);
}

TEST_P(NodeFdTest, AClaimEndsAfterTenSeconds) {
  start();
  const drm_fakegpu_fd_claim late = claim();
  in_loop([&] { clock_.run_for(FdClaims::kLifetime); });
  EXPECT_EQ(attach(kernel_.open(FUSE_ROOT_ID), late), -ENOENT);
}

TEST_P(NodeFdTest, AClaimThatIsNotUnderstoodReachesNoDriver) {
  start();
  ClaimedHandle arg = {};
  memory_.put(kStruct, arg);
  EXPECT_EQ(call(file_, kClaimedToFd), -EINVAL);
  arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
  arg.claim.flags = 4;
  memory_.put(kStruct, arg);
  EXPECT_EQ(call(file_, kClaimedToFd), -EINVAL);
  EXPECT_TRUE(commands_.empty());
  arg.claim.flags = DRM_FAKEGPU_FD_CLAIM_FULL;
  memory_.put(kStruct, arg);
  EXPECT_EQ(call(file_, kClaimedToFd), -EMFILE);
}

TEST_P(NodeFdTest, ARestrictedCallHasItsClaimInTheSameStruct) {
  start(true);
  ClaimedHandle arg = {};
  arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
  kernel_.send_ioctl(file_, kClaimedToFd, kStruct, std::as_bytes(std::span(&arg, 1)), sizeof(arg));
  const FakeKernel::Answer answer = kernel_.receive();
  EXPECT_EQ(answer.as<fuse_ioctl_out>().result, 0);
  ASSERT_EQ(answer.body.size(), sizeof(fuse_ioctl_out) + sizeof(arg));
  std::memcpy(&arg, answer.body.data() + sizeof(fuse_ioctl_out), sizeof(arg));
  EXPECT_EQ(arg.handle.fd, -1);
  drm_fakegpu_attach token = {.token = {arg.claim.token[0], arg.claim.token[1]}};
  const uint64_t fresh = kernel_.open(FUSE_ROOT_ID);
  kernel_.send_ioctl(fresh, DRM_IOCTL_FAKEGPU_ATTACH, kStruct, std::as_bytes(std::span(&token, 1)),
                     0);
  EXPECT_EQ(kernel_.receive().as<fuse_ioctl_out>().result, 0);
}

TEST_P(NodeFdTest, AnythingElseDoneBeforeMakesAFileTheDevicesForGood) {
  behaviour_.poll = [](base::UniqueFunction<void()>) { return short{0}; };
  start();
  const drm_fakegpu_fd_claim claimed = claim();
  const uint64_t polled = kernel_.open(FUSE_ROOT_ID);
  kernel_.send_struct(FUSE_POLL, FUSE_ROOT_ID, fuse_poll_in{.fh = polled});
  EXPECT_EQ(kernel_.receive().error, 0);
  EXPECT_EQ(attach(polled, claimed), -EBUSY);
}

TEST_P(NodeFdTest, OtherFilesCallsAreUnknownWhateverTheyPointTo) {
  start();
  const auto answer = kernel_.ioctl(file_, SYNC_IOC_FILE_INFO, 0x8, memory_);
  EXPECT_EQ(answer.result, -ENOTTY);
  EXPECT_EQ(answer.trips, 1u);
}

TEST_P(NodeFdTest, ATakenDescriptorIsAFileOfOursOrAForeignOne) {
  start();
  const uint64_t id = identify(file_);
  taker_->answer.file_id = id;
  EXPECT_EQ(from_fd(7), 0);
  EXPECT_EQ(taker_->asked.back(), (std::pair<int32_t, int32_t>{FakeKernel::kTid, 7}));
  EXPECT_NE(taken_.file, nullptr);
  taker_->answer = {};
  taker_->answer.eventfd.reset(::eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(from_fd(7), 0);
  EXPECT_EQ(taken_.file, nullptr);
  EXPECT_TRUE(taken_.foreign);
  taker_->answer = {.error = -EPERM};
  EXPECT_EQ(from_fd(7), -EPERM);
  // Closed while it was asked for.
  taker_->answer = {.file_id = id + 1000};
  EXPECT_EQ(from_fd(7), -EBADF);
}

TEST_P(NodeFdTest, ASignalEndsACallWhoseDescriptorIsLookedAt) {
  start();
  taker_->answer_at_once = false;
  const uint64_t unique = send_from_fd();
  kernel_.interrupt(unique);
  const FakeKernel::Answer answer = kernel_.receive();
  EXPECT_EQ(answer.unique, unique);
  EXPECT_EQ(answer.error, -EINTR);
  in_loop([&] { taker_->waiting({}); });
  EXPECT_TRUE(commands_.empty());
  EXPECT_FALSE(kernel_.receive_now());
}

TEST_P(NodeFdTest, TheEndAnswersACallWhoseDescriptorIsLookedAt) {
  start();
  taker_->answer_at_once = false;
  const uint64_t unique = send_from_fd();
  in_loop([] {});
  served_->stop();
  const FakeKernel::Answer answer = kernel_.receive();
  EXPECT_EQ(answer.unique, unique);
  EXPECT_EQ(answer.error, -ENODEV);
  EXPECT_TRUE(commands_.empty());
}

INSTANTIATE_TEST_SUITE_P(Loops, NodeFdTest, testing::Values(LoopKind::kUring, LoopKind::kEpoll),
                         [](const auto& kind) {
                           return kind.param == LoopKind::kUring ? "Uring" : "Epoll";
                         });

}  // namespace
}  // namespace fakegpu::cuse_dev
