// SPDX-License-Identifier: MIT
// Syncobjs by descriptor: HANDLE_TO_FD, FD_TO_HANDLE, and what sync_files made of them tell.
#include <poll.h>

#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
constexpr unsigned long kHandleToFd = _IOWR('d', 0xc1, ioctl::SyncobjHandle);
constexpr unsigned long kFdToHandle = _IOWR('d', 0xc2, ioctl::SyncobjHandle);

struct SyncobjFd : testing::Test {
  SyncobjFd() {
    client.use(table);
    other.use(table);
  }

  // A descriptor of a syncobj, or a negative errno.
  int32_t to_fd(Client& from, uint32_t handle, uint32_t flags = 0, uint64_t point = 0) {
    ioctl::SyncobjHandle arg = {handle, flags, -1, 0, point};
    const int result = from.call(kHandleToFd, arg);
    return result == 0 ? arg.fd : result;
  }
  int to_handle(Client& to, int32_t fd, uint32_t& handle, uint32_t flags = 0, uint64_t point = 0) {
    ioctl::SyncobjHandle arg = {handle, flags, fd, 0, point};
    const int result = to.call(kFdToHandle, arg);
    handle = arg.handle;
    return result;
  }
  int signal(Client& of, uint32_t handle) {
    drm_syncobj_array arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    return of.call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg);
  }
  bool is_signaled(Client& of, uint32_t handle) {
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    return of.call(DRM_IOCTL_SYNCOBJ_WAIT, arg) == 0;
  }

  VirtualMachine machine;
  FakeDescriptors table;
  Client client{machine};
  Client other{machine};
};

TEST_F(SyncobjFd, IsTheSameBoxUnderAnotherHandle) {
  const uint32_t handle = client.syncobj();
  const int32_t fd = to_fd(client, handle);
  ASSERT_GT(fd, 0);
  EXPECT_TRUE(table.close_on_exec());
  uint32_t imported = 0;
  EXPECT_EQ(to_handle(other, fd, imported), 0);
  uint32_t again = 0;
  EXPECT_EQ(to_handle(client, fd, again), 0);
  EXPECT_NE(again, handle);
  EXPECT_EQ(signal(other, imported), 0);
  EXPECT_TRUE(is_signaled(client, handle));
  EXPECT_TRUE(is_signaled(client, again));
}

TEST_F(SyncobjFd, KeepsTheBoxWhenEveryHandleIsGone) {
  int32_t fd = 0;
  {
    Client owner(machine);
    owner.use(table);
    fd = to_fd(owner, owner.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED));
    ASSERT_GT(fd, 0);
  }
  uint32_t imported = 0;
  EXPECT_EQ(to_handle(other, fd, imported), 0);
  EXPECT_TRUE(is_signaled(other, imported));
  table.close(fd);
  EXPECT_EQ(machine.machine().census().objects, 0u);
}

TEST_F(SyncobjFd, SyncFileIsASnapshot) {
  const uint32_t handle = client.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const int32_t fd = to_fd(client, handle, kExport);
  ASSERT_GT(fd, 0);
  drm_syncobj_array reset = {};
  reset.handles = reinterpret_cast<uintptr_t>(&handle);
  reset.count_handles = 1;
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_RESET, reset), 0);
  EXPECT_EQ(table.file(fd).poll(nullptr), POLLIN);
  uint32_t into = other.syncobj();
  EXPECT_EQ(to_handle(other, fd, into, kImport), 0);
  EXPECT_TRUE(is_signaled(other, into));
}

TEST_F(SyncobjFd, RefusesInTheKernelsOrder) {
  const uint32_t empty = client.syncobj();
  // Padding, flags, and then what is behind the handle.
  ioctl::SyncobjHandle arg = {99, kExport | 4, -1, 1, 0};
  EXPECT_EQ(client.call(kHandleToFd, arg), -EINVAL);
  EXPECT_EQ(to_fd(client, 99), -EINVAL);
  EXPECT_EQ(to_fd(client, 99, kExport), -ENOENT);
  EXPECT_EQ(to_fd(client, empty, kExport), -EINVAL);
  EXPECT_EQ(to_fd(client, empty, ioctl::kSyncobjFdTimeline, 1), -EINVAL);
  EXPECT_GT(to_fd(client, empty, 0, 1), 0) << "a point without the flag is ignored";
  // Without a descriptor left: first for a sync_file, last for a plain one.
  table.set_full(true);
  EXPECT_EQ(to_fd(client, 99, kExport), -EMFILE);
  EXPECT_EQ(to_fd(client, 99), -EINVAL);
  EXPECT_EQ(to_fd(client, empty), -EMFILE);
}

TEST_F(SyncobjFd, ForeignDescriptorsAreNotImported) {
  uint32_t handle = 0;
  EXPECT_EQ(to_handle(client, -1, handle), -EINVAL);
  EXPECT_EQ(to_handle(client, 12345, handle), -EINVAL);
  const int32_t sync_file = to_fd(client, client.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED), kExport);
  const int32_t syncobj = to_fd(client, client.syncobj());
  EXPECT_EQ(to_handle(client, sync_file, handle), -EINVAL) << "a sync_file is no syncobj";
  handle = client.syncobj();
  EXPECT_EQ(to_handle(client, syncobj, handle, kImport), -EINVAL) << "nor the reverse";
  handle = 99;
  EXPECT_EQ(to_handle(client, -1, handle, kImport), -EINVAL) << "the descriptor is checked first";
  EXPECT_EQ(to_handle(client, sync_file, handle, kImport), -ENOENT);
  VirtualMachine elsewhere;
  Client stranger(elsewhere);
  stranger.use(table);
  EXPECT_EQ(to_handle(stranger, syncobj, handle), -EINVAL) << "of another device";
}

TEST_F(SyncobjFd, CallsAreRefusedWithoutDescriptors) {
  Client bare(machine);
  EXPECT_EQ(to_fd(bare, bare.syncobj()), -EOPNOTSUPP);
}

}  // namespace
}  // namespace fakegpu::tests
