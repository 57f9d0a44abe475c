// SPDX-License-Identifier: MIT
// An open device that is opened once more by its descriptor: another open file, whatever the first
// one's inode means to the kernel.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "client.h"

namespace fakegpu::conformance {
namespace {

// The name of a descriptor of the device that the test holds itself.
class NodeReopen : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = ::open(device_path().c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd_, 0);
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  void TearDown() override { close_first(); }
  void close_first() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  // The GPU writes a value into a page of `client` and the CPU reads it from its mapping.
  static void expect_works(const Client& client, uint32_t value) {
    const Worker worker(client, DRM_FAKEGPU_RING_GFX);
    ASSERT_EQ(fakegpu_cmd_fill(worker.packets(), worker.va(), value, 4), 0);
    const uint32_t done = client.make_syncobj();
    ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0);
    ASSERT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0);
    EXPECT_EQ(worker.load(0), value);
  }

  int fd_ = -1;
  std::string path_;
};

TEST_F(NodeReopen, AFileByItsDescriptorIsAnotherFileWithMemoryThatWorks) {
  const Client first(path_);
  const Client second(path_);
  const uint32_t bo = first.make_bo();
  drm_fakegpu_bo_info info = {.handle = bo};
  EXPECT_EQ(second.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), -ENOENT);
  expect_works(first, 0xf1257);
  expect_works(second, 0x5ec0d);
}

// As igt's core_auth does.
TEST_F(NodeReopen, AThousandTimes) {
  for (uint32_t i = 0; i < 1000; ++i) {
    const int again = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(again, 0) << "open " << i << ": errno " << errno;
    ASSERT_EQ(::close(again), 0);
  }
  expect_works(Client(path_), 0xa11);
}

TEST_F(NodeReopen, TheSecondGoesOnWhenTheFirstIsClosed) {
  auto first = std::make_unique<Client>(path_);
  const Client second(path_);
  const Bo kept(second.device(), 4 * kPage);
  const auto words = kept.map<uint32_t>();
  words[0] = 0xbee;
  first.reset();
  close_first();
  EXPECT_EQ(words[0], 0xbeeu);
  EXPECT_EQ(kept.map<uint32_t>()[0], 0xbeeu);
  expect_works(second, 0x5ec0d);
  // By now the inode's first open is long gone.
  expect_works(Client("/proc/self/fd/" + std::to_string(fakegpu_device_fd(second.device()))),
               0x7127d);
}

TEST_F(NodeReopen, WorksAfterTheLastCloseOfAnInodeThatAPathStillHolds) {
  const int path = ::open(device_path().c_str(), O_PATH | O_CLOEXEC);
  ASSERT_GE(path, 0);
  const std::string name = "/proc/self/fd/" + std::to_string(path);
  for (uint32_t i = 1; i <= 3; ++i) expect_works(Client(name), i);
  ::close(path);
}

}  // namespace
}  // namespace fakegpu::conformance
