// SPDX-License-Identifier: MIT
// BOs by descriptor: PRIME_HANDLE_TO_FD, PRIME_FD_TO_HANDLE, and who holds and pays for the memory.
#include <fcntl.h>
#include <sys/stat.h>

#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kShareable = DRM_FAKEGPU_BO_SHAREABLE;

struct Prime : testing::Test {
  Prime() {
    client.use(table);
    other.use(table);
  }

  uint32_t bo(Client& of, uint32_t flags = kShareable) {
    drm_fakegpu_bo_create arg = {};
    arg.size = 8192;
    arg.flags = flags;
    EXPECT_EQ(of.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  // A descriptor, or a negative errno.
  int32_t to_fd(Client& of, uint32_t handle, uint32_t flags = DRM_CLOEXEC | DRM_RDWR) {
    drm_prime_handle arg = {handle, flags, -1};
    const int result = of.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg);
    return result == 0 ? arg.fd : result;
  }
  int to_handle(Client& of, int32_t fd, uint32_t& handle) {
    drm_prime_handle arg = {0, 0, fd};
    const int result = of.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg);
    handle = arg.handle;
    return result;
  }
  static int close(Client& of, uint32_t handle) {
    drm_gem_close arg = {handle, 0};
    return of.call(DRM_IOCTL_GEM_CLOSE, arg);
  }
  static uint64_t client_bytes(Client& of) {
    drm_fakegpu_heap_info info = {};
    drm_fakegpu_query query = {};
    query.item = DRM_FAKEGPU_QUERY_HEAP;
    query.data = reinterpret_cast<uintptr_t>(&info);
    query.size = sizeof(info);
    EXPECT_EQ(of.call(DRM_IOCTL_FAKEGPU_QUERY, query), 0);
    return info.client_bytes;
  }

  VirtualMachine machine;
  FakeDescriptors table;
  Client client{machine};
  Client other{machine};
};

TEST_F(Prime, IsCountedAsSharedFromItsExportOnInEveryFileThatHasIt) {
  const auto shared = [](Client& of) {
    char text[1024] = {};
    drm_fakegpu_fdinfo arg = {.data = reinterpret_cast<uintptr_t>(text), .size = sizeof(text) - 1};
    EXPECT_EQ(of.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), 0);
    const char* line = std::strstr(text, "drm-shared-vram:\t");
    return line ? std::atoi(line + std::strlen("drm-shared-vram:\t")) : -1;
  };
  const uint32_t handle = bo(client);
  bo(client);
  EXPECT_EQ(shared(client), 0);
  const int32_t fd = to_fd(client, handle);
  EXPECT_EQ(shared(client), 8);
  uint32_t theirs = 0;
  ASSERT_EQ(to_handle(other, fd, theirs), 0);
  table.close(fd);
  EXPECT_EQ(shared(client), 8);
  EXPECT_EQ(shared(other), 8);
  EXPECT_EQ(close(client, handle), 0);
  EXPECT_EQ(shared(client), 0);
  EXPECT_EQ(shared(other), 0);
}

TEST_F(Prime, AClosedFileSharesNothingAnyMore) {
  Client leaving(machine);
  leaving.use(table);
  const int32_t fd = to_fd(leaving, bo(leaving));
  uint32_t theirs = 0;
  ASSERT_EQ(to_handle(other, fd, theirs), 0);
  table.close(fd);
  leaving.close();
  char text[1024] = {};
  drm_fakegpu_fdinfo arg = {.data = reinterpret_cast<uintptr_t>(text), .size = sizeof(text) - 1};
  ASSERT_EQ(other.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), 0);
  EXPECT_NE(std::strstr(text, "drm-total-vram:\t8 KiB\ndrm-shared-vram:\t0 KiB\n"), nullptr);
}

TEST_F(Prime, IsTheSameMemoryInAnotherFile) {
  auto mine = client.buffer(4096, DRM_FAKEGPU_HEAP_VRAM, kShareable);
  const int32_t fd = to_fd(client, mine.handle);
  ASSERT_GT(fd, 0);
  uint32_t handle = 0;
  ASSERT_EQ(to_handle(other, fd, handle), 0);
  drm_fakegpu_bo_info info = {};
  info.handle = handle;
  EXPECT_EQ(other.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), 0);
  EXPECT_EQ(info.size, 4096u);
  // The other's GPU writes what the first one's CPU reads.
  drm_fakegpu_vm_bind bind = {};
  bind.vm_id = other.vm();
  bind.handle = handle;
  bind.va = 0x4000'0000;
  bind.size = 4096;
  ASSERT_EQ(other.call(DRM_IOCTL_FAKEGPU_VM_BIND, bind), 0);
  const auto ib = other.ib(write_dword(bind.va + 8, 0x600d));
  EXPECT_EQ(other.submit({.context = other.context(), .ibs = {ib}}), 0);
  machine.run();
  EXPECT_EQ(mine.as<uint32_t>()[2], 0x600du);
}

TEST_F(Prime, HasOneHandleInEachFile) {
  const uint32_t first = bo(client, 0);
  const uint32_t handle = bo(client);
  const int32_t fd = to_fd(client, handle);
  const int32_t again = to_fd(client, handle);
  ASSERT_GT(fd, 0);
  ASSERT_GT(again, 0);
  uint32_t back = 0;
  EXPECT_EQ(to_handle(client, fd, back), 0);
  EXPECT_EQ(back, handle);
  uint32_t imported = 0;
  EXPECT_EQ(to_handle(other, fd, imported), 0);
  EXPECT_EQ(to_handle(other, again, back), 0);
  EXPECT_EQ(back, imported);
  // Exported by its second owner, it is still the first one's.
  EXPECT_EQ(to_handle(client, to_fd(other, imported), back), 0);
  EXPECT_EQ(back, handle);
  // Closed once it is gone, and comes back under the lowest handle.
  EXPECT_EQ(close(client, handle), 0);
  EXPECT_EQ(close(client, handle), -EINVAL);
  EXPECT_EQ(close(client, first), 0);
  EXPECT_EQ(to_handle(client, fd, back), 0);
  EXPECT_EQ(back, first);
}

TEST_F(Prime, DescriptorsOfOneBoAreOneFile) {
  const uint32_t handle = bo(client);
  struct stat status[2] = {};
  for (auto& each : status) {
    const auto pages = table.file(to_fd(client, handle)).pages();
    ASSERT_TRUE(pages);
    EXPECT_EQ(pages->offset, 0u);
    EXPECT_EQ(pages->size, 8192u);
    EXPECT_EQ(::fstat(pages->fd.get(), &each), 0);
  }
  EXPECT_EQ(status[0].st_ino, status[1].st_ino);
  EXPECT_EQ(status[0].st_size, 8192) << "and nothing else of the client's";
}

TEST_F(Prime, KeepsTheMemoryWhenEveryHandleIsGone) {
  const auto before = machine.machine().census();
  auto owner = std::make_unique<Client>(machine);
  owner->use(table);
  const uint32_t handle = bo(*owner);
  const int32_t fd = to_fd(*owner, handle);
  EXPECT_EQ(close(*owner, handle), 0);
  EXPECT_EQ(client_bytes(*owner), 8192u) << "paid for by its creator, whoever holds it";
  owner.reset();
  EXPECT_EQ(machine.machine().census().bos, before.bos + 1);
  EXPECT_EQ(machine.machine().census().objects, before.objects + 1);
  uint32_t imported = 0;
  EXPECT_EQ(to_handle(other, fd, imported), 0);
  EXPECT_EQ(client_bytes(other), 0u);
  table.close(fd);
  EXPECT_EQ(machine.machine().census().bos, before.bos + 1);
  EXPECT_EQ(close(other, imported), 0);
  const auto after = machine.machine().census();
  EXPECT_EQ(after.bos, before.bos);
  EXPECT_EQ(after.objects, before.objects);
  EXPECT_EQ(after.heap_bytes[0], before.heap_bytes[0]);
}

TEST_F(Prime, PassesTheFlagsOn) {
  const uint32_t handle = bo(client);
  EXPECT_FALSE(table.file(to_fd(client, handle, 0)).pages()->writable);
  EXPECT_FALSE(table.close_on_exec());
  EXPECT_TRUE(table.file(to_fd(client, handle, DRM_RDWR)).pages()->writable);
  EXPECT_GT(to_fd(client, handle, DRM_CLOEXEC), 0);
  EXPECT_TRUE(table.close_on_exec());
}

TEST_F(Prime, RefusesInTheKernelsOrder) {
  const uint32_t handle = bo(client);
  const uint32_t in_arena = bo(client, 0);
  EXPECT_EQ(to_fd(client, 99, DRM_CLOEXEC | 1), -EINVAL);
  EXPECT_EQ(to_fd(client, handle, O_APPEND), -EINVAL);
  EXPECT_EQ(to_fd(client, 99), -ENOENT);
  EXPECT_EQ(to_fd(client, 0), -ENOENT);
  EXPECT_EQ(to_fd(client, in_arena), -EPERM) << "its pages lie among the client's others";
  table.set_full(true);
  EXPECT_EQ(to_fd(client, 99), -EMFILE);
  EXPECT_EQ(to_fd(client, handle), -EMFILE);
}

TEST_F(Prime, ImportsOnlyDmaBufsOfThisDevice) {
  uint32_t handle = 0;
  EXPECT_EQ(to_handle(client, -1, handle), -EBADF);
  EXPECT_EQ(to_handle(client, 12345, handle), -EBADF);
  const int32_t memfd = table.add(*base::create_sealed_memfd("memfd", 4096));
  EXPECT_EQ(to_handle(client, memfd, handle), -EINVAL);
  drm_syncobj_handle syncobj = {};
  syncobj.handle = client.syncobj();
  ASSERT_EQ(client.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, syncobj), 0);
  EXPECT_EQ(to_handle(client, syncobj.fd, handle), -EINVAL);
  VirtualMachine elsewhere;
  Client stranger(elsewhere);
  stranger.use(table);
  const int32_t foreign = to_fd(stranger, bo(stranger));
  ASSERT_GT(foreign, 0);
  EXPECT_EQ(to_handle(client, foreign, handle), -EINVAL);
  table.close(foreign);
}

TEST(PrimeLimits, AnImportIsAHandleOfTheImporter) {
  drv::Options options;
  options.file_objects = 1;
  VirtualMachine machine(1, options);
  FakeDescriptors table;
  Client client(machine);
  client.use(table);
  drm_fakegpu_bo_create create = {};
  create.size = 4096;
  create.flags = kShareable;
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, create), 0);
  drm_prime_handle exported = {create.handle, DRM_CLOEXEC, -1};
  ASSERT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, exported), 0);
  EXPECT_EQ(client.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, exported), 0) << "it has that handle";
  Client full(machine);
  full.use(table);
  ASSERT_EQ(full.call(DRM_IOCTL_FAKEGPU_BO_CREATE, create), 0);
  EXPECT_EQ(full.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, exported), -EMFILE);
}

TEST(PrimeLimits, CallsAreRefusedWithoutDescriptors) {
  VirtualMachine machine;
  Client bare(machine);
  drm_prime_handle arg = {1, 0, 0};
  EXPECT_EQ(bare.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg), -EOPNOTSUPP);
  EXPECT_EQ(bare.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg), -EOPNOTSUPP);
  drm_get_cap cap = {DRM_CAP_PRIME, 0};
  EXPECT_EQ(bare.call(DRM_IOCTL_GET_CAP, cap), 0);
  EXPECT_EQ(cap.value, uint64_t{DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT});
}

}  // namespace
}  // namespace fakegpu::tests
