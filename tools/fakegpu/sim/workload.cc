// SPDX-License-Identifier: MIT
#include "workload.h"

#include <algorithm>

namespace fakegpu::sim {
namespace {

Nanos draw(const Length& length, Random& random) {
  const auto first = static_cast<double>(length.first);
  double value = first;
  switch (length.kind) {
    case Length::Kind::kConstant:
      return length.first;
    case Length::Kind::kUniform:
      value = first + random.unit() * static_cast<double>(length.second - length.first);
      break;
    case Length::Kind::kNormal:
      value = first + random.normal() * static_cast<double>(length.second);
      break;
    case Length::Kind::kExponential:
      value = first * random.exponential();
      break;
    case Length::Kind::kMixed: {
      double total = 0;
      for (const Length::Part& part : length.parts) total += part.weight;
      double at = random.unit() * total;
      for (const Length::Part& part : length.parts)
        if ((at -= part.weight) < 0) return part.length;
      return length.parts.back().length;
    }
  }
  return static_cast<Nanos>(std::clamp(value, 0.0, static_cast<double>(kMaxLength)));
}

class Pattern final : public Workload {
 public:
  Pattern(const QueueSpec& spec, uint64_t seed)
      : spec_(spec), arrivals_(seed), lengths_(arrivals_.next()), next_(spec.start) {}

  std::optional<Batch> next(Nanos ready) override {
    std::optional<Batch> batch = arrive(ready);
    if (batch && batch->wanted >= spec_.stop) return std::nullopt;
    ++index_;
    return batch;
  }
  Nanos length() override { return draw(spec_.length, lengths_); }

 private:
  std::optional<Batch> arrive(Nanos ready) {
    Batch batch{next_, spec_.jobs};
    switch (spec_.arrival) {
      case Arrival::kSync:
      case Arrival::kAsync:
        if (index_ != 0) batch.wanted = ready + spec_.wait;
        break;
      case Arrival::kPeriodic:
        next_ += spec_.period;
        batch.deadline = next_;
        break;
      case Arrival::kBurst:
        next_ += spec_.period;
        break;
      case Arrival::kPoisson:
        next_ += static_cast<Nanos>(static_cast<double>(spec_.period) * arrivals_.exponential());
        batch.wanted = next_;
        break;
      case Arrival::kTrace:
        if (index_ == spec_.times.size()) return std::nullopt;
        batch.wanted = spec_.start + spec_.times[index_];
        break;
    }
    return batch;
  }

  const QueueSpec& spec_;
  Random arrivals_;
  Random lengths_;
  Nanos next_;
  uint64_t index_ = 0;
};

}  // namespace

std::unique_ptr<Workload> make_workload(const QueueSpec& spec, uint64_t seed) {
  return std::make_unique<Pattern>(spec, seed);
}

}  // namespace fakegpu::sim
