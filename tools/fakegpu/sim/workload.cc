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

// One pattern after the other: a batch that would come when the next one has begun is not of the
// old any more.
class Patterns final : public Workload {
 public:
  Patterns(const QueueSpec& spec, uint64_t seed)
      : spec_(spec), arrivals_(seed), lengths_(arrivals_.next()), next_(pattern().from) {}

  std::optional<Batch> next(Nanos ready) override {
    std::optional<Batch> batch = arrive(ready);
    while (current_ + 1 < spec_.patterns.size() &&
           (!batch || batch->wanted >= spec_.patterns[current_ + 1].from)) {
      ++current_;
      index_ = 0;
      next_ = pattern().from;
      batch = arrive(ready);
    }
    if (!batch || batch->wanted >= spec_.stop) return std::nullopt;
    ++index_;
    return batch;
  }
  Nanos length() override { return draw(pattern().length, lengths_); }

 private:
  const Pattern& pattern() const { return spec_.patterns[current_]; }

  std::optional<Batch> arrive(Nanos ready) {
    const Pattern& now = pattern();
    Batch batch{next_, now.jobs};
    switch (now.arrival) {
      case Arrival::kSync:
      case Arrival::kAsync:
        batch.wanted = index_ != 0 ? ready + now.wait : std::max(next_, ready);
        batch.waits = now.arrival == Arrival::kSync;
        break;
      case Arrival::kPeriodic:
        next_ += now.period;
        batch.deadline = next_;
        break;
      case Arrival::kBurst:
        next_ += now.period;
        break;
      case Arrival::kPoisson:
        next_ += static_cast<Nanos>(static_cast<double>(now.period) * arrivals_.exponential());
        batch.wanted = next_;
        break;
      case Arrival::kTrace:
        if (index_ == now.times.size()) return std::nullopt;
        batch.wanted = now.from + now.times[index_];
        break;
    }
    return batch;
  }

  const QueueSpec& spec_;
  Random arrivals_;
  Random lengths_;
  size_t current_ = 0;  // in spec_.patterns
  Nanos next_;
  uint64_t index_ = 0;  // of the next batch, within the pattern
};

}  // namespace

std::unique_ptr<Workload> make_workload(const QueueSpec& spec, uint64_t seed) {
  return std::make_unique<Patterns>(spec, seed);
}

}  // namespace fakegpu::sim
