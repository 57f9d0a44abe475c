// SPDX-License-Identifier: MIT
// What holds for every packet type, whatever its fields.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "packets/describe.h"
#include "packets/pm4.h"
#include "packets/sdma.h"
#include "random_packets.h"

namespace fakegpu::packets {

void PrintTo(const PacketType& type, std::ostream* out) {
  *out << type.title;
}

namespace {

class AnyPacket : public testing::TestWithParam<PacketType> {};
class Pm4Packet : public testing::TestWithParam<PacketType> {};
class SdmaPacket : public testing::TestWithParam<PacketType> {};

std::string title(const testing::TestParamInfo<PacketType>& info) {
  return std::string(info.param.title);
}
INSTANTIATE_TEST_SUITE_P(Pm4, AnyPacket, testing::ValuesIn(pm4_types()), title);
INSTANTIATE_TEST_SUITE_P(Sdma, AnyPacket, testing::ValuesIn(sdma_types()), title);
INSTANTIATE_TEST_SUITE_P(All, Pm4Packet, testing::ValuesIn(pm4_types()), title);
INSTANTIATE_TEST_SUITE_P(All, SdmaPacket, testing::ValuesIn(sdma_types()), title);

TEST_P(AnyPacket, ParseGivesBackWhatWasEncoded) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    RC_ASSERT(type.random(source).parses_back);
  }));
}

// Any flipped bit either is refused or shows in a field.
TEST_P(AnyPacket, NoBitIsIgnored) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    const Words words = type.random(source).words;
    for (size_t bit = 0; bit < words.size() * 32; ++bit) {
      Words flipped = words;
      flipped[bit / 32] ^= 1u << bit % 32;
      const std::optional<Words> again = type.reencode(flipped);
      if (!again) continue;
      RC_ASSERT(*again == flipped);
      RC_ASSERT(!type.same(words, flipped));
    }
  }));
}

TEST_P(AnyPacket, WrongLengthsAreRefused) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    Words words = type.random(source).words;
    RC_ASSERT(!type.reencode(Packet(words).first(words.size() - 1)));
    RC_ASSERT(!type.reencode({}));
    words.push_back(0);
    RC_ASSERT(!type.reencode(words));
  }));
}

// The bits of the header that no type has as a field.
void check_header_bits(const PacketType& type, int count) {
  EXPECT_TRUE(rc::check([&] {
    Source source;
    const Words words = type.random(source).words;
    for (int bit = 0; bit < count; ++bit) {
      Words flipped = words;
      flipped[0] ^= 1u << bit;
      RC_ASSERT(!type.reencode(flipped));
    }
  }));
}

TEST_P(Pm4Packet, OtherOpcodeShaderTypePredicateAndReservedBitsAreRefused) {
  check_header_bits(GetParam(), 16);
}

TEST_P(SdmaPacket, OtherOpAndSubOpAreRefused) {
  check_header_bits(GetParam(), 16);
}

TEST_P(Pm4Packet, HeaderTellsOpcodeAndLength) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    const Words words = type.random(source).words;
    const std::optional<pm4::Header> header = pm4::parse_header(words[0]);
    RC_ASSERT(header.has_value());
    RC_ASSERT(header->type == 3);
    RC_ASSERT(header->opcode == type.opcode);
    RC_ASSERT(header->body_dwords + 1 == words.size());
    RC_ASSERT(!header->predicate);
  }));
  EXPECT_EQ(pm4::opcode_name(GetParam().opcode), GetParam().name);
}

TEST_P(SdmaPacket, HeaderTellsLength) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    const Words words = type.random(source).words;
    RC_ASSERT(sdma::packet_dwords(words) == words.size());
    RC_ASSERT(sdma::packet_dwords(Packet(words).first(std::min<size_t>(4, words.size()))) ==
              words.size());
  }));
  EXPECT_EQ(sdma::opcode_name(GetParam().opcode), GetParam().name);
}

TEST_P(Pm4Packet, DescriptionStartsWithTheName) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    RC_ASSERT(describe_pm4_packet(type.random(source).words).starts_with(type.name));
  }));
}

TEST_P(SdmaPacket, DescriptionStartsWithTheName) {
  EXPECT_TRUE(rc::check([type = GetParam()] {
    Source source;
    RC_ASSERT(describe_sdma_packet(type.random(source).words).starts_with(type.name));
  }));
}

}  // namespace
}  // namespace fakegpu::packets
