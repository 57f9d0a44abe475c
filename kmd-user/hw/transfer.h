// SPDX-License-Identifier: MIT
// Packets that go over a range of memory in chunks: copies, fills and HASH.
#pragma once

#include <cstdint>

#include "operation.h"
#include "packets/pm4.h"

namespace fakegpu::hw {

class CopyOperation final : public Operation {
 public:
  // `overlap`: ranges may overlap and are copied as by memmove; else from low to high addresses.
  void begin(uint64_t source, uint64_t destination, uint32_t bytes, bool overlap);
  Outcome advance(Engine& engine) override;

 private:
  bool forward(Engine& engine, uint64_t offset, uint64_t bytes) const;
  bool backward(Engine& engine, uint64_t end, uint64_t bytes) const;

  uint64_t source_ = 0;
  uint64_t destination_ = 0;
  uint32_t bytes_ = 0;
  uint32_t done_ = 0;
  bool down_ = false;  // from high to low addresses
};

// With dwords; the address and size are multiples of 4.
class FillOperation final : public Operation {
 public:
  void begin(uint64_t destination, uint32_t value, uint32_t bytes);
  Outcome advance(Engine& engine) override;

 private:
  uint64_t destination_ = 0;
  uint32_t value_ = 0;
  uint32_t bytes_ = 0;
  uint32_t done_ = 0;
};

class HashOperation final : public Operation {
 public:
  void begin(const packets::pm4::Hash& hash);
  Outcome advance(Engine& engine) override;

 private:
  packets::pm4::Hash packet_;
  uint64_t hash_ = 0;
  uint32_t done_ = 0;
};

}  // namespace fakegpu::hw
