// SPDX-License-Identifier: MIT
// Who uses the device, and how much: QUERY_USAGE, CTX_USAGE, CLIENTS, FDINFO, SET_CLIENT_NAME.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "client.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

uint64_t id_of(const Client& client) {
  const std::string text = client.device().fdinfo();
  constexpr std::string_view kKey = "drm-client-id:\t";
  const size_t at = text.find(kKey);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + kKey.size()));
}

int set_name(const Client& client, std::string_view name) {
  ioctl::SetClientName arg = {.name_len = name.size(), .name = address_of(name.data())};
  return client.call(ioctl::kSetClientNameCommand, arg);
}

TEST(Usage, AJobIsCountedForItsContextItsFileAndItsEngine) {
  const Client client;
  const Worker worker(client, DRM_FAKEGPU_RING_COMPUTE, 1);
  const Worker idle(client, DRM_FAKEGPU_RING_COMPUTE, 1);
  ASSERT_EQ(fakegpu_cmd_work(worker.packets(), 1, 2'000'000, 0, 0), 0);
  const uint32_t done = client.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0);
  ASSERT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0);
  const drm_fakegpu_usage usage = client.device().usage(worker.ring());
  EXPECT_EQ(usage.pushed, 1u);
  EXPECT_EQ(usage.completed, 1u);
  EXPECT_EQ(usage.queued + usage.in_flight + usage.refused, 0u);
  EXPECT_GE(usage.gpu_time_ns, 2'000'000u);
  EXPECT_EQ(usage.longest_ns, usage.average_ns);
  EXPECT_EQ(worker.context().usage(worker.ring()).completed, 1u);
  EXPECT_EQ(idle.context().usage(worker.ring()).pushed, 0u);
  EXPECT_EQ(client.device().usage(client.device().ring(DRM_FAKEGPU_RING_GFX)).pushed, 0u);
  const std::string line = "drm-engine-compute:\t" + std::to_string(usage.gpu_time_ns) + " ns\n";
  EXPECT_NE(client.device().fdinfo().find(line), std::string::npos) << client.device().fdinfo();
}

TEST(Usage, EveryOpenFileIsAClientOfItsOwn) {
  const Client first;
  const Client second;
  ASSERT_NE(id_of(first), 0u);
  ASSERT_LT(id_of(first), id_of(second));
  first.make_bo(3 * kPage);
  ASSERT_EQ(set_name(first, "first"), 0);
  const auto seen = second.device().clients();
  EXPECT_TRUE(std::ranges::is_sorted(seen, {}, &drm_fakegpu_client::client_id));
  const auto found = std::ranges::find(seen, id_of(first), &drm_fakegpu_client::client_id);
  ASSERT_NE(found, seen.end());
  EXPECT_EQ(found->pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(found->uid, ::getuid());
  EXPECT_STREQ(found->command, "conformance");
  EXPECT_STREQ(found->name, "first");
  EXPECT_EQ(found->heap_bytes[DRM_FAKEGPU_HEAP_VRAM], 3 * kPage);
  EXPECT_EQ(found->queued + found->in_flight, 0u);
  const std::string text = second.device().fdinfo(id_of(first));
  EXPECT_EQ(text, first.device().fdinfo());
  EXPECT_NE(text.find("drm-client-name:\tfirst\n"), std::string::npos);
  EXPECT_NE(text.find("drm-total-vram:\t12 KiB\n"), std::string::npos);
}

TEST(Usage, AClosedFileIsNoClient) {
  const Client client;
  uint64_t gone = 0;
  {
    const Client other;
    gone = id_of(other);
  }
  const auto ids = client.device().clients();
  EXPECT_EQ(std::ranges::count(ids, gone, &drm_fakegpu_client::client_id), 0);
  drm_fakegpu_fdinfo arg = {.client_id = gone};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), -ENOENT);
}

TEST(Usage, NothingIsWrittenBeyondTheRoomOrTheAnswer) {
  const Client client;
  const Client other;
  std::vector<uint8_t> room(8192, 0xa5);
  drm_fakegpu_clients list = {
      .after = id_of(client) - 1, .data = address_of(room.data()), .count = 1};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CLIENTS, list), 0);
  EXPECT_EQ(list.count, 1u);
  EXPECT_GE(list.total, 2u);
  EXPECT_EQ(room[sizeof(drm_fakegpu_client)], 0xa5);
  list = {.after = id_of(client), .data = address_of(room.data()), .count = kHuge};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CLIENTS, list), 0);
  EXPECT_GE(list.count, 1u);
  EXPECT_EQ(room[list.count * sizeof(drm_fakegpu_client)], 0xa5);

  // The end of what is mapped: there is less room than it says.
  void* const pages =
      ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(::munmap(static_cast<uint8_t*>(pages) + 4096, 4096), 0);
  list = {.after = id_of(client), .data = address_of(pages), .count = kHuge};
  // On CUSE the kernel copies all of the room that is stated.
  const bool whole_room = client.device().transport() == std::string_view("cuse");
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CLIENTS, list), whole_room ? -EFAULT : 0);
  ::munmap(pages, 4096);

  const std::string whole = client.device().fdinfo();
  std::fill(room.begin(), room.end(), 0xa5);
  for (const uint32_t size : {7u, 3000u, kHuge}) {
    drm_fakegpu_fdinfo text = {.data = address_of(room.data()), .size = size};
    ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, text), 0);
    EXPECT_EQ(text.size, whole.size());
    const size_t end = std::min<size_t>(size, whole.size());
    EXPECT_EQ(std::memcmp(room.data(), whole.data(), end), 0);
    EXPECT_EQ(room[end], 0xa5) << "size " << size;
  }
}

TEST(Usage, BadPointersAreFaults) {
  const Client client;
  for (const uint64_t address : kBadAddresses) {
    drm_fakegpu_clients list = {.data = address, .count = 1};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CLIENTS, list), -EFAULT);
    drm_fakegpu_fdinfo text = {.data = address, .size = 64};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, text), -EFAULT);
    text.pad = 1;
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, text), -EINVAL) << "padding comes first";
    ioctl::SetClientName name = {.name_len = 4, .name = address};
    EXPECT_EQ(client.call(ioctl::kSetClientNameCommand, name), -EFAULT);
    name.name_len = 65;
    EXPECT_EQ(client.call(ioctl::kSetClientNameCommand, name), -EINVAL) << "the length comes first";
  }
}

TEST(Usage, NamesAreTheKernels) {
  const Client client;
  EXPECT_EQ(set_name(client, std::string(DRM_FAKEGPU_CLIENT_NAME_MAX, 'x')), 0);
  EXPECT_EQ(set_name(client, std::string(DRM_FAKEGPU_CLIENT_NAME_MAX + 1, 'x')), -EINVAL);
  EXPECT_EQ(set_name(client, "two words"), -EINVAL);
  EXPECT_EQ(set_name(client, std::string_view("a\0b", 3)), -EINVAL);
  EXPECT_NE(client.device().fdinfo().find("drm-client-name:\txxxx"), std::string::npos);
  client.device().set_client_name(nullptr);
  EXPECT_EQ(client.device().fdinfo().find("drm-client-name"), std::string::npos);
}

TEST(Usage, WhatDoesNotExistIsRefused) {
  const Client client;
  drm_fakegpu_ctx_usage usage = {.ctx_id = kNoHandle};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, usage), -ENOENT);
  usage = {.ctx_id = client.make_context(client.make_vm()),
           .ring = client.device().info().ring_count};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, usage), -EINVAL);
  drm_fakegpu_query query = {.item = DRM_FAKEGPU_QUERY_USAGE,
                             .index = client.device().info().ring_count};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, query), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
