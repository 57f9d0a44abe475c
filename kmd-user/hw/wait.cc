// SPDX-License-Identifier: MIT
#include "wait.h"

#include <algorithm>

#include "engine.h"
#include "register_file.h"

namespace fakegpu::hw {
namespace {

using packets::AtomicOp;
using packets::Compare;

constexpr base::Nanos kFirstDelay = base::kNanosPerMicro;
constexpr base::Nanos kLastDelay = 100 * base::kNanosPerMicro;

template <typename T>
bool atomic_at(EngineMemory& memory, AtomicOp op, uint64_t address, T data, T expected,
               bool* swapped) {
  T* at = memory.pointer<T>(address, Access::kWrite);
  // It reads as well: a page that may only be written is no place for it.
  if (!at || !memory.pointer<T>(address, Access::kRead)) return false;
  std::atomic_ref value(*at);
  switch (op) {
    case AtomicOp::kSwap32:
    case AtomicOp::kSwap64:
      value.exchange(data);
      break;
    case AtomicOp::kAdd32:
    case AtomicOp::kAdd64:
      value.fetch_add(data);
      break;
    case AtomicOp::kCompareSwap32:
    case AtomicOp::kCompareSwap64:
      *swapped = value.compare_exchange_strong(expected, data);
      break;
  }
  return true;
}

}  // namespace

bool compare(Compare function, uint32_t value, uint32_t mask, uint32_t reference) {
  value &= mask;
  switch (function) {
    case Compare::kAlways:
      return true;
    case Compare::kLess:
      return value < reference;
    case Compare::kLessEqual:
      return value <= reference;
    case Compare::kEqual:
      return value == reference;
    case Compare::kNotEqual:
      return value != reference;
    case Compare::kGreaterEqual:
      return value >= reference;
    case Compare::kGreater:
      return value > reference;
  }
  return false;
}

void Backoff::begin(base::Nanos interval) {
  interval_ = interval;
  delay_ = kFirstDelay;
}

base::Nanos Backoff::next(base::Nanos now) {
  const base::Nanos delay = std::max(interval_, delay_);
  delay_ = std::min(2 * delay_, kLastDelay);
  return add_time(now, static_cast<uint64_t>(delay));
}

void PollOperation::begin(const Condition& condition, RegisterFile& registers) {
  condition_ = condition;
  registers_ = &registers;
  backoff_.begin(condition.interval);
}

Outcome PollOperation::advance(Engine& engine) {
  uint32_t value;
  if (condition_.memory) {
    const std::optional<uint32_t> loaded = engine.memory().load32(condition_.address);
    if (!loaded) return Outcome::vm_fault();
    value = *loaded;
  } else {
    value = registers_->read(static_cast<uint32_t>(condition_.address));
  }
  if (compare(condition_.function, value, condition_.mask, condition_.reference))
    return Outcome::done();
  if (condition_.retries == 0) return Outcome::done();
  if (condition_.retries != kForever) --condition_.retries;
  return Outcome::wait_until(backoff_.next(engine.now()));
}

bool atomic(Engine& engine, AtomicOp op, uint64_t address, uint64_t data, uint64_t compare,
            bool* swapped) {
  *swapped = false;
  if (packets::is_64bit(op))
    return atomic_at<uint64_t>(engine.memory(), op, address, data, compare, swapped);
  return atomic_at<uint32_t>(engine.memory(), op, address, static_cast<uint32_t>(data),
                             static_cast<uint32_t>(compare), swapped);
}

void SwapLoop::begin(AtomicOp op, uint64_t address, uint64_t data, uint64_t compare,
                     base::Nanos interval) {
  op_ = op;
  address_ = address;
  data_ = data;
  compare_ = compare;
  backoff_.begin(interval);
}

Outcome SwapLoop::advance(Engine& engine) {
  bool swapped;
  if (!atomic(engine, op_, address_, data_, compare_, &swapped)) return Outcome::vm_fault();
  return swapped ? Outcome::done() : Outcome::wait_until(backoff_.next(engine.now()));
}

}  // namespace fakegpu::hw
