// SPDX-License-Identifier: MIT
#include "ioctl/decode.h"

#include <fakegpu_drm.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "ioctl/drm_core.h"
#include "ioctl/table.h"

namespace fakegpu::ioctl {
namespace {

template <typename T>
std::string describe(uint32_t command, const T& arg, UserMemory* memory = nullptr) {
  return describe_call(command, std::as_bytes(std::span(&arg, 1)), memory);
}
template <typename T>
uint64_t address_of(const T& object) {
  return reinterpret_cast<uint64_t>(&object);
}

TEST(CommandName, KnownAndUnknown) {
  EXPECT_EQ(command_name(DRM_IOCTL_FAKEGPU_SUBMIT), "DRM_IOCTL_FAKEGPU_SUBMIT");
  EXPECT_EQ(command_name(_IOC(3u, 'd', 0x50, 0x48)),
            "_IOC(_IOC_READ|_IOC_WRITE, 0x64, 0x50, 0x48)");
  EXPECT_EQ(command_name(_IOC(_IOC_READ, 'd', 0x50, 0)), "_IOC(_IOC_READ, 0x64, 0x50, 0x0)");
  EXPECT_EQ(command_name(_IOC(_IOC_WRITE, 'x', 1, 4)), "_IOC(_IOC_WRITE, 0x78, 0x1, 0x4)");
  EXPECT_EQ(command_name(0x5401), "_IOC(_IOC_NONE, 0x54, 0x1, 0x0)");
}

TEST(DescribeCall, ClientsAndTheirFigures) {
  drm_fakegpu_client client = {.client_id = 4, .pid = 12, .uid = 1000, .queued = 3};
  std::strcpy(client.command, "app");
  client.engine_ns[DRM_FAKEGPU_RING_SDMA] = 7;
  const drm_fakegpu_clients clients{.data = address_of(client), .count = 1, .total = 9};
  DirectMemory memory;
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_CLIENTS, clients, &memory),
            "DRM_IOCTL_FAKEGPU_CLIENTS {after=0, data=[{client_id=4, pid=12, uid=1000, "
            "command=\"app\", name=\"\", engine_ns[0]=0, engine_ns[1]=0, engine_ns[2]=7, "
            "heap_bytes[0]=0, heap_bytes[1]=0, queued=3, in_flight=0}], count=1, total=9}");
  const drm_fakegpu_ctx_usage usage{.ctx_id = 2, .ring = 1, .usage = {.gpu_time_ns = 5}};
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_CTX_USAGE, usage),
            "DRM_IOCTL_FAKEGPU_CTX_USAGE {ctx_id=2, ring=1, usage.pushed=0, usage.completed=0, "
            "usage.refused=0, usage.queued=0, usage.in_flight=0, usage.gpu_time_ns=5, "
            "usage.wait_time_ns=0, usage.longest_ns=0, usage.average_ns=0}");
}

TEST(DescribeCall, ClientNameIsText) {
  const char name[] = "some-app";
  const SetClientName arg{.name_len = 8, .name = address_of(name)};
  DirectMemory memory;
  EXPECT_EQ(describe(kSetClientNameCommand, arg, &memory),
            "DRM_IOCTL_SET_CLIENT_NAME {name_len=8, name=\"some-app\"}");
}

TEST(DescribeCall, SubmitWithItsArrays) {
  const drm_fakegpu_ib ibs[] = {{.va = 0x10000, .dwords = 16},
                                {.va = 0x20000, .dwords = 8, .flags = DRM_FAKEGPU_IB_PREEMPT}};
  const drm_fakegpu_sync in[] = {{.handle = 3, .point = 7}};
  const drm_fakegpu_bo_use bos[] = {
      {.handle = 4, .flags = DRM_FAKEGPU_BO_USE_READ | DRM_FAKEGPU_BO_USE_WRITE}};
  const drm_fakegpu_submit submit{.ctx_id = 1,
                                  .ring = 2,
                                  .flags = DRM_FAKEGPU_SUBMIT_EVENT | DRM_FAKEGPU_SUBMIT_WAIT,
                                  .ib_count = 2,
                                  .ibs = address_of(ibs),
                                  .in_sync_count = 1,
                                  .in_syncs = address_of(in),
                                  .user_data = 0xabc,
                                  .bos = address_of(bos),
                                  .bo_count = 1};
  DirectMemory memory;
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_SUBMIT, submit, &memory),
            "DRM_IOCTL_FAKEGPU_SUBMIT {ctx_id=1, ring=2, "
            "flags=DRM_FAKEGPU_SUBMIT_EVENT|DRM_FAKEGPU_SUBMIT_WAIT, ib_count=2, ibs=[{va=0x10000, "
            "dwords=16, flags=0}, {va=0x20000, dwords=8, "
            "flags=DRM_FAKEGPU_IB_PREEMPT}], in_sync_count=1, out_sync_count=0, "
            "in_syncs=[{handle=3, point=7}], out_syncs=NULL, user_data=0xabc, seqno=0, "
            "bos=[{handle=4, flags=DRM_FAKEGPU_BO_USE_READ|DRM_FAKEGPU_BO_USE_WRITE}], "
            "bo_count=1}");
}

TEST(DescribeCall, ArraysAreAddressesWithoutMemoryOrWhenUnreachable) {
  const drm_syncobj_array array{.handles = 0x1000, .count_handles = 2};
  constexpr char kText[] = "DRM_IOCTL_SYNCOBJ_RESET {handles=0x1000, count_handles=2}";
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_RESET, array), kText);
  PlannedMemory nothing;
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_RESET, array, &nothing), kText);
  std::vector<std::byte> first(4);  // the second element is missing
  PlannedMemory half;
  half.add({0x1000, first, true, false});
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_RESET, array, &half), kText);
}

TEST(DescribeCall, AtMostEightElements) {
  std::vector<uint32_t> handles(20);
  for (uint32_t i = 0; i < 20; ++i) handles[i] = i + 1;
  const drm_syncobj_array array{.handles = reinterpret_cast<uint64_t>(handles.data()),
                                .count_handles = 20};
  DirectMemory memory;
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_SIGNAL, array, &memory),
            "DRM_IOCTL_SYNCOBJ_SIGNAL {handles=[1, 2, 3, 4, 5, 6, 7, 8, ... 20 in all], "
            "count_handles=20}");
}

TEST(DescribeCall, CallerOfAnOlderStructIsShownWhatItPassed) {
  const drm_syncobj_wait wait{
      .handles = 0,
      .timeout_nsec = -1,
      .count_handles = 0,
      .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT | 0x80};
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_WAIT, wait),
            "DRM_IOCTL_SYNCOBJ_WAIT {handles=NULL, timeout_nsec=-1, count_handles=0, "
            "flags=DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL|DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT|0x80, "
            "first_signaled=0}");
  const SyncobjWait newer{.timeout_nsec = 5, .flags = kSyncobjWaitDeadline, .deadline_nsec = 4};
  EXPECT_EQ(describe(DRM_IOCTL_SYNCOBJ_WAIT, newer),
            "DRM_IOCTL_SYNCOBJ_WAIT {handles=NULL, timeout_nsec=5, count_handles=0, "
            "flags=DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE, first_signaled=0, deadline_nsec=4}");
}

TEST(DescribeCall, EnumsSignsAndPadding) {
  const drm_fakegpu_bo_create create{.size = 4096,
                                     .heap = DRM_FAKEGPU_HEAP_SYSTEM,
                                     .flags = DRM_FAKEGPU_BO_SHAREABLE,
                                     .handle = 0,
                                     .pad = 9};
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_BO_CREATE, create),
            "DRM_IOCTL_FAKEGPU_BO_CREATE {size=4096, alignment=0, heap=DRM_FAKEGPU_HEAP_SYSTEM, "
            "flags=DRM_FAKEGPU_BO_SHAREABLE, handle=0, pad=0x9}");
  const drm_fakegpu_ctx_set_priority priority{.ctx_id = 1, .priority = DRM_FAKEGPU_PRIORITY_LOW};
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, priority),
            "DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY {ctx_id=1, priority=-1}");
  EXPECT_EQ(describe(DRM_IOCTL_GET_CAP, drm_get_cap{.capability = DRM_CAP_SYNCOBJ_TIMELINE}),
            "DRM_IOCTL_GET_CAP {capability=DRM_CAP_SYNCOBJ_TIMELINE, value=0}");
  EXPECT_EQ(describe(DRM_IOCTL_GET_CAP, drm_get_cap{.capability = 0x999}),
            "DRM_IOCTL_GET_CAP {capability=0x999, value=0}");
}

TEST(DescribeCall, TextsAreQuotedAndEscaped) {
  char name[] = "fake\"gpu\n";
  drm_version version{};
  version.version_major = 1;
  version.name_len = sizeof(name);
  version.name = name;
  DirectMemory memory;
  EXPECT_EQ(describe(DRM_IOCTL_VERSION, version, &memory),
            "DRM_IOCTL_VERSION {version_major=1, version_minor=0, version_patchlevel=0, "
            "name_len=10, name=\"fake\\\"gpu\\x0a\", date_len=0, date=NULL, desc_len=0, "
            "desc=NULL}");
}

TEST(DescribeCall, AnIndexIsANumberUnlessItHasAName) {
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_SET_POLICY, drm_fakegpu_set_policy{.name = "rr", .ring = 2}),
            "DRM_IOCTL_FAKEGPU_SET_POLICY {name=\"rr\", ring=2}");
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_SET_POLICY,
                     drm_fakegpu_set_policy{.name = "edf", .ring = DRM_FAKEGPU_ALL_RINGS}),
            "DRM_IOCTL_FAKEGPU_SET_POLICY {name=\"edf\", ring=DRM_FAKEGPU_ALL_RINGS}");
  const drm_fakegpu_inject inject = {
      .verb = DRM_FAKEGPU_FAULT_INJECT,
      .fault = {.name = "hang", .ring = 2, .ioctl = DRM_FAKEGPU_ANY_IOCTL, .nth = 3}};
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_INJECT, inject),
            "DRM_IOCTL_FAKEGPU_INJECT {verb=DRM_FAKEGPU_FAULT_INJECT, fault.name=\"hang\", "
            "fault.ring=2, fault.ioctl=DRM_FAKEGPU_ANY_IOCTL, fault.nth=3, fault.probability=0, "
            "fault.seed=0, fault.duration_ns=0, fault.for_ns=0, fault.error=0, data=NULL, size=0}");
}

TEST(DescribeCall, ChannelTokenIsHidden) {
  drm_fakegpu_channel channel{.token = {0x1122334455667788, 0x99}, .path = {}};
  std::memset(channel.path, 'p', sizeof(channel.path));  // not even NUL-terminated
  const std::string text = describe(DRM_IOCTL_FAKEGPU_CHANNEL, channel);
  EXPECT_EQ(text,
            "DRM_IOCTL_FAKEGPU_CHANNEL {token=<hidden>, path=\"" + std::string(104, 'p') + "\"}");
}

TEST(DescribeCall, QueryAnswerIsBytes) {
  const uint8_t answer[] = {1, 2, 255};
  const drm_fakegpu_query query{.item = DRM_FAKEGPU_QUERY_HEAP,
                                .index = 1,
                                .data = address_of(answer),
                                .size = sizeof(answer)};
  DirectMemory memory;
  EXPECT_EQ(describe(DRM_IOCTL_FAKEGPU_QUERY, query, &memory),
            "DRM_IOCTL_FAKEGPU_QUERY {item=DRM_FAKEGPU_QUERY_HEAP, index=1, data=[0x01, 0x02, "
            "0xff], size=3}");
}

TEST(DescribeCall, NoStructAtAll) {
  EXPECT_EQ(describe_call(DRM_IOCTL_FAKEGPU_SUBMIT, {}), "DRM_IOCTL_FAKEGPU_SUBMIT {}");
  EXPECT_EQ(describe_call(_IOC(1, 'd', 0xff, 4), {}), "_IOC(_IOC_WRITE, 0x64, 0xff, 0x4)");
}

TEST(DescribeCall, AnyBytesAreDescribed) {
  ProcessMemory memory(getpid());
  EXPECT_TRUE(rc::check([&](const std::vector<uint8_t>& bytes, uint32_t command) {
    const auto arg = std::as_bytes(std::span(bytes));
    RC_ASSERT(!describe_call(command, arg, &memory).empty());
    for (const Row& row : table()) {
      const uint32_t known = _IOC(row.direction, row.type, row.nr, row.size);
      RC_ASSERT(describe_call(known, arg).starts_with(row.name));
      RC_ASSERT(describe_call(known, arg, &memory).starts_with(row.name));
    }
  }));
}

TEST(DescribeCall, AnyPointersAndCountsOfFullStructsAreDescribed) {
  std::vector<std::byte> reachable(64);
  EXPECT_TRUE(rc::check([&] {
    PlannedMemory memory;
    memory.add({0x1000, reachable, true, false});
    for (const Row& row : table()) {
      std::vector<std::byte> arg(row.size);
      for (std::byte& byte : arg) byte = static_cast<std::byte>(*rc::gen::arbitrary<uint8_t>());
      const uint64_t address =
          *rc::gen::element<uint64_t>(0x1000, 0x1010, ~0ull, ~0ull - 4, 0x103f);
      for (const ArrayField& array : row.arrays)
        std::memcpy(&arg[array.pointer_offset], &address, sizeof(address));
      const uint32_t command = _IOC(row.direction, row.type, row.nr, row.size);
      RC_ASSERT(describe_call(command, arg, &memory).ends_with("}"));
    }
  }));
}

}  // namespace
}  // namespace fakegpu::ioctl
