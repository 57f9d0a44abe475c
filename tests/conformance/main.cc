// SPDX-License-Identifier: MIT
// conformance --transport=inprocess|socket|fuse|cuse [--daemon=PATH] [GoogleTest's options]
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../support/daemon_process.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

// Memory is short, so that using it up is quick. Hangs are noticed soon on gfx and SDMA; compute
// rings are for jobs that a test holds up.
const char* const kInprocess = "inprocess:vram=64M,workers=2";
const char* const kOtherInprocess = "inprocess:vram=32M,workers=1";
const std::vector<std::string> kDaemonOptions = {
    "--vram", "64", "--workers", "2", "--lockup-timeout", "300,60000,300"};

class TransportUnderTest : public testing::Environment {
 public:
  TransportUnderTest(std::string transport, std::string daemon)
      : transport_(std::move(transport)), daemon_(std::move(daemon)) {}

  void SetUp() override {
    if (transport_ == "inprocess") {
      set_paths(kInprocess, std::string("card:") + kInprocess, "");
      set_other([] { return OtherDevice{kOtherInprocess, 0}; });
      // Equal settings are one device.
      set_fresh([sys = 16]() mutable {
        return "inprocess:vram=16M,workers=1,sys=" + std::to_string(++sys) + "M";
      });
      return;
    }
    const std::string node = "/dev/" + transport_;
    if (transport_ != "socket" && ::access(node.c_str(), R_OK | W_OK) != 0)
      GTEST_SKIP() << "machine lacks " << node;
    process_ = std::make_unique<support::DaemonProcess>(daemon_, transport_, kDaemonOptions);
    set_paths(process_->where(), process_->card(), process_->sw_sync());
    set_daemon(process_->pid());
    set_other([this] {
      other_ = std::make_unique<support::DaemonProcess>(daemon_, transport_, kDaemonOptions, true);
      return OtherDevice{other_->where(), other_->pid()};
    });
    set_fresh([this] {
      fresh_.push_back(
          std::make_unique<support::DaemonProcess>(daemon_, transport_, kDaemonOptions, true));
      return fresh_.back()->where();
    });
  }
  void TearDown() override {
    if (!process_) return;
    // Alive and well after all that was done to it.
    EXPECT_EQ(process_->end(SIGTERM), 0);
    process_.reset();
    if (other_) {
      EXPECT_EQ(other_->end(SIGTERM), 0);
    }
    other_.reset();
    for (const auto& fresh : fresh_) EXPECT_EQ(fresh->end(SIGTERM), 0);
    fresh_.clear();
  }

 private:
  const std::string transport_;
  const std::string daemon_;
  std::unique_ptr<support::DaemonProcess> process_;
  std::unique_ptr<support::DaemonProcess> other_;
  std::vector<std::unique_ptr<support::DaemonProcess>> fresh_;
};

// Suites named Node* are about the device's files, and Daemon* about its process: elsewhere they
// would test nothing.
void leave_out(const std::string& transport) {
  if (transport == "fuse" || transport == "cuse") return;
  const std::string without = transport == "inprocess" ? "Node*:Daemon*" : "Node*";
  std::string filter = GTEST_FLAG_GET(filter);
  filter += (filter.find('-') == std::string::npos ? "-" : ":") + without;
  GTEST_FLAG_SET(filter, filter);
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::string transport = "inprocess";
  std::string daemon;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--transport=")) {
      transport = word.substr(word.find('=') + 1);
    } else if (word.starts_with("--daemon=")) {
      daemon = word.substr(word.find('=') + 1);
    } else {
      std::fprintf(stderr, "conformance: unknown option %s\n", argv[i]);
      return 2;
    }
  }
  if (transport != "inprocess" && daemon.empty()) {
    std::fprintf(stderr, "conformance: %s needs --daemon=PATH\n", transport.c_str());
    return 2;
  }
  leave_out(transport);
  testing::AddGlobalTestEnvironment(new TransportUnderTest(transport, daemon));
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace fakegpu::conformance

int main(int argc, char** argv) {
  return fakegpu::conformance::run(argc, argv);
}
