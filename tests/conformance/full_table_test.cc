// SPDX-License-Identifier: MIT
// Calls that give a descriptor to a process that has no number left for it: -EMFILE, and nothing
// has changed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "client.h"
#include "fd_table.h"
#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

constexpr int kUntouched = 17;
constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;

// A call that gives a descriptor: its result, and what it left in the struct for the number.
struct Giver {
  const char* name;
  std::function<int(int& fd)> call;
};

class FullTable : public testing::Test {
 protected:
  static uint32_t make_bo(const Client& client) {
    drm_fakegpu_bo_create arg = {.size = kPage, .flags = DRM_FAKEGPU_BO_SHAREABLE};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  int from_syncobj(uint32_t flags, int& fd) const {
    ioctl::SyncobjHandle arg = {};
    arg.handle = syncobj_;
    arg.flags = flags;
    arg.fd = fd;
    const int result = client_.call(resized(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, sizeof(arg)), arg);
    fd = arg.fd;
    return result;
  }
  int prime(int& fd) const {
    drm_prime_handle arg = {.handle = bo_, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = fd};
    const int result = client_.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg);
    fd = arg.fd;
    return result;
  }
  int merge(int& fd) const {
    sync_merge_data arg = {"both", sync_file_, fd, 0, 0};
    const int result = client_.fd_call(sync_file_, SYNC_IOC_MERGE, arg);
    fd = arg.fence;
    return result;
  }
  int fences(int& fd) const {
    dma_buf_export_sync_file arg = {DMA_BUF_SYNC_RW, fd};
    const int result = client_.fd_call(dma_buf_, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg);
    fd = arg.fd;
    return result;
  }
  int fence(int& fd) const {
    ioctl::SwSyncCreateFence arg = {1, "fence", fd};
    const int result = client_.fd_call(timeline_, ioctl::kSwSyncIocCreateFence, arg);
    fd = arg.fence;
    return result;
  }
  Fd export_bo() const {
    int fd = -1;
    EXPECT_EQ(prime(fd), 0);
    return Fd(fd);
  }
  static bool can_be_mapped(int fd) {
    void* const memory = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return false;
    ::munmap(memory, kPage);
    return true;
  }

  const Client client_;
  const uint32_t syncobj_ = client_.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const uint32_t bo_ = make_bo(client_);
  const Fd sync_file_{client_.handle_to_fd(syncobj_, kExport)};
  const Fd timeline_ = client_.sw_sync();
  const Fd dma_buf_ = export_bo();
  const std::vector<Giver> givers_ = {
      {"a syncobj", [this](int& fd) { return from_syncobj(0, fd); }},
      {"a syncobj's fence", [this](int& fd) { return from_syncobj(kExport, fd); }},
      {"a BO", [this](int& fd) { return prime(fd); }},
      {"merged fences", [this](int& fd) { return merge(fd); }},
      {"a dma-buf's fences", [this](int& fd) { return fences(fd); }},
      {"a timeline's fence", [this](int& fd) { return fence(fd); }},
  };
};

TEST_F(FullTable, GivesEmfileAndTheSameCallWorksWithRoomAgain) {
  for (const Giver& giver : givers_) {
    SCOPED_TRACE(giver.name);
    int fd = kUntouched;
    {
      const ShortTable full(0);
      EXPECT_EQ(giver.call(fd), -EMFILE);
    }
    EXPECT_EQ(fd, kUntouched);
    ASSERT_EQ(giver.call(fd), 0);
    const Fd given(fd);
    EXPECT_GT(::fcntl(given, F_GETFD), 0) << "close-on-exec";
  }
  int fd = kUntouched;
  {
    const ShortTable full(0);
    EXPECT_EQ(fakegpu_sw_sync_open(client_.device(), &fd), -EMFILE);
  }
  EXPECT_EQ(fd, kUntouched);
}

// What is kept for a caller until it opens it is bounded, to 256 for each user.
TEST_F(FullTable, NothingIsKeptOfWhatWasRefused) {
  const ShortTable full(0);
  for (int i = 0; i < 300; ++i) {
    int fd = kUntouched;
    ASSERT_EQ(merge(fd), -EMFILE) << i;
  }
}

TEST_F(FullTable, MappingIsRefusedOrWorks) {
  const Bo bo(client_.device(), kPage, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
  void* memory = nullptr;
  int result;
  {
    const ShortTable full(0);
    result = fakegpu_bo_map(bo, &memory);
  }
  if (result != 0) {
    EXPECT_EQ(result, -EMFILE);
    EXPECT_EQ(memory, nullptr);
    ASSERT_EQ(fakegpu_bo_map(bo, &memory), 0);
  }
  *static_cast<uint32_t*>(memory) = 1;
}

// The kernel needs one number; some transports need others for a moment.
TEST_F(FullTable, LittleRoomIsEnoughOrNothingHappens) {
  constexpr unsigned kEnough = 5;
  for (const Giver& giver : givers_) {
    const bool is_bo = std::strcmp(giver.name, "a BO") == 0;
    bool enough = false;
    for (unsigned room = 0; room <= kEnough; ++room) {
      SCOPED_TRACE(testing::Message() << giver.name << " with room for " << room);
      const size_t before = descriptors_of(::getpid());
      int fd = kUntouched;
      int result;
      {
        const ShortTable little(room);
        result = giver.call(fd);
      }
      if (result == 0) {
        const Fd given(fd);
        EXPECT_TRUE(!is_bo || can_be_mapped(given) == can_be_mapped(dma_buf_));
        enough = true;
        continue;
      }
      EXPECT_EQ(result, -EMFILE);
      EXPECT_EQ(fd, kUntouched);
      // Those of files that are closed already may go later.
      EXPECT_LE(descriptors_of(::getpid()), before);
      EXPECT_FALSE(enough) << "less was";
    }
    EXPECT_TRUE(enough) << giver.name;
  }
}

using NodeFullTable = FullTable;
TEST_F(NodeFullTable, OneNumberIsEnough) {
  for (const Giver& giver : givers_) {
    int fd = kUntouched;
    {
      const ShortTable little(1);
      EXPECT_EQ(giver.call(fd), 0) << giver.name;
    }
    ::close(fd);
  }
}

}  // namespace
}  // namespace fakegpu::conformance
