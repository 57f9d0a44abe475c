// SPDX-License-Identifier: MIT
// A CUSE session over a kernel and a driver that are the test's.
#pragma once

#include <gtest/gtest.h>

#include "cuse_session.h"
#include "fake_driver.h"
#include "fake_kernel.h"

namespace fakegpu::cuse_dev {

inline constexpr uint64_t kStruct = 0x10000;
inline constexpr uint64_t kArray = 0x20000;
inline constexpr uint64_t kOtherArray = 0x30000;

class CuseTest : public testing::TestWithParam<LoopKind> {
 protected:
  void SetUp() override {
    auto loop = make_loop(GetParam());
    if (!loop) GTEST_SKIP() << "machine lacks it: " << loop.error().message();
    loop_ = std::move(*loop);
    behaviour_.ioctl = [](const drv::Request&, ioctl::UserMemory&, drv::Reply) { return 0; };
  }

  void connect(const CuseSession::Options& options = {}) {
    kernel_.send_init(CUSE_INIT, CUSE_UNRESTRICTED_IOCTL, 0);
    auto session = CuseSession::create_on(*loop_, options, kernel_.take_device_end());
    ASSERT_TRUE(session) << session.error().message();
    session_ = std::move(*session);
    init_reply_ = kernel_.receive();
    served_ = std::make_unique<ServedTransport>(*loop_, *session_, machine_);
    file_ = kernel_.open(FUSE_ROOT_ID);
  }

  // The driver's side of a call with a struct T at kStruct.
  template <typename T>
  static T fetch(const drv::Request& request, ioctl::UserMemory& memory) {
    T value = {};
    EXPECT_TRUE(memory.fetch(request.arg, std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  template <typename T>
  static bool store(uint64_t address, ioctl::UserMemory& memory, const T& value) {
    return memory.store(address, std::as_bytes(std::span(&value, 1)));
  }

  Behaviour behaviour_;
  FakeMachine machine_{behaviour_};
  FakeKernel kernel_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Transport> session_;
  std::unique_ptr<ServedTransport> served_;
  FakeKernel::Answer init_reply_;
  CallerMemory memory_;
  uint64_t file_ = 0;
};

// The last trip of a call that has only a struct.
inline uint64_t send_pending(FakeKernel& kernel, uint64_t file, uint32_t command,
                             std::span<const std::byte> argument) {
  return kernel.send_ioctl(file, command, kStruct, argument, argument.size());
}

}  // namespace fakegpu::cuse_dev
