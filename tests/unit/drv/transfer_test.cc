// SPDX-License-Identifier: MIT
// TRANSFER and EVENTFD: what they refuse, in which order, and what they wait for.
#include <fcntl.h>
#include <sys/eventfd.h>

#include "ioctl/drm_core.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
constexpr uint32_t kAvailable = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;

int signal_point(Client& client, uint32_t handle, uint64_t point) {
  drm_syncobj_timeline_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&handle);
  arg.points = reinterpret_cast<uintptr_t>(&point);
  arg.count_handles = 1;
  return client.call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg);
}
uint64_t query(Client& client, uint32_t handle) {
  uint64_t point = ~0ull;
  drm_syncobj_timeline_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&handle);
  arg.points = reinterpret_cast<uintptr_t>(&point);
  arg.count_handles = 1;
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_QUERY, arg), 0);
  return point;
}
drm_syncobj_transfer transfer(uint32_t from, uint64_t from_point, uint32_t to, uint64_t to_point,
                              uint32_t flags = 0) {
  drm_syncobj_transfer arg = {};
  arg.src_handle = from;
  arg.dst_handle = to;
  arg.src_point = from_point;
  arg.dst_point = to_point;
  arg.flags = flags;
  return arg;
}

TEST(Transfer, RefusesInTheKernelsOrder) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t empty = client.syncobj();
  auto arg = transfer(99, 0, 98, 0, 0x80);
  arg.pad = 1;
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), -EINVAL) << "padding before handles";
  arg = transfer(99, 0, empty, 0, 0x80);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), -ENOENT) << "handles before flags";
  arg = transfer(empty, 0, 98, 1);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), -ENOENT);
  arg = transfer(empty, 0, empty, 0, 0x80);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), -EINVAL);
  arg = transfer(empty, 1, client.syncobj(), 1);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), -EINVAL) << "no such point";
}

TEST(Transfer, MovesAPointOntoAnother) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t from = client.syncobj();
  const uint32_t to = client.syncobj();
  EXPECT_EQ(signal_point(client, from, 7), 0);
  auto arg = transfer(from, 7, to, 21);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), 0);
  EXPECT_EQ(query(client, to), 21u);
  // Onto itself.
  arg = transfer(to, 21, to, 30);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), 0);
  EXPECT_EQ(query(client, to), 30u);
  // Point 0 replaces, and what was a timeline is none any more.
  arg = transfer(from, 3, to, 0);
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), 0);
  EXPECT_EQ(query(client, to), 7u) << "the node that covers the point, chain and all";
}

struct LateTransfer : testing::Test {
  std::optional<int> start(uint64_t point) {
    arg = transfer(from, point, to, 5, kForSubmit);
    return client.start(DRM_IOCTL_SYNCOBJ_TRANSFER, arg,
                        [this](int r, std::span<const std::byte>) { result = r; });
  }

  VirtualMachine machine;
  Client client{machine};
  uint32_t from = client.syncobj();
  uint32_t to = client.syncobj();
  drm_syncobj_transfer arg;
  int result = 1;
};

TEST_F(LateTransfer, HappensWhenTheSourceHasThePoint) {
  EXPECT_FALSE(start(4));
  EXPECT_EQ(signal_point(client, from, 3), 0);
  EXPECT_EQ(result, 1);
  EXPECT_EQ(signal_point(client, from, 4), 0);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(query(client, to), 5u);
}

TEST_F(LateTransfer, WaitsFiveSeconds) {
  EXPECT_FALSE(start(1));
  machine.executor().run_for(5 * base::kNanosPerSecond - 1);
  EXPECT_EQ(result, 1);
  machine.executor().run_for(1);
  EXPECT_EQ(result, -ETIME);
  EXPECT_EQ(signal_point(client, from, 1), 0);
  EXPECT_EQ(query(client, to), 0u) << "too late";
}

TEST_F(LateTransfer, EndsByASignalWithoutEffect) {
  EXPECT_FALSE(start(1));
  EXPECT_TRUE(client.file().interrupt(client.last_id()));
  EXPECT_EQ(result, -EINTR);
  EXPECT_EQ(signal_point(client, from, 1), 0);
  EXPECT_EQ(query(client, to), 0u);
}

TEST_F(LateTransfer, IsDroppedWithItsFile) {
  EXPECT_FALSE(start(1));
  client.close();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

struct Eventfd : testing::Test {
  Eventfd() {
    client.use(table);
    fd = table.add(std::move(*mine.duplicate()));
  }
  int watch(uint32_t handle, uint64_t point, uint32_t flags = 0, uint32_t pad = 0) {
    ioctl::SyncobjEventfd arg = {handle, flags, point, fd, pad};
    return client.call(ioctl::kSyncobjEventfdCommand, arg);
  }
  uint64_t count() {
    eventfd_t value = 0;
    return ::eventfd_read(mine.get(), &value) == 0 ? value : 0;
  }

  VirtualMachine machine;
  FakeDescriptors table;
  Client client{machine};
  base::UniqueFd mine{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  int32_t fd;
};

TEST_F(Eventfd, RefusesInTheKernelsOrder) {
  const uint32_t syncobj = client.syncobj();
  EXPECT_EQ(watch(99, 0, 1), -EINVAL) << "flags before the handle";
  EXPECT_EQ(watch(99, 0, kForSubmit), -EINVAL);
  EXPECT_EQ(watch(99, 0, 0, 1), -EINVAL);
  fd = -1;
  EXPECT_EQ(watch(99, 0), -ENOENT) << "the handle before the descriptor";
  EXPECT_EQ(watch(syncobj, 0), -EBADF);
  fd = table.add(base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  EXPECT_EQ(watch(syncobj, 0), -EINVAL) << "no eventfd";
  ioctl::SyncobjHandle exported = {syncobj, 0, -1, 0, 0};
  ASSERT_EQ(client.call(_IOWR('d', 0xc1, ioctl::SyncobjHandle), exported), 0);
  fd = exported.fd;
  EXPECT_EQ(watch(syncobj, 0), -EINVAL) << "a file of the driver's own";
}

TEST_F(Eventfd, FiresInsideTheCallWhatIsTrueAlready) {
  const uint32_t syncobj = client.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  EXPECT_EQ(watch(syncobj, 0), 0);
  EXPECT_EQ(count(), 1u);
}

TEST_F(Eventfd, FiresOnceEachTime) {
  const uint32_t syncobj = client.syncobj();
  EXPECT_EQ(watch(syncobj, 2), 0);
  EXPECT_EQ(watch(syncobj, 2, kAvailable), 0);
  EXPECT_EQ(signal_point(client, syncobj, 1), 0);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(signal_point(client, syncobj, 2), 0);
  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(signal_point(client, syncobj, 3), 0);
  EXPECT_EQ(count(), 0u);
}

TEST_F(Eventfd, NeverBlocksOnAFullCounter) {
  ASSERT_EQ(::fcntl(mine.get(), F_SETFL, 0), 0);
  ASSERT_EQ(::eventfd_write(mine.get(), 0xffff'ffff'ffff'fffeull), 0);
  EXPECT_EQ(watch(client.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED), 0), 0);
  EXPECT_GT(count(), 1u);
}

TEST_F(Eventfd, RegistrationsOfAFileAreBounded) {
  drv::Options options;
  options.file_waits = 3;
  VirtualMachine small(1, options);
  Client tight(small);
  tight.use(table);
  const uint32_t syncobj = tight.syncobj();
  ioctl::SyncobjEventfd arg = {syncobj, 0, 1, fd, 0};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tight.call(ioctl::kSyncobjEventfdCommand, arg), 0);
  EXPECT_EQ(tight.call(ioctl::kSyncobjEventfdCommand, arg), -ENOMEM);
  EXPECT_EQ(signal_point(tight, syncobj, 1), 0);
  EXPECT_EQ(count(), 3u);
  arg.point = 2;
  EXPECT_EQ(tight.call(ioctl::kSyncobjEventfdCommand, arg), 0) << "those that fired count no more";
  drm_syncobj_destroy destroy = {syncobj, 0};
  EXPECT_EQ(tight.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), 0);
  arg = {tight.syncobj(), 0, 1, fd, 0};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tight.call(ioctl::kSyncobjEventfdCommand, arg), 0);
}

}  // namespace
}  // namespace fakegpu::tests
