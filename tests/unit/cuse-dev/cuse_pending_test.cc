// SPDX-License-Identifier: MIT
// Calls that are answered later: by the driver, by a signal, by the end; poll and read.
#include <fcntl.h>
#include <poll.h>

#include <array>
#include <condition_variable>

#include "cuse_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

class CusePendingTest : public CuseTest {};

class Replies {
 public:
  void keep(drv::Reply reply) {
    std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    changed_.notify_all();
  }
  drv::Reply take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !replies_.empty(); });
    drv::Reply reply = std::move(replies_.front());
    replies_.erase(replies_.begin());
    return reply;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<drv::Reply> replies_;
};

TEST_P(CusePendingTest, APendingCallIsAnsweredFromAnotherThread) {
  Replies replies;
  behaviour_.ioctl = [&](const drv::Request&, ioctl::UserMemory&, drv::Reply reply) {
    replies.keep(std::move(reply));
    return std::optional<int>();
  };
  connect();
  const drm_syncobj_create value{};
  const uint64_t unique =
      send_pending(kernel_, file_, DRM_IOCTL_SYNCOBJ_CREATE, std::as_bytes(std::span(&value, 1)));
  drv::Reply reply = replies.take();
  EXPECT_FALSE(kernel_.receive_now());
  // Longer than what the caller has room for.
  std::array<uint32_t, 8> out{11, 12, 13};
  reply(-ETIME, std::as_bytes(std::span(out)));
  const auto answer = kernel_.receive();
  EXPECT_EQ(answer.unique, unique);
  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(answer.as<fuse_ioctl_out>().result, -ETIME);
  ASSERT_EQ(answer.body.size(), sizeof(fuse_ioctl_out) + sizeof(value));
  EXPECT_EQ(std::memcmp(answer.body.data() + sizeof(fuse_ioctl_out), out.data(), sizeof(value)), 0);
}

TEST_P(CusePendingTest, AReplyFromInsideTheCallIsTheOnlyAnswer) {
  behaviour_.ioctl = [](const drv::Request&, ioctl::UserMemory&, drv::Reply reply) {
    reply(3, {});
    return std::optional<int>();
  };
  connect();
  EXPECT_EQ(kernel_.ioctl(file_, kNoStruct, 0, memory_).result, 3);
  served_->stop();
  EXPECT_FALSE(kernel_.receive_now());
}

TEST_P(CusePendingTest, AReplyThatIsDroppedUnusedAnswersNothing) {
  connect();
  EXPECT_EQ(kernel_.ioctl(file_, kNoStruct, 0, memory_).result, 0);
  served_->stop();
  EXPECT_FALSE(kernel_.receive_now());
}

TEST_P(CusePendingTest, ASignalReachesTheDriverByTheCallsName) {
  drv::Reply pending;
  uint64_t id = 0;
  std::vector<uint64_t> interrupted;
  behaviour_.ioctl = [&](const drv::Request& request, ioctl::UserMemory&, drv::Reply reply) {
    id = request.id;
    pending = std::move(reply);
    return std::optional<int>();
  };
  behaviour_.interrupt = [&](uint64_t which) {
    interrupted.push_back(which);
    pending(-EINTR, {});
    return true;
  };
  connect();
  const uint64_t unique = kernel_.send_ioctl(file_, kNoStruct, 0, {}, 0);
  kernel_.interrupt(unique);
  const auto answer = kernel_.receive();
  EXPECT_EQ(answer.unique, unique);
  EXPECT_EQ(answer.as<fuse_ioctl_out>().result, -EINTR);
  // Too late, twice, and for a call that never was.
  kernel_.interrupt(unique);
  kernel_.interrupt(unique + 1000);
  served_->stop();
  EXPECT_FALSE(kernel_.receive_now());
  EXPECT_EQ(interrupted, std::vector<uint64_t>{id});
}

TEST_P(CusePendingTest, RepliesAndSignalsThatRaceGiveOneAnswerPerCall) {
  // As the driver does: whoever takes the reply out of the table sends it.
  std::mutex mutex;
  std::map<uint64_t, drv::Reply> waiting;
  auto finish = [&](uint64_t id, int result) {
    drv::Reply reply;
    {
      std::lock_guard lock(mutex);
      auto found = waiting.find(id);
      if (found == waiting.end()) return false;
      reply = std::move(found->second);
      waiting.erase(found);
    }
    reply(result, {});
    return true;
  };
  behaviour_.ioctl = [&](const drv::Request& request, ioctl::UserMemory&, drv::Reply reply) {
    std::lock_guard lock(mutex);
    waiting.emplace(request.id, std::move(reply));
    return std::optional<int>();
  };
  behaviour_.interrupt = [&](uint64_t id) { return finish(id, -EINTR); };
  connect();
  std::atomic<bool> done = false;
  std::thread driver([&] {
    while (!done) {
      uint64_t id = 0;
      {
        std::lock_guard lock(mutex);
        if (!waiting.empty()) id = waiting.begin()->first;
      }
      if (id != 0) finish(id, 0);
      std::this_thread::yield();
    }
  });
  int answers[2] = {};
  for (int i = 0; i < 2000; ++i) {
    const uint64_t unique = kernel_.send_ioctl(file_, kNoStruct, 0, {}, 0);
    if (i % 2 == 0) kernel_.interrupt(unique);
    const auto answer = kernel_.receive();
    EXPECT_EQ(answer.unique, unique);
    const int result = answer.as<fuse_ioctl_out>().result;
    EXPECT_TRUE(result == 0 || result == -EINTR);
    if (HasFailure()) break;
    ++answers[result == 0 ? 0 : 1];
  }
  done = true;
  driver.join();
  served_->stop();
  EXPECT_FALSE(kernel_.receive_now());
  EXPECT_EQ(answers[0] + answers[1], 2000);
}

TEST_P(CusePendingTest, TheEndAnswersWhatIsPending) {
  Replies replies;
  behaviour_.ioctl = [&](const drv::Request&, ioctl::UserMemory&, drv::Reply reply) {
    replies.keep(std::move(reply));
    return std::optional<int>();
  };
  connect();
  const uint64_t unique = kernel_.send_ioctl(file_, kNoStruct, 0, {}, 0);
  drv::Reply reply = replies.take();
  served_->stop();
  const auto answer = kernel_.receive();
  EXPECT_EQ(answer.unique, unique);
  EXPECT_EQ(answer.error, -ENODEV);
  EXPECT_EQ(machine_.closed, 1);
  EXPECT_FALSE(kernel_.receive_now());
}

TEST_P(CusePendingTest, AConnectionThatTheKernelEndsIsReportedAndItsFilesClosed) {
  connect();
  kernel_.hang_up();
  while (!served_->lost) std::this_thread::yield();
  served_->stop();
  EXPECT_EQ(machine_.closed, 1);
}

TEST_P(CusePendingTest, PollAnswersAndWakesOnce) {
  Replies wakes;
  behaviour_.poll = [&](base::UniqueFunction<void()> wake) -> short {
    if (!wake) return POLLIN;
    wakes.keep([wake = std::move(wake)](int, std::span<const std::byte>) mutable { wake(); });
    return 0;
  };
  connect();
  fuse_poll_in poll = {};
  poll.fh = file_;
  poll.kh = 0xabc;
  poll.events = POLLIN;
  kernel_.send_struct(FUSE_POLL, 1, poll);
  EXPECT_EQ(kernel_.receive().as<fuse_poll_out>().revents, uint32_t{POLLIN});
  poll.flags = FUSE_POLL_SCHEDULE_NOTIFY;
  kernel_.send_struct(FUSE_POLL, 1, poll);
  EXPECT_EQ(kernel_.receive().as<fuse_poll_out>().revents, 0u);
  {
    drv::Reply wake = wakes.take();
    wake(0, {});
  }
  const auto notice = kernel_.receive();
  EXPECT_EQ(notice.unique, 0u);
  EXPECT_EQ(notice.error, FUSE_NOTIFY_POLL);
  EXPECT_EQ(notice.as<fuse_notify_poll_wakeup_out>().kh, 0xabcu);
}

TEST_P(CusePendingTest, ReadsNowLaterOrNotAtAll) {
  drv::ReadReply pending;
  bool nonblocking = false;
  std::vector<uint64_t> interrupted;
  behaviour_.read = [&](uint64_t, std::span<std::byte> bytes, bool nonblock,
                        drv::ReadReply reply) -> std::optional<int> {
    nonblocking = nonblock;
    if (nonblock) return -EAGAIN;
    if (bytes.size() == 3) {
      std::memcpy(bytes.data(), "now", 3);
      return 3;
    }
    pending = std::move(reply);
    return std::nullopt;
  };
  behaviour_.interrupt = [&](uint64_t) {
    pending(5, std::as_bytes(std::span("later", 5)));
    return true;
  };
  connect();
  fuse_read_in read = {};
  read.fh = file_;
  read.size = 100;
  read.flags = O_NONBLOCK;
  kernel_.send_struct(FUSE_READ, 1, read);
  EXPECT_EQ(kernel_.receive().error, -EAGAIN);
  read.flags = 0;
  read.size = 3;
  kernel_.send_struct(FUSE_READ, 1, read);
  auto answer = kernel_.receive();
  EXPECT_EQ(std::string_view(reinterpret_cast<char*>(answer.body.data()), answer.body.size()),
            "now");
  read.size = 4;
  kernel_.interrupt(kernel_.send_struct(FUSE_READ, 1, read));
  answer = kernel_.receive();
  // No more than was asked for.
  EXPECT_EQ(std::string_view(reinterpret_cast<char*>(answer.body.data()), answer.body.size()),
            "late");
}

INSTANTIATE_TEST_SUITE_P(Loops, CusePendingTest,
                         testing::Values(LoopKind::kUring, LoopKind::kEpoll), [](const auto& kind) {
                           return kind.param == LoopKind::kUring ? "Uring" : "Epoll";
                         });

}  // namespace
}  // namespace fakegpu::cuse_dev
