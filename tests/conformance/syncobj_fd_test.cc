// SPDX-License-Identifier: MIT
// Syncobjs as descriptors: the rest of igt's syncobj_basic, and what a descriptor outlives.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "pass_fd.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;

bool is_signalled(const Client& client, uint32_t handle) {
  return client.wait({&handle, 1}, 0, 0) == 0;
}

TEST(SyncobjFd, IsTheSameObjectUnderANewHandle) {
  const Client client;
  const Client other;
  const uint32_t handle = client.make_syncobj();
  const Fd fd(client.handle_to_fd(handle));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  uint32_t again = 0;
  uint32_t imported = 0;
  ASSERT_EQ(client.fd_to_handle(fd, again), 0);
  ASSERT_EQ(other.fd_to_handle(fd, imported), 0);
  EXPECT_NE(again, handle);
  EXPECT_EQ(other.signal({&imported, 1}), 0);
  EXPECT_TRUE(is_signalled(client, handle));
  EXPECT_TRUE(is_signalled(client, again));
}

TEST(SyncobjFd, OutlivesHandlesAndFiles) {
  const Client client;
  Fd fd;
  {
    const Client owner;
    fd = Fd(owner.handle_to_fd(owner.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED)));
  }
  uint32_t imported = 0;
  ASSERT_EQ(client.fd_to_handle(fd, imported), 0);
  EXPECT_TRUE(is_signalled(client, imported));
}

TEST(SyncobjFd, TravelsBySocketAndFork) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  const Fd fd(client.handle_to_fd(handle));
  ASSERT_GE(fd, 0);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const Fd here(ends[0]);
  const Fd there(ends[1]);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(send_fd(there, fd) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const Fd back(receive_fd(here));
  ASSERT_GE(back, 0);
  uint32_t imported = 0;
  ASSERT_EQ(client.fd_to_handle(back, imported), 0);
  EXPECT_EQ(client.signal({&imported, 1}), 0);
  EXPECT_TRUE(is_signalled(client, handle));
}

TEST(SyncobjFd, ExportRefusesInTheKernelsOrder) {
  const Client client;
  const uint32_t empty = client.make_syncobj();
  EXPECT_EQ(client.handle_to_fd(empty, 0, 0, 1), -EINVAL) << "padding";
  EXPECT_EQ(client.handle_to_fd(empty, 4), -EINVAL) << "flags";
  EXPECT_EQ(client.handle_to_fd(kNoHandle), -EINVAL);
  EXPECT_EQ(client.handle_to_fd(0), -EINVAL);
  EXPECT_EQ(client.handle_to_fd(kNoHandle, kExport), -ENOENT);
  EXPECT_EQ(client.handle_to_fd(empty, kExport), -EINVAL) << "there is no fence";
  EXPECT_EQ(client.handle_to_fd(empty, 2, 1), -EINVAL) << "a point of the object itself";
  const Fd ignored(client.handle_to_fd(empty, 0, 1));
  EXPECT_GE(ignored, 0) << "a point without its flag";
}

TEST(SyncobjFd, ImportRefusesWhatIsNoneOfItsKind) {
  const Client client;
  const Fd syncobj(client.handle_to_fd(client.make_syncobj()));
  const Fd sync_file(
      client.handle_to_fd(client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED), kExport));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd pipe(ends[0]);
  const Fd write_end(ends[1]);
  const Fd directory(::open("/", O_RDONLY | O_CLOEXEC));
  for (const int fd : {-1, 1 << 20, int{pipe}, int{write_end}, int{directory}, int{sync_file},
                       fakegpu_device_fd(client.device())}) {
    uint32_t handle = 0;
    EXPECT_EQ(client.fd_to_handle(fd, handle), -EINVAL) << fd;
  }
  uint32_t handle = client.make_syncobj();
  for (const int fd : {-1, int{pipe}, int{syncobj}})
    EXPECT_EQ(client.fd_to_handle(fd, handle, kImport), -EINVAL) << fd;
  EXPECT_EQ(client.fd_to_handle(syncobj, handle, 0, 0, 1), -EINVAL) << "padding";
  EXPECT_EQ(client.fd_to_handle(syncobj, handle, 4), -EINVAL) << "flags";
  EXPECT_EQ(client.fd_to_handle(syncobj, handle, 2, 1), -EINVAL) << "a point";
  uint32_t none = kNoHandle;
  EXPECT_EQ(client.fd_to_handle(-1, none, kImport), -EINVAL) << "the descriptor comes first";
  EXPECT_EQ(client.fd_to_handle(sync_file, none, kImport), -ENOENT);
}

TEST(SyncobjFd, ADeviceOfItsOwnKnowsNoneOfOthers) {
  const Client client;
  const Client stranger("inprocess:gfx=1,vram=32M");
  const Fd fd(client.handle_to_fd(client.make_syncobj()));
  uint32_t handle = 0;
  EXPECT_EQ(stranger.fd_to_handle(fd, handle), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
