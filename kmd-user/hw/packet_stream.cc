// SPDX-License-Identifier: MIT
#include "packet_stream.h"

#include <algorithm>
#include <cstring>

#include "power_of_two.h"

namespace fakegpu::hw {
namespace {

constexpr uint32_t kMinRing = 64;
constexpr uint32_t kMaxRing = 1u << 20;
// Enough for the usual packets, so that these take one access.
constexpr uint32_t kPeek = 8;
// What a length can take to tell (SDMA's WRITE_LINEAR).
constexpr uint32_t kLengthDwords = 4;

}  // namespace

uint64_t PacketStream::remaining() const {
  if (level_) return levels_[level_].dwords - levels_[level_].offset;
  return ring_.wptr.load(std::memory_order_acquire) - ring_.rptr.load(std::memory_order_relaxed);
}

bool PacketStream::copy(uint32_t from, uint32_t to) {
  if (buffer_.size() < to) buffer_.resize(to);
  const std::span<uint32_t> target(buffer_.data() + from, to - from);
  if (level_) {
    const Level& ib = levels_[level_];
    return engine_memory_.read(ib.address + 4 * (uint64_t{ib.offset} + from),
                               std::as_writable_bytes(target));
  }
  const uint32_t size = ring_.size.load();
  const std::span<std::byte> ring = memory_.at(ring_.base(), uint64_t{size} * 4);
  if (ring.empty()) {
    engine_memory_.set_fault(ring_.base(), Access::kRead, reg::kFaultVmInvalid);
    return false;
  }
  // Packets may wrap around the end of the ring.
  const uint64_t start = (ring_.rptr.load(std::memory_order_relaxed) + from) & (size - 1);
  if (target.size() == kPeek && start + kPeek <= size) {  // most often; and then without a call
    std::memcpy(target.data(), ring.data() + start * 4, kPeek * 4);
    return true;
  }
  const size_t first = std::min<size_t>(target.size(), size - start);
  std::memcpy(target.data(), ring.data() + start * 4, first * 4);
  std::memcpy(target.data() + first, ring.data(), (target.size() - first) * 4);
  return true;
}

Outcome PacketStream::fetch() {
  const uint64_t there = remaining();
  if (there == 0) return Outcome::wait_until(SerialTask::kNever);
  uint32_t peek = static_cast<uint32_t>(std::min<uint64_t>(there, kPeek));
  if (level_ == 0) {
    const uint32_t size = ring_.size.load();
    if (!is_power_of_two(size) || size < kMinRing || size > kMaxRing || there > size)
      return Outcome::fault(reg::kFaultBadPacket);
  } else {
    // No look over the edge of a page: the packets before it are to run even if there is nothing.
    const uint64_t at = levels_[level_].address + 4 * uint64_t{levels_[level_].offset};
    peek = static_cast<uint32_t>(std::min<uint64_t>(peek, (kPageSize - at % kPageSize) / 4));
  }
  if (!copy(0, peek)) return Outcome::vm_fault();
  header_ = buffer_[0];

  Length length = measure_({buffer_.data(), peek});
  const uint32_t enough = static_cast<uint32_t>(std::min<uint64_t>(there, kLengthDwords));
  if (length.dwords == 0 && length.reason == reg::kFaultBadPacket && peek < enough) {
    if (!copy(peek, enough)) return Outcome::vm_fault();
    peek = enough;
    length = measure_({buffer_.data(), peek});
  }
  if (length.dwords == 0) return Outcome::fault(length.reason);
  if (length.dwords > there) return Outcome::fault(reg::kFaultBadPacket);
  if (length.dwords > peek && !copy(peek, length.dwords)) return Outcome::vm_fault();
  packet_dwords_ = length.dwords;
  return Outcome::done();
}

bool PacketStream::can_skip(uint32_t count) const {
  return packet_dwords_ + count <= remaining();
}

void PacketStream::go_to(unsigned level) {
  level_ = level;
  engine_memory_.select(levels_[level].vmid);
}

void PacketStream::advance(uint32_t dwords) {
  if (level_) {
    levels_[level_].offset += dwords;
  } else {
    ring_.rptr.store(ring_.rptr.load(std::memory_order_relaxed) + dwords,
                     std::memory_order_release);
  }
}

void PacketStream::retire(uint32_t skip) {
  advance(packet_dwords_ + skip);
  packet_dwords_ = 0;
  while (level_ && levels_[level_].offset == levels_[level_].dwords) {
    go_to(level_ - 1);
    advance(levels_[level_].pending);
  }
}

void PacketStream::enter(uint64_t address, uint32_t dwords, unsigned vmid, bool preemptible) {
  levels_[level_].pending = packet_dwords_;
  packet_dwords_ = 0;
  levels_[level_ + 1] = {address, dwords, 0, 0, static_cast<uint8_t>(vmid), preemptible};
  go_to(level_ + 1);
}

void PacketStream::chain(uint64_t address, uint32_t dwords, bool preemptible) {
  packet_dwords_ = 0;
  Level& ib = levels_[level_];
  ib = {address, dwords, 0, 0, ib.vmid, preemptible};
}

void PacketStream::corrupt() {
  buffer_[0] = header_ = ~buffer_[0];
}

void PacketStream::reset() {
  packet_dwords_ = 0;
  header_ = 0;
  go_to(0);
  ring_.rptr.store(0, std::memory_order_release);
  ring_.wptr.store(0, std::memory_order_release);
}

}  // namespace fakegpu::hw
