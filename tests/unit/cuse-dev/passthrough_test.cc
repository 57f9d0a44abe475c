// SPDX-License-Identifier: MIT
#include "passthrough.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>

#include <array>
#include <cstring>

namespace fakegpu::cuse_dev {
namespace {

std::vector<std::byte> init_request(uint32_t flags, uint32_t flags2) {
  std::vector<std::byte> bytes(sizeof(fuse_in_header) + sizeof(fuse_init_in));
  fuse_in_header header = {};
  header.len = bytes.size();
  header.opcode = FUSE_INIT;
  fuse_init_in init = {};
  init.major = 7;
  init.minor = 40;
  init.flags = flags;
  init.flags2 = flags2;
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), &init, sizeof(init));
  return bytes;
}

TEST(Passthrough, IsSeenInTheKernelsOffer) {
  EXPECT_TRUE(offers_passthrough(init_request(FUSE_INIT_EXT, 1u << 5)));
  EXPECT_FALSE(offers_passthrough(init_request(FUSE_INIT_EXT, 1u << 4)));
  // Without INIT_EXT the second word means nothing.
  EXPECT_FALSE(offers_passthrough(init_request(0, 1u << 5)));
}

TEST(Passthrough, IsNotSeenInShortOrOtherRequests) {
  auto request = init_request(FUSE_INIT_EXT, 1u << 5);
  EXPECT_FALSE(offers_passthrough(std::span(request).first(request.size() - 1)));
  EXPECT_FALSE(offers_passthrough({}));
  const uint32_t other = FUSE_OPEN;
  std::memcpy(request.data() + offsetof(fuse_in_header, opcode), &other, sizeof(other));
  EXPECT_FALSE(offers_passthrough(request));
}

struct InitReply {
  fuse_out_header header = {};
  std::array<unsigned char, sizeof(fuse_init_out)> body = {};
  iovec ranges[2] = {{&header, sizeof(header)}, {body.data(), body.size()}};
};

TEST(Passthrough, ChangesExactlyFlagsAndDepthOfTheReply) {
  InitReply reply;
  for (size_t i = 0; i < 32; ++i) reply.body[i] = static_cast<unsigned char>(i);
  auto expected = reply.body;
  ASSERT_TRUE(request_passthrough(reply.ranges));
  // flags at 12: 0x0f0e0d0c plus INIT_EXT (bit 30), less WRITEBACK_CACHE (bit 16).
  expected[14] = 0x0e & ~1;
  expected[15] = 0x0f | 0x40;
  expected[32] = 0x20;  // flags2: bit 37 of both words
  expected[36] = 1;     // max_stack_depth
  EXPECT_EQ(reply.body, expected);
}

TEST(Passthrough, LeavesErrorsAndOtherRepliesAlone) {
  InitReply failed;
  failed.header.error = -EPROTO;
  const auto before = failed.body;
  EXPECT_FALSE(request_passthrough(failed.ranges));
  EXPECT_EQ(failed.body, before);

  InitReply old;
  old.ranges[1].iov_len = 24;  // a reply of protocol 7.22
  EXPECT_FALSE(request_passthrough(old.ranges));
  EXPECT_FALSE(request_passthrough(std::span<const iovec>(old.ranges).first(1)));
  EXPECT_EQ(old.body, before);
}

TEST(Passthrough, OpenReplyHasTheBytesThatTheKernelReads) {
  const auto reply = passthrough_open_reply(0x1122334455667788, 0xaabbccdd, 7);
  const unsigned char expected[32] = {
      32,   0,    0,    0,    0,    0,    0,    0,     // length, no error
      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,  // unique
      0xdd, 0xcc, 0xbb, 0xaa, 0,    0,    0,    0,     // fh
      0x81, 0,    0,    0,    7,    0,    0,    0};    // DIRECT_IO | PASSTHROUGH, backing id
  EXPECT_EQ(std::memcmp(&reply, expected, sizeof(expected)), 0);
}

TEST(Passthrough, CannotBeHadOnAnythingButAFuseConnection) {
  auto file = base::create_sealed_memfd("test", 4096);
  ASSERT_TRUE(file);
  const auto backing = open_backing(file->get(), file->get());
  ASSERT_FALSE(backing);
  EXPECT_EQ(backing.error().code(), ENOTTY);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
