// SPDX-License-Identifier: MIT
#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace fakegpu::base {
namespace {

constexpr int32_t kNobody = 1 << 23;  // above any pid_max

TEST(Process, ThreadsBelongToTheirs) {
  const Process ours = process_of(::getpid());
  EXPECT_EQ(ours.pid, ::getpid());
  EXPECT_GT(ours.started, 0u);
  std::thread([&] {
    ASSERT_NE(::gettid(), ::getpid());
    EXPECT_EQ(process_of(::gettid()), ours);
  }).join();
}

TEST(Process, AChildIsAnother) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_FALSE(process_of(child) == process_of(::getpid()));
  EXPECT_EQ(process_of(child), process_of(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(Process, WhoIsNotToBeSeenStandsForItself) {
  EXPECT_EQ(process_of(kNobody), (Process{kNobody, 0}));
  EXPECT_FALSE(process_of(kNobody) == process_of(kNobody + 1));
}

TEST(Process, NobodyEqualsNobody) {
  EXPECT_FALSE(process_of(0) == process_of(0));
  EXPECT_FALSE(process_of(-1) == process_of(-1));
}

// A name that looks like the fields around it.
TEST(Process, TheCommandsNameDoesNotConfuse) {
  const Process before = process_of(::getpid());
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a) R 1 2 (b");
  EXPECT_EQ(command_of(::getpid()), "a) R 1 2 (b");
  EXPECT_EQ(process_of(::getpid()), before);
  ::prctl(PR_SET_NAME, name);
  EXPECT_EQ(command_of(kNobody), "");
  EXPECT_EQ(command_of(0), "");
}

}  // namespace
}  // namespace fakegpu::base
