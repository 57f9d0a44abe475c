// SPDX-License-Identifier: MIT
// Waits for a job by its seqno: the call, the library's wait, and the fence page that it looks at.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

// Memory that this process can only read and that has the fence page's name. Where the driver is in
// this process it has mappings of its own, but those it can write.
struct Mapped {
  uintptr_t at;
  size_t bytes;
  uint64_t inode;
};
std::vector<Mapped> mapped_pages() {
  std::vector<Mapped> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:fakegpu-fences") == std::string::npos) continue;
    std::istringstream words(line);
    Mapped page = {};
    uintptr_t end = 0;
    char dash = 0;
    std::string rights, offset, device;
    words >> std::hex >> page.at >> dash >> end >> rights >> offset >> device >> std::dec >>
        page.inode;
    page.bytes = end - page.at;
    if (rights == "r--s") found.push_back(page);
  }
  return found;
}

class Seqno : public testing::Test {
 protected:
  // Submits nothing but a fence in the context's order: its seqno.
  static uint64_t submit(const Client& client, uint32_t context, uint32_t ring) {
    drm_fakegpu_submit arg = {.ctx_id = context, .ring = ring};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg), 0);
    return arg.seqno;
  }
  // The same behind the gate.
  uint64_t submit_held() const {
    const uint32_t held = client_.make_syncobj();
    EXPECT_EQ(gate_.submit({{.handle = held}}), 0);
    const drm_fakegpu_sync in = {.handle = held};
    drm_fakegpu_submit arg = {
        .ctx_id = context_.id(), .ring = ring_, .in_sync_count = 1, .in_syncs = address_of(&in)};
    EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg), 0);
    return arg.seqno;
  }
  int call(drm_fakegpu_wait_seqno arg) const {
    return client_.call(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, arg);
  }
  drm_fakegpu_wait_seqno request(uint64_t seqno, int64_t timeout = INT64_MAX) const {
    return {.ctx_id = context_.id(), .ring = ring_, .seqno = seqno, .timeout_nsec = timeout};
  }
  int wait(uint64_t seqno, int64_t deadline = INT64_MAX) const {
    return fakegpu_context_wait(context_, ring_, seqno, deadline);
  }

  const Client client_;
  const Context context_{client_.device()};
  const uint32_t ring_ = client_.device().ring(DRM_FAKEGPU_RING_GFX);
  const Gate gate_{client_};
};

TEST_F(Seqno, OfAFinishedJobIsThereAtOnce) {
  const uint64_t first = submit(client_, context_.id(), ring_);
  const uint64_t second = submit(client_, context_.id(), ring_);
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 2u);
  EXPECT_EQ(call(request(second)), 0);
  for (const uint64_t seqno : {first, second}) {
    EXPECT_EQ(call(request(seqno, 0)), 0);
    EXPECT_EQ(wait(seqno, 0), 0);
  }
}

TEST_F(Seqno, EndsWhenTheJobDoesAndNotBefore) {
  const uint64_t seqno = submit_held();
  EXPECT_EQ(call(request(seqno, 0)), -ETIME);
  EXPECT_EQ(wait(seqno, 0), -ETIME);
  std::atomic<int> by_call = 1;
  std::atomic<int> by_library = 1;
  BlockedThread first([&] { by_call = call(request(seqno)); });
  BlockedThread second([&] { by_library = wait(seqno); });
  first.wait_until_arrived(client_);
  second.wait_until_blocked();
  EXPECT_EQ(by_call, 1);
  EXPECT_EQ(by_library, 1);
  gate_.open();
  first.join();
  second.join();
  EXPECT_EQ(by_call, 0);
  EXPECT_EQ(by_library, 0);
}

TEST_F(Seqno, AWaitEndsAtItsAbsoluteTimeAndNeverEarly) {
  const uint64_t seqno = submit_held();
  for (const int64_t span : {kMilli / 4, 20 * kMilli}) {
    const int64_t deadline = client_.deadline(span);
    EXPECT_EQ(wait(seqno, deadline), -ETIME);
    EXPECT_GE(client_.deadline(0), deadline);
  }
  const int64_t deadline = client_.deadline(5 * kMilli);
  EXPECT_EQ(call(request(seqno, deadline)), -ETIME);
  EXPECT_GE(client_.deadline(0), deadline);
  for (const int64_t passed : {int64_t{-1}, INT64_MIN}) {
    EXPECT_EQ(call(request(seqno, passed)), -ETIME);
    EXPECT_EQ(wait(seqno, passed), -ETIME);
  }
}

TEST_F(Seqno, ThatWasNeverGivenIsRefused) {
  const uint32_t rings = client_.device().info().ring_count;
  const uint64_t last = submit(client_, context_.id(), ring_);
  ASSERT_EQ(wait(last), 0);
  for (const uint64_t bad : {uint64_t{0}, last + 1, UINT64_MAX}) {
    EXPECT_EQ(call(request(bad, 0)), -EINVAL) << bad;
    EXPECT_EQ(wait(bad), -EINVAL) << bad;
  }
  EXPECT_EQ(call({.ctx_id = context_.id(), .ring = ring_ + 1, .seqno = 1}), -EINVAL);
  EXPECT_EQ(call({.ctx_id = context_.id(), .ring = rings, .seqno = 1}), -EINVAL);
  EXPECT_EQ(fakegpu_context_wait(context_, rings, 1, 0), -EINVAL);
  EXPECT_EQ(fakegpu_context_wait(context_, UINT32_MAX, 1, 0), -EINVAL);
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX})
    EXPECT_EQ(call({.ctx_id = bad, .ring = rings, .seqno = 1}), -ENOENT);
  drm_fakegpu_wait_seqno arg = request(last);
  arg.flags = 1;
  EXPECT_EQ(call(arg), -EINVAL);
  arg.flags = 0;
  arg.pad = 1;
  EXPECT_EQ(call(arg), -EINVAL);
  EXPECT_EQ(client_.call_at(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, 8), -EFAULT);
}

TEST_F(Seqno, OfADestroyedContextIsGoneButItsWaitsEnd) {
  const uint32_t context = client_.make_context(client_.make_vm());
  const uint32_t held = client_.make_syncobj();
  ASSERT_EQ(gate_.submit({{.handle = held}}), 0);
  const drm_fakegpu_sync in = {.handle = held};
  drm_fakegpu_submit arg = {
      .ctx_id = context, .ring = ring_, .in_sync_count = 1, .in_syncs = address_of(&in)};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg), 0);
  const drm_fakegpu_wait_seqno request = {
      .ctx_id = context, .ring = ring_, .seqno = 1, .timeout_nsec = INT64_MAX};
  std::atomic<int> result = 1;
  BlockedThread waiter([&] { result = call(request); });
  waiter.wait_until_arrived(client_);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  EXPECT_EQ(call(request), -ENOENT);
  gate_.open();
  waiter.join();
  EXPECT_EQ(result, 0);
}

TEST_F(Seqno, OfAnotherFileDoesNotExist) {
  client_.make_context(client_.make_vm());
  const uint32_t context = client_.make_context(client_.make_vm());
  submit(client_, context, ring_);
  const Client stranger;
  drm_fakegpu_wait_seqno arg = {.ctx_id = context, .ring = ring_, .seqno = 1};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, arg), -ENOENT);
}

TEST_F(Seqno, AJobThatHangsFinishesToo) {
  const Worker hanging(client_, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_hang(hanging.packets(), FAKEGPU_HANG_WAVE, 0), 0);
  ASSERT_EQ(hanging.submit({}, {}), 0);
  ASSERT_EQ(hanging.submit({}, {}), 0);
  EXPECT_EQ(fakegpu_context_wait(hanging.context(), hanging.ring(), 2, INT64_MAX), 0);
  EXPECT_EQ(hanging.context().query().flags, DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
}

TEST_F(Seqno, ManyThreadsWaitForManyContexts) {
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const Context context(client_.device());
        for (uint32_t ring = 0; ring < 3; ++ring) {
          submit(client_, context.id(), ring);
          if (fakegpu_context_wait(context, ring, submit(client_, context.id(), ring), INT64_MAX) ==
              0)
            ++done;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4 * 20 * 3);
}

// The page of the one client there is.
class Page : public Seqno {
 protected:
  void SetUp() override {
    ASSERT_EQ(wait(submit(client_, context_.id(), ring_)), 0);
    const auto pages = mapped_pages();
    ASSERT_EQ(pages.size(), 1u);
    page_ = pages.front();
  }
  // The first context of the file has the first slots.
  uint64_t* slot(uint32_t ring) const { return reinterpret_cast<uint64_t*>(page_.at) + ring; }

  Mapped page_ = {};
};

TEST_F(Page, TellsWhatTheCallTells) {
  EXPECT_EQ(__atomic_load_n(slot(ring_), __ATOMIC_ACQUIRE), 1u);
  const uint64_t seqno = submit_held();
  EXPECT_EQ(call(request(seqno, 0)), -ETIME);
  EXPECT_EQ(__atomic_load_n(slot(ring_), __ATOMIC_ACQUIRE), 1u);
  gate_.open();
  EXPECT_EQ(call(request(seqno)), 0);
  EXPECT_EQ(__atomic_load_n(slot(ring_), __ATOMIC_ACQUIRE), seqno);
}

TEST_F(Page, CannotBeMadeWritable) {
  void* const at = reinterpret_cast<void*>(page_.at);
  EXPECT_EQ(::mprotect(at, page_.bytes, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
}

TEST_F(Page, IsOfOneFile) {
  const Client other;
  const Context context(other.device());
  ASSERT_TRUE(context.wait(ring_, submit(other, context.id(), ring_)));
  std::set<uint64_t> inodes;
  for (const Mapped& page : mapped_pages()) inodes.insert(page.inode);
  EXPECT_EQ(inodes.size(), 2u);
}

// In the process waits sleep in the call.
using DaemonPage = Page;

TEST_F(DaemonPage, WakesWhoSleepsOnIt) {
  const uint64_t seqno = submit_held();
  std::atomic<bool> timed_out = false;
  BlockedThread sleeper([&] {
    const timespec long_time = {60, 0};
    const auto* word = reinterpret_cast<const uint32_t*>(slot(ring_));
    while (__atomic_load_n(slot(ring_), __ATOMIC_ACQUIRE) < seqno && !timed_out)
      timed_out = ::syscall(SYS_futex, word, FUTEX_WAIT, 1u, &long_time, nullptr, 0) != 0 &&
                  errno == ETIMEDOUT;
  });
  sleeper.wait_until_blocked();
  gate_.open();
  sleeper.join();
  EXPECT_FALSE(timed_out);
}

}  // namespace
}  // namespace fakegpu::conformance
