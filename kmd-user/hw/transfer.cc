// SPDX-License-Identifier: MIT
#include "transfer.h"

#include <algorithm>
#include <cstring>

#include "engine.h"
#include "stream_copy.h"

namespace fakegpu::hw {
namespace {

// Where a copy can be stopped.
constexpr uint32_t kChunk = 256 * 1024;
// Copies from this size on are not worth a place in the caches.
constexpr uint32_t kStreamBytes = 1 << 20;
constexpr uint32_t kHashChunk = 64 * 1024;  // takes about as long as copying kChunk

}  // namespace

void CopyOperation::begin(uint64_t source, uint64_t destination, uint32_t bytes, bool overlap) {
  source_ = source;
  destination_ = destination;
  bytes_ = bytes;
  done_ = 0;
  down_ = overlap && destination > source && destination - source < bytes;
}

bool CopyOperation::forward(Engine& engine, uint64_t offset, uint64_t bytes) const {
  while (bytes > 0) {
    const auto from = engine.memory().run(source_ + offset, bytes, Access::kRead);
    if (from.empty()) return false;
    const auto to = engine.memory().run(destination_ + offset, from.size(), Access::kWrite);
    if (to.empty()) return false;
    if (bytes_ >= kStreamBytes) {
      stream_copy(to, from.first(to.size()));
    } else {
      std::memmove(to.data(), from.data(), to.size());
    }
    offset += to.size();
    bytes -= to.size();
  }
  return true;
}

// Page by page: runs can be asked for by their start only.
bool CopyOperation::backward(Engine& engine, uint64_t end, uint64_t bytes) const {
  while (bytes > 0) {
    const uint64_t in_source = (source_ + end - 1) % kPageSize + 1;
    const uint64_t in_destination = (destination_ + end - 1) % kPageSize + 1;
    const uint64_t size = std::min({bytes, in_source, in_destination});
    end -= size;
    const auto from = engine.memory().run(source_ + end, size, Access::kRead);
    if (from.empty()) return false;
    const auto to = engine.memory().run(destination_ + end, size, Access::kWrite);
    if (to.empty()) return false;
    std::memmove(to.data(), from.data(), size);
    bytes -= size;
  }
  return true;
}

Outcome CopyOperation::advance(Engine& engine) {
  const uint32_t chunk = std::min(bytes_ - done_, kChunk);
  if (!(down_ ? backward(engine, bytes_ - done_, chunk) : forward(engine, done_, chunk)))
    return Outcome::vm_fault();
  done_ += chunk;
  engine.charge_bytes(chunk);
  return done_ == bytes_ ? Outcome::done() : Outcome::more();
}

void FillOperation::begin(uint64_t destination, uint32_t value, uint32_t bytes) {
  destination_ = destination;
  value_ = value;
  bytes_ = bytes;
  done_ = 0;
}

Outcome FillOperation::advance(Engine& engine) {
  const uint32_t end = done_ + std::min(bytes_ - done_, kChunk);
  engine.charge_bytes(end - done_);
  while (done_ < end) {
    const auto to = engine.memory().run(destination_ + done_, end - done_, Access::kWrite);
    if (to.empty()) return Outcome::vm_fault();
    std::fill_n(reinterpret_cast<uint32_t*>(to.data()), to.size() / 4, value_);
    done_ += static_cast<uint32_t>(to.size());
  }
  return done_ == bytes_ ? Outcome::done() : Outcome::more();
}

void HashOperation::begin(const packets::pm4::Hash& hash) {
  packet_ = hash;
  hash_ = packets::pm4::Hash::kBasis;
  done_ = 0;
}

Outcome HashOperation::advance(Engine& engine) {
  const uint32_t end = done_ + std::min(packet_.bytes - done_, kHashChunk);
  engine.charge_bytes(end - done_);
  while (done_ < end) {
    const auto bytes = engine.memory().run(packet_.address + done_, end - done_, Access::kRead);
    if (bytes.empty()) return Outcome::vm_fault();
    uint64_t hash = hash_;
    for (const std::byte byte : bytes)
      hash = (hash ^ static_cast<uint8_t>(byte)) * packets::pm4::Hash::kPrime;
    hash_ = hash;
    done_ += static_cast<uint32_t>(bytes.size());
  }
  if (done_ != packet_.bytes) return Outcome::more();
  return Outcome::of(engine.memory().store64(packet_.destination, hash_));
}

}  // namespace fakegpu::hw
