// SPDX-License-Identifier: MIT
// The server with the real driver and transports that are none.
#include "server.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include <fakegpu_drm.h>

namespace fakegpu::cuse_dev {
namespace {

// Opens one file at start and asks it what the driver tells clients.
class FakeTransport final : public Transport {
 public:
  struct Seen {
    uint64_t features = 0;
    bool pending_answered = false;
    int stops = 0;
    Owner* owner = nullptr;
    drv::Machine* machine = nullptr;
    int start_error = 0;
  };
  FakeTransport(std::string name, bool mmap, Seen& seen)
      : name_(std::move(name)), mmap_(mmap), seen_(seen) {}

  std::string_view name() const override { return name_; }
  std::string_view where() const override { return "/nowhere"; }
  bool can_mmap() const override { return mmap_; }

  base::Result<> start(drv::Machine& machine, Owner& owner) override {
    if (seen_.start_error != 0) return base::fail(seen_.start_error, "as told");
    seen_.owner = &owner;
    seen_.machine = &machine;
    auto file = machine.open({});
    if (!file) return tl::unexpected(std::move(file).error());
    file_ = std::move(*file);
    drm_fakegpu_device_info info = {};
    drm_fakegpu_query query = {};
    query.data = reinterpret_cast<uint64_t>(&info);
    query.size = sizeof(info);
    ioctl::DirectMemory memory;
    const auto result = file_->ioctl(
        {.command = DRM_IOCTL_FAKEGPU_QUERY, .arg = reinterpret_cast<uint64_t>(&query)}, memory,
        nullptr);
    EXPECT_EQ(result, 0);
    seen_.features = info.features;
    const auto read = file_->read(1, {}, false, [this](int error, std::span<const std::byte>) {
      EXPECT_EQ(error, -ENODEV);
      seen_.pending_answered = true;
    });
    EXPECT_EQ(read, std::nullopt);
    return {};
  }
  void stop() override {
    ++seen_.stops;
    // Waiters were released before the files go.
    EXPECT_TRUE(file_ == nullptr || seen_.pending_answered);
    file_.reset();
  }

 private:
  std::string name_;
  bool mmap_;
  Seen& seen_;
  std::unique_ptr<drv::File> file_;
};

struct Plan {
  std::string name;
  bool mmap;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(*make_loop(LoopKind::kAuto));
    options_.profile.vram_bytes = 64 << 20;
    options_.workers = 1;
  }
  base::Result<std::unique_ptr<Server>> make(std::vector<Plan> plans) {
    std::vector<std::unique_ptr<Transport>> transports;
    seen_.resize(plans.size());
    for (size_t i = 0; i < plans.size(); ++i)
      transports.push_back(std::make_unique<FakeTransport>(plans[i].name, plans[i].mmap, seen_[i]));
    return Server::create(options_, *loop_, std::move(transports));
  }
  uint64_t features(std::vector<Plan> plans) {
    auto server = make(std::move(plans));
    EXPECT_TRUE(server);
    return seen_.at(0).features;
  }
  Options options_;
  std::unique_ptr<Loop> loop_;
  std::vector<FakeTransport::Seen> seen_;
};

TEST_F(ServerTest, OffersMmapOnlyIfEveryNodeHasIt) {
  constexpr uint64_t kMmap = DRM_FAKEGPU_FEATURE_MMAP;
  EXPECT_NE(features({{"fuse", true}}) & kMmap, 0u);
  EXPECT_EQ(features({{"fuse", false}}) & kMmap, 0u);
  EXPECT_EQ(features({{"cuse", false}, {"fuse", true}}) & kMmap, 0u);
  EXPECT_NE(features({{"fuse", true}, {"socket", false}}) & kMmap, 0u);
  EXPECT_EQ(features({{"socket", false}}) & kMmap, 0u);
}

TEST_F(ServerTest, OffersAChannelIfThereIsASocket) {
  constexpr uint64_t kChannel = DRM_FAKEGPU_FEATURE_CHANNEL;
  EXPECT_EQ(features({{"fuse", true}}) & kChannel, 0u);
  EXPECT_NE(features({{"cuse", false}, {"socket", false}}) & kChannel, 0u);
}

TEST_F(ServerTest, ReleasesWaitersThenStopsTransports) {
  {
    auto server = make({{"cuse", false}, {"fuse", false}});
    ASSERT_TRUE(server);
    EXPECT_FALSE(seen_[0].pending_answered);
  }
  for (const auto& seen : seen_) {
    EXPECT_TRUE(seen.pending_answered);
    EXPECT_EQ(seen.stops, 1);
  }
}

TEST_F(ServerTest, EndsWithItsLastTransport) {
  seen_.reserve(2);
  auto server = make({{"cuse", false}, {"fuse", false}});
  ASSERT_TRUE(server);
  FakeTransport any("any", false, seen_[0]);
  base::set_log_sink([](base::LogLevel, std::string_view) {});
  seen_[0].owner->transport_lost(any);
  EXPECT_FALSE((*server)->lost());
  loop_->post([&] { seen_[0].owner->transport_lost(any); });
  loop_->run();
  EXPECT_TRUE((*server)->lost());
  base::set_log_sink(nullptr);
}

TEST_F(ServerTest, AFaultThatDoesNotExistIsAnError) {
  options_.faults.push_back({.name = "coffee", .nth = 1});
  const auto server = make({{"fuse", false}});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code(), EINVAL);
}

TEST_F(ServerTest, ATransportThatCannotStartUndoesTheRest) {
  seen_.resize(2);
  seen_[1].start_error = EPERM;
  const auto server = make({{"cuse", false}, {"fuse", false}});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code(), EPERM);
  EXPECT_EQ(seen_[0].stops, 1);
  EXPECT_EQ(seen_[1].stops, 1);
}

TEST_F(ServerTest, WritesATraceFile) {
  options_.trace_file = testing::TempDir() + "trace." + std::to_string(getpid());
  ASSERT_TRUE(make({{"fuse", false}}));
  EXPECT_TRUE(std::filesystem::exists(options_.trace_file));
  std::filesystem::remove(options_.trace_file);
  options_.trace_file = "/nonexistent/trace";
  EXPECT_FALSE(make({{"fuse", false}}));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
