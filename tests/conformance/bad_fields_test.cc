// SPDX-License-Identifier: MIT
// Every field of every call at values that nobody sends, one at a time; and structs that another
// thread changes during the call. Whatever the answer is, it is an errno, and the device goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "client.h"
#include "ioctl/table.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;

// Addresses of every kind: readable memory, memory that cannot be written, and none.
class Pages {
 public:
  Pages() : good_(map(PROT_READ | PROT_WRITE)), constant_(map(PROT_READ)), gone_(map(PROT_NONE)) {
    ::munmap(gone_, kPage);
  }
  ~Pages() {
    ::munmap(good_, kPage);
    ::munmap(constant_, kPage);
  }
  std::vector<uint64_t> values() const {
    return {0,
            1,
            3,
            ~0ull,
            ~0ull >> 1,
            1ull << 31,
            0xffff'ffff,
            0x8,
            0xffff'8000'0000'0000,
            address_of(good_),
            address_of(good_) + 1,
            address_of(good_) + kPage - 4,
            address_of(constant_),
            address_of(gone_)};
  }

 private:
  static char* map(int protection) {
    void* const at = ::mmap(nullptr, kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(at, MAP_FAILED);
    return static_cast<char*>(at);
  }

  char* const good_;
  char* const constant_;
  char* const gone_;
};

using Struct = std::array<std::byte, 512>;

// Calls `row` with each field at each value, all else 0.
template <typename Call>
void try_fields(const ioctl::Row& row, Call call) {
  const Pages pages;
  for (const ioctl::Field& field : row.fields) {
    for (const uint64_t value : pages.values()) {
      alignas(8) Struct arg = {};
      std::memcpy(&arg[field.offset], &value, std::min<size_t>(field.bytes, sizeof(value)));
      const int result = call(_IOC(row.direction, row.type, row.nr, row.size), arg);
      EXPECT_LE(result, 0) << row.name << "." << field.name << " = " << value;
      EXPECT_GT(result, -4096) << row.name << "." << field.name << " = " << value;
      int fd = -1;
      if (row.fds.gives >= 0) std::memcpy(&fd, &arg[row.fds.gives], sizeof(fd));
      if (result == 0 && fd > 2) ::close(fd);
    }
  }
}

void expect_alive() {
  const Client client;
  const Worker worker(client, DRM_FAKEGPU_RING_GFX);
  const uint32_t done = client.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0);
  EXPECT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0);
}

TEST(BadFields, OfTheDevicesCallsAreAnswered) {
  const Client client(card_path());
  for (const ioctl::Row& row : ioctl::table()) {
    if (row.type != DRM_IOCTL_BASE) continue;
    try_fields(row, [&](unsigned long command, Struct& arg) { return client.call(command, arg); });
  }
  expect_alive();
}

TEST(BadFields, OfTheCallsOnDescriptorsAreAnswered) {
  const Client client;
  const Fd timeline = client.sw_sync();
  drm_fakegpu_bo_create bo = {.size = kPage, .flags = DRM_FAKEGPU_BO_SHAREABLE};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), 0);
  drm_prime_handle prime = {.handle = bo.handle, .flags = DRM_CLOEXEC | DRM_RDWR};
  ASSERT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), 0);
  const Fd dma_buf(prime.fd);
  const Fd sync_file(
      client.handle_to_fd(client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED), kExport));
  ASSERT_GE(int{sync_file}, 0);
  for (const ioctl::Row& row : ioctl::table()) {
    if (row.type == DRM_IOCTL_BASE) continue;
    for (const int fd : {int{timeline}, int{dma_buf}, int{sync_file}})
      try_fields(row, [&](unsigned long command, Struct& arg) {
        return client.fd_call(fd, command, arg);
      });
  }
  expect_alive();
}

TEST(BadFields, ThatChangeDuringTheCallChooseOneAnswerOrTheOther) {
  const Client client;
  const uint32_t handles[] = {client.make_syncobj(), client.make_syncobj(), kNoHandle};
  uint64_t points[3] = {};
  drm_syncobj_timeline_array arg = {};
  std::atomic<bool> over = false;
  std::thread other([&] {
    const auto set = [](auto& field, auto value) {
      std::atomic_ref(field).store(value, std::memory_order_relaxed);
    };
    __u64 handles_at[] = {address_of(handles), 0x8, 0};
    __u64 points_at[] = {address_of(points), 0xffff'8000'0000'0000};
    for (unsigned i = 0; !over; ++i) {
      set(arg.handles, handles_at[i % 3]);
      set(arg.points, points_at[i % 2]);
      set(arg.count_handles, __u32{i % 5 == 4 ? kHuge : i % 5});
      set(arg.flags, __u32{i % 7 == 6 ? 0x80u : 0});
    }
  });
  std::set<int> answers;
  for (int i = 0; i < 2000; ++i) answers.insert(client.call(DRM_IOCTL_SYNCOBJ_QUERY, arg));
  over = true;
  other.join();
  for (const int answer : answers) {
    const int known[] = {0, -EFAULT, -EINVAL, -ENOENT, -ENOMEM};
    EXPECT_NE(std::ranges::find(known, answer), std::end(known)) << answer;
  }
  expect_alive();
}

}  // namespace
}  // namespace fakegpu::conformance
