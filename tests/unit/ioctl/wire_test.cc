// SPDX-License-Identifier: MIT
// The messages are memcpy'd: a struct with holes would leak the daemon's stack to its clients.
#include "ioctl/wire.h"

#include <gtest/gtest.h>

#include <string_view>
#include <type_traits>

namespace fakegpu::ioctl::wire {
namespace {

static_assert(std::has_unique_object_representations_v<Header> && sizeof(Header) == 16);
static_assert(std::has_unique_object_representations_v<Hello> && sizeof(Hello) == 40);
static_assert(std::has_unique_object_representations_v<Reply> && sizeof(Reply) == 24);
static_assert(std::has_unique_object_representations_v<Span> && sizeof(Span) == 16);
static_assert(std::has_unique_object_representations_v<IoctlRequest> && sizeof(IoctlRequest) == 40);
static_assert(std::has_unique_object_representations_v<IoctlReply> && sizeof(IoctlReply) == 24);
static_assert(std::has_unique_object_representations_v<Interrupt> && sizeof(Interrupt) == 24);
static_assert(std::has_unique_object_representations_v<GetFd> && sizeof(GetFd) == 24);
static_assert(std::has_unique_object_representations_v<FdReply> && sizeof(FdReply) == 40);
static_assert(std::has_unique_object_representations_v<ReadRequest> && sizeof(ReadRequest) == 24);
static_assert(std::has_unique_object_representations_v<OpenSwSync> && sizeof(OpenSwSync) == 32);

TEST(Wire, MagicReadsFgpuInMemory) {
  const uint32_t magic = kMagic;
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(&magic), 4), "FGPU");
}

TEST(Wire, TypesKeepTheirNumbers) {
  EXPECT_EQ(static_cast<uint32_t>(Type::kHello), 1u);
  EXPECT_EQ(static_cast<uint32_t>(Type::kIoctl), 3u);
  EXPECT_EQ(static_cast<uint32_t>(Type::kReadReply), 10u);
  EXPECT_EQ(static_cast<uint32_t>(Type::kGetFencePage), 11u);
  EXPECT_EQ(static_cast<uint32_t>(Type::kOpenSwSync), 13u);
  EXPECT_EQ(static_cast<uint32_t>(Type::kLargeIoctl), 14u);
}

}  // namespace
}  // namespace fakegpu::ioctl::wire
