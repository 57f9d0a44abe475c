// SPDX-License-Identifier: MIT
// Well-formed packets with random fields, for rapidcheck. The types are erased, so that a property
// is compiled once and not once per type.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets {

// Draws values inside a rapidcheck property; keeps the payloads that packets borrow.
class Source {
 public:
  uint64_t any64();
  uint32_t any32();
  bool flip();
  uint64_t in(uint64_t low, uint64_t high);
  uint64_t address(uint64_t alignment);
  Packet words(size_t low, size_t high);
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[in(0, values.size() - 1)];
  }

 private:
  std::deque<Words> storage_;
};

struct Encoded {
  Words words;
  bool parses_back;  // to a packet that equals the encoded one
};

struct PacketType {
  std::string_view title;  // of the C++ type
  std::string_view name;   // kName
  uint8_t opcode;
  Encoded (*random)(Source&);
  std::optional<Words> (*reencode)(Packet);  // parse, then encode; nullopt: refused
  bool (*same)(Packet, Packet);              // parse to the same
};

std::span<const PacketType> pm4_types();
std::span<const PacketType> sdma_types();

}  // namespace fakegpu::packets
