// SPDX-License-Identifier: MIT
#include "options.h"

#include <gtest/gtest.h>

namespace fakegpu::cuse_dev {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "fakegpud");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

int errors_of(std::vector<const char*> arguments) {
  testing::internal::CaptureStderr();
  const auto parsed = parse(std::move(arguments));
  testing::internal::GetCapturedStderr();
  return parsed.status.value_or(0);
}

TEST(ModeOption, IsOctal) {
  EXPECT_EQ(parse_mode("0660"), mode_t{0660});
  EXPECT_EQ(parse_mode("600"), mode_t{0600});
  for (const char* text : {"", "8", "0x1", "01000", "-1", "666 "})
    EXPECT_EQ(parse_mode(text), std::nullopt) << text;
}

TEST(CommandLine, HasTheDocumentedDefaults) {
  const auto parsed = parse({});
  ASSERT_FALSE(parsed.status);
  EXPECT_EQ(parsed.options.transport, TransportKind::kAuto);
  EXPECT_EQ(parsed.options.name, "fakegpu");
  EXPECT_EQ(parsed.options.card, "");
  EXPECT_EQ(parsed.options.render, "");
  EXPECT_EQ(parsed.options.sw_sync, "sw_sync");
  EXPECT_FALSE(parsed.options.sw_sync_needed);
  EXPECT_EQ(parsed.options.mode, mode_t{0666});
  const std::string directory = default_directory(geteuid(), getenv("XDG_RUNTIME_DIR"));
  EXPECT_EQ(parsed.options.fuse_directory, directory + "/fs");
  EXPECT_EQ(parsed.options.socket, directory + "/socket");
  EXPECT_EQ(parsed.options.profile.vram_bytes, 1ull << 30);
  EXPECT_EQ(parsed.options.driver.lockup_timeout.gfx, 2 * base::kNanosPerSecond);
}

TEST(LockupTimeoutOption, IsAsAmdgpus) {
  const auto ms = [](int64_t count) { return count * base::kNanosPerMilli; };
  const auto one = parse_lockup_timeout("50");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->gfx, ms(50));
  EXPECT_EQ(one->compute, ms(10000));
  EXPECT_EQ(one->sdma, ms(50));
  const auto all = parse_lockup_timeout("0,-1,30,7");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->gfx, ms(2000));
  EXPECT_EQ(all->compute, 0);
  EXPECT_EQ(all->sdma, ms(30));
  for (const char* bad :
       {"x", "1,", ",1", "1,2,3,4,5", "1 ", "1099511627777", "9999999999999999999"})
    EXPECT_FALSE(parse_lockup_timeout(bad)) << bad;
}

TEST(DefaultDirectory, IsTheUsersOwnButForRoot) {
  EXPECT_EQ(default_directory(0, "/run/user/0"), "/run/fakegpu");
  EXPECT_EQ(default_directory(1000, "/run/user/1000"), "/run/user/1000/fakegpu");
  for (const char* none : {static_cast<const char*>(nullptr), "", "not/absolute"})
    EXPECT_EQ(default_directory(1000, none), "/run/fakegpu");
}

TEST(CommandLine, SetsEverything) {
  const auto parsed = parse({"--foreground",
                             "--transport",
                             "fuse",
                             "--name",
                             "dri/renderD128",
                             "--mode",
                             "0600",
                             "--restricted",
                             "--card",
                             "dri/card0",
                             "--render",
                             "dri/renderD129",
                             "--sw-sync",
                             "sync",
                             "--fuse-dir",
                             "/a",
                             "--link",
                             "/b",
                             "--bind",
                             "/c",
                             "--socket",
                             "/d",
                             "--vram",
                             "64",
                             "--gfx",
                             "2",
                             "--compute",
                             "0",
                             "--sdma",
                             "1",
                             "--policy",
                             "rr",
                             "--lockup-timeout",
                             "50",
                             "--recovery",
                             "karma",
                             "--hang-limit",
                             "4",
                             "--compat",
                             "6.12",
                             "--workers",
                             "3",
                             "--inject",
                             "hang,nth=1",
                             "--without",
                             "timeline,prime",
                             "--without",
                             "dumb",
                             "--inject",
                             "lost-interrupt,nth=2",
                             "--log-level",
                             "debug",
                             "--trace",
                             "/e",
                             "--ready-fd",
                             "5",
                             "--loop",
                             "epoll"});
  ASSERT_FALSE(parsed.status);
  const Options& options = parsed.options;
  EXPECT_EQ(options.transport, TransportKind::kFuse);
  EXPECT_EQ(options.name, "dri/renderD128");
  EXPECT_EQ(options.card, "dri/card0");
  EXPECT_EQ(options.render, "dri/renderD129");
  EXPECT_EQ(options.sw_sync, "sync");
  EXPECT_TRUE(options.sw_sync_needed);
  EXPECT_EQ(options.mode, mode_t{0600});
  EXPECT_TRUE(options.restricted);
  EXPECT_EQ(options.fuse_directory, "/a");
  EXPECT_EQ(options.link, "/b");
  EXPECT_EQ(options.bind, "/c");
  EXPECT_EQ(options.socket, "/d");
  EXPECT_EQ(options.profile.vram_bytes, 64ull << 20);
  EXPECT_EQ(options.profile.gfx_rings, 2u);
  EXPECT_EQ(options.profile.compute_rings, 0u);
  EXPECT_EQ(options.profile.sdma_rings, 1u);
  EXPECT_EQ(options.driver.policy, "rr");
  EXPECT_EQ(options.driver.lockup_timeout.gfx, 50 * base::kNanosPerMilli);
  EXPECT_EQ(options.driver.recovery, "karma");
  EXPECT_EQ(options.driver.hang_limit, 4u);
  EXPECT_TRUE(options.driver.as_6_12);
  EXPECT_EQ(options.workers, 3u);
  ASSERT_EQ(options.faults.size(), 2u);
  EXPECT_EQ(options.driver.features, drv::kFeatureSyncobj);
  EXPECT_EQ(options.faults[1], "lost-interrupt,nth=2");
  EXPECT_EQ(options.log_level, base::LogLevel::kDebug);
  EXPECT_EQ(options.trace_file, "/e");
  EXPECT_EQ(options.ready_fd, 5);
  EXPECT_EQ(options.loop, LoopKind::kEpoll);
}

TEST(CommandLine, BoundsTheQueues) {
  const auto parsed = parse({"--queue-time", "300", "--hw-submission", "8", "--entity-jobs", "99"});
  ASSERT_FALSE(parsed.status);
  EXPECT_EQ(parsed.options.driver.queue_time, 300 * base::kNanosPerMicro);
  EXPECT_EQ(parsed.options.driver.hw_submission, 8u);
  EXPECT_EQ(parsed.options.driver.entity_jobs, 99u);
  EXPECT_EQ(parse({"--queue-time", "0"}).options.driver.queue_time, 0);
  for (const char* bounded : {"--hw-submission", "--entity-jobs"})
    EXPECT_TRUE(parse({bounded, "0"}).status) << bounded;
  EXPECT_TRUE(parse({"--queue-time", "-1"}).status);
}

TEST(CommandLine, AnEmptySocketPathMeansNone) {
  const auto parsed = parse({"--socket", ""});
  ASSERT_FALSE(parsed.status);
  EXPECT_EQ(parsed.options.socket, "");
}

TEST(CommandLine, AnEmptyNameMeansNoSwSync) {
  const auto parsed = parse({"--sw-sync", ""});
  ASSERT_FALSE(parsed.status);
  EXPECT_EQ(parsed.options.sw_sync, "");
}

TEST(CommandLine, RefusesMistakes) {
  EXPECT_NE(errors_of({"--transport", "pigeon"}), 0);
  EXPECT_NE(errors_of({"--gfx", "5"}), 0);
  EXPECT_NE(errors_of({"--mode", "rw"}), 0);
  EXPECT_NE(errors_of({"--inject", "hang,often"}), 0);
  EXPECT_NE(errors_of({"--without", "sound"}), 0);
  EXPECT_NE(errors_of({"--loop", "select"}), 0);
  EXPECT_NE(errors_of({"--no-such-option"}), 0);
  EXPECT_NE(errors_of({"stray"}), 0);
}

TEST(CommandLine, VersionAndHelpEndWithSuccess) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse({"--version"}).status, 0);
  EXPECT_EQ(parse({"--help"}).status, 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("fakegpud "), std::string::npos);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
