// SPDX-License-Identifier: MIT
// BOs that a submission names: who waits for whom, in one file and across files.
#include <fcntl.h>
#include <poll.h>

#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"
#include "ioctl/table.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kRead = DRM_FAKEGPU_BO_USE_READ;
constexpr uint32_t kWrite = DRM_FAKEGPU_BO_USE_WRITE;
constexpr uint32_t kExplicit = DRM_FAKEGPU_BO_USE_EXPLICIT;
constexpr uint32_t kGfx = 0;
constexpr uint32_t kCompute = 1;

struct ImplicitSync : testing::Test {
  ImplicitSync() {
    client.use(table);
    other.use(table);
    timeline.use(table);
    drm_prime_handle prime = {buffer.handle, DRM_CLOEXEC | DRM_RDWR, -1};
    EXPECT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), 0);
    EXPECT_EQ(other.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, prime), 0);
    dma_buf = prime.fd;
    imported = prime.handle;
  }

  // A syncobj of the client's that signals when open_gate() is called.
  uint32_t gate() {
    ioctl::SwSyncCreateFence fence = {++gates, "gate", -1};
    EXPECT_EQ(timeline.call(ioctl::kSwSyncIocCreateFence, fence), 0);
    drm_syncobj_handle arg = {};
    arg.handle = client.syncobj();
    arg.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
    arg.fd = fence.fence;
    EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, arg), 0);
    return arg.handle;
  }
  void open_gate() {
    uint32_t by = 1;
    EXPECT_EQ(timeline.call(ioctl::kSwSyncIocInc, by), 0);
    machine.run();
  }
  short poll() { return table.file(dma_buf).poll(nullptr); }

  VirtualMachine machine;
  FakeDescriptors table;
  Client client{machine};
  Client other{machine};
  Client timeline{std::move(*machine.machine().open_sw_sync("test")), {1, 0, 0}};
  Client::Buffer buffer = client.buffer(4096, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
  int32_t dma_buf = -1;
  uint32_t imported = 0;
  uint32_t gates = 0;
};

struct Case {
  uint32_t first, second;
  bool waits;
};

struct ImplicitOrder : ImplicitSync, testing::WithParamInterface<Case> {};

TEST_P(ImplicitOrder, OfTwoJobsInTwoFiles) {
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ring = kGfx,
                           .in = {{gate(), 0, 0}},
                           .bos = {{buffer.handle, GetParam().first}}}),
            0);
  const uint32_t done = other.syncobj();
  ASSERT_EQ(other.submit({.context = other.context(),
                          .ring = kCompute,
                          .out = {{done, 0, 0}},
                          .bos = {{imported, GetParam().second}}}),
            0);
  machine.run();
  EXPECT_EQ(other.poll_syncobj(done), GetParam().waits ? -ETIME : 0);
  open_gate();
  EXPECT_EQ(other.poll_syncobj(done), 0);
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
}

std::string name_of(const testing::TestParamInfo<Case>& test) {
  constexpr const char* kNames[] = {"", "Read", "Write", "Both", "Explicit"};
  return std::string(kNames[test.param.first]) + "Then" + kNames[test.param.second];
}

INSTANTIATE_TEST_SUITE_P(Uses, ImplicitOrder,
                         testing::Values(Case{kRead, kRead, false}, Case{kRead, kWrite, true},
                                         Case{kWrite, kRead, true}, Case{kWrite, kWrite, true},
                                         Case{kRead | kWrite, kRead, true},
                                         Case{kRead, kRead | kWrite, true},
                                         Case{kExplicit, kWrite, false},
                                         Case{kWrite, kExplicit, false}),
                         name_of);

TEST_F(ImplicitSync, AReaderSeesWhatTheWriterWrote) {
  drm_fakegpu_vm_bind bind = {};
  bind.vm_id = other.vm();
  bind.handle = imported;
  bind.va = 0x4000'0000;
  bind.size = 4096;
  ASSERT_EQ(other.call(DRM_IOCTL_FAKEGPU_VM_BIND, bind), 0);
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ring = kGfx,
                           .ibs = {client.ib(write_dword(buffer.va, 0x111))},
                           .in = {{gate(), 0, 0}},
                           .bos = {{buffer.handle, kWrite}}}),
            0);
  ASSERT_EQ(other.submit({.context = other.context(),
                          .ring = kCompute,
                          .ibs = {other.ib(write_dword(bind.va, 0x222))},
                          .bos = {{imported, kWrite}}}),
            0);
  machine.run();
  EXPECT_EQ(*buffer.as<uint32_t>(), 0u);
  open_gate();
  EXPECT_EQ(*buffer.as<uint32_t>(), 0x222u) << "the second writer's";
}

TEST_F(ImplicitSync, TheDmaBufTellsOfJobs) {
  const uint32_t context = client.context();
  const auto submit = [&](uint32_t flags) {
    EXPECT_EQ(client.submit(
                  {.context = context, .in = {{gate(), 0, 0}}, .bos = {{buffer.handle, flags}}}),
              0);
    machine.run();
  };
  submit(kExplicit);
  EXPECT_EQ(poll(), POLLIN | POLLOUT) << "nobody waits for it";
  submit(kRead);
  EXPECT_EQ(poll(), POLLIN);
  submit(kWrite);
  EXPECT_EQ(poll(), 0);
  open_gate();
  open_gate();
  EXPECT_EQ(poll(), 0);
  open_gate();
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
}

TEST_F(ImplicitSync, AJobWaitsForASyncFileThatWasImported) {
  ioctl::SwSyncCreateFence fence = {++gates, "gate", -1};
  ASSERT_EQ(timeline.call(ioctl::kSwSyncIocCreateFence, fence), 0);
  dma_buf_import_sync_file import = {DMA_BUF_SYNC_WRITE, fence.fence};
  ioctl::DirectMemory memory;
  EXPECT_EQ(table.file(dma_buf).ioctl({static_cast<uint32_t>(DMA_BUF_IOCTL_IMPORT_SYNC_FILE),
                                       reinterpret_cast<uintptr_t>(&import),
                                       {1, 0, 0},
                                       1,
                                       &table},
                                      memory, nullptr),
            0);
  const uint32_t done = client.syncobj();
  ASSERT_EQ(
      client.submit(
          {.context = client.context(), .out = {{done, 0, 0}}, .bos = {{buffer.handle, kRead}}}),
      0);
  machine.run();
  EXPECT_EQ(client.poll_syncobj(done), -ETIME);
  open_gate();
  EXPECT_EQ(client.poll_syncobj(done), 0);
}

TEST_F(ImplicitSync, OlderCallersNameNone) {
  drm_fakegpu_submit arg = {};
  arg.ctx_id = client.context();
  // What is behind their struct.
  arg.bo_count = 0xdead;
  arg.pad = 0xbeef;
  constexpr unsigned long kOld = _IOWR('d', _IOC_NR(DRM_IOCTL_FAKEGPU_SUBMIT), uint64_t[8]);
  EXPECT_EQ(client.call(kOld, arg), 0);
  EXPECT_EQ(arg.seqno, 1u);
}

TEST_F(ImplicitSync, BadListsAreRefusedWithoutATrace) {
  const uint32_t context = client.context();
  const uint32_t second = client.buffer().handle;
  const auto submit = [&](std::vector<drm_fakegpu_bo_use> bos) {
    return client.submit({.context = context, .in = {{gate(), 0, 0}}, .bos = std::move(bos)});
  };
  EXPECT_EQ(submit({{buffer.handle, 0}}), -EINVAL);
  EXPECT_EQ(submit({{buffer.handle, 8}}), -EINVAL);
  EXPECT_EQ(submit({{buffer.handle, kExplicit | kRead}}), -EINVAL);
  EXPECT_EQ(submit({{buffer.handle, kWrite}, {99, kRead}}), -ENOENT);
  EXPECT_EQ(submit({{buffer.handle, kWrite}, {0, kRead}}), -ENOENT);
  EXPECT_EQ(submit({{buffer.handle, kRead}, {second, kRead}, {buffer.handle, kWrite}}), -EINVAL);
  EXPECT_EQ(submit(std::vector(ioctl::kMaxSubmitBos + 1, drm_fakegpu_bo_use{1, kRead})), -EINVAL);
  drm_fakegpu_submit padded = {};
  padded.ctx_id = context;
  padded.pad = 1;
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_SUBMIT, padded), -EINVAL);
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
  EXPECT_EQ(submit({{second, kRead}, {buffer.handle, kWrite}}), 0) << "in any order";
  EXPECT_EQ(poll(), 0);
}

}  // namespace
}  // namespace fakegpu::tests
