// SPDX-License-Identifier: MIT
#include "queue_reader.h"

#include <algorithm>

namespace fakegpu::sim {

namespace {

using base::kNanosPerSecond;

template <typename T>
struct Named {
  std::string_view name;
  T value;
};
constexpr Named<Arrival> kArrivals[] = {
    {"sync", Arrival::kSync},       {"async", Arrival::kAsync}, {"periodic", Arrival::kPeriodic},
    {"poisson", Arrival::kPoisson}, {"burst", Arrival::kBurst}, {"trace", Arrival::kTrace}};
constexpr Named<int32_t> kPriorities[] = {{"low", DRM_FAKEGPU_PRIORITY_LOW},
                                          {"normal", DRM_FAKEGPU_PRIORITY_NORMAL},
                                          {"high", DRM_FAKEGPU_PRIORITY_HIGH}};
constexpr Named<uint32_t> kRings[] = {{"gfx", DRM_FAKEGPU_RING_GFX},
                                      {"compute", DRM_FAKEGPU_RING_COMPUTE},
                                      {"sdma", DRM_FAKEGPU_RING_SDMA}};

template <typename T, size_t N>
T choose(TomlReader& in, std::string_view key, std::string_view fallback,
         const Named<T> (&rows)[N]) {
  const std::string name = in.text(key, std::string(fallback));
  std::string known;
  for (const Named<T>& row : rows) {
    if (row.name == name) return row.value;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  in.fail(key, "expected one of " + known);
}

void read_parts(const TomlReader& in, const toml::node& node, Length& length) {
  const toml::array* parts = node.as_array();
  if (!parts || parts->empty())
    in.fail(node.source(), "bimodal: expected [[duration, weight], ...]");
  for (const toml::node& part : *parts) {
    const toml::array* pair = part.as_array();
    if (!pair || pair->size() != 2) in.fail(part.source(), "bimodal: expected [duration, weight]");
    length.parts.push_back({in.duration_of(*pair->get(0), "bimodal", 0, kMaxLength),
                            in.number(*pair->get(1), "bimodal", 1e-6, 1e6)});
  }
}

Length read_length(TomlReader& in) {
  Length length;
  const toml::node* node = in.find("length");
  if (node->is_string()) {
    length.first = in.duration_of(*node, "length", 0, kMaxLength);
    return length;
  }
  const toml::table* table = node->as_table();
  if (!table || table->size() != 1)
    in.fail("length", "expected a duration or one of { uniform, normal, exponential, bimodal }");
  TomlReader kind(*table, in.file());
  const auto pair = [&](std::string_view key) {
    const toml::array* two = kind.array(key);
    if (!two->is_homogeneous(toml::node_type::string) || two->size() != 2)
      kind.fail(key, "expected two durations");
    length.first = kind.duration_of(*two->get(0), key, 0, kMaxLength);
    length.second = kind.duration_of(*two->get(1), key, 0, kMaxLength);
  };
  if (kind.has("uniform")) {
    length.kind = Length::Kind::kUniform;
    pair("uniform");
    if (length.second < length.first) kind.fail("uniform", "expected the lesser first");
  } else if (kind.has("normal")) {
    length.kind = Length::Kind::kNormal;
    pair("normal");
  } else if (const toml::node* mean = kind.find("exponential")) {
    length.kind = Length::Kind::kExponential;
    length.first = kind.duration_of(*mean, "exponential", 0, kMaxLength);
  } else if (const toml::node* parts = kind.find("bimodal")) {
    length.kind = Length::Kind::kMixed;
    read_parts(kind, *parts, length);
  }
  kind.finish();
  return length;
}

bool waits(Arrival arrival) {
  return arrival == Arrival::kSync || arrival == Arrival::kAsync;
}

std::string_view name_of(Arrival arrival) {
  for (const Named<Arrival>& row : kArrivals)
    if (row.value == arrival) return row.name;
  return {};
}

// `fallback`: 0 if there is none.
Nanos read_period(TomlReader& in, Arrival arrival, Nanos fallback) {
  const std::string_view key = arrival == Arrival::kPoisson ? "rate" : "fps";
  Nanos period = fallback;
  if (const toml::node* rate = in.find(key)) {
    period = static_cast<Nanos>(kNanosPerSecond / in.number(*rate, key, 1e-6, 1e6) + 0.5);
    if (in.has("period")) in.fail("period", fmt::format("expected either it or {}", key));
  }
  period = in.duration("period", period, kShortest, kLongest);
  if (period == 0) in.fail(fmt::format("arrival: expected a period or {} with it", key));
  return period;
}

std::vector<Nanos> read_times(TomlReader& in) {
  const toml::array* times = in.array("times");
  if (!times || times->empty()) in.fail("trace: expected times = [\"0ms\", ...]");
  std::vector<Nanos> all;
  for (const toml::node& time : *times) {
    all.push_back(in.duration_of(time, "times", 0, kLongest));
    if (!std::is_sorted(all.begin(), all.end()))
      in.fail(time.source(), "times: expected one that is no earlier than that before");
  }
  return all;
}

// What is not said is as in `before`.
Pattern read_pattern(TomlReader& in, const Pattern& before, int64_t most) {
  Pattern pattern;
  pattern.arrival = choose(in, "arrival", name_of(before.arrival), kArrivals);
  pattern.jobs = static_cast<uint32_t>(in.integer("jobs", before.jobs, 1, most));
  if (waits(pattern.arrival)) {
    pattern.wait = in.duration("wait", before.wait, 0, kLongest);
  } else if (pattern.arrival == Arrival::kTrace) {
    pattern.times = read_times(in);
  } else {
    pattern.period = read_period(in, pattern.arrival, before.period);
  }
  pattern.length = in.has("length") ? read_length(in) : before.length;
  return pattern;
}

void read_changes(TomlReader& in, QueueSpec& queue, int64_t most) {
  in.tables("then", [&](const toml::table& table) {
    TomlReader then(table, in.file());
    const Pattern& before = queue.patterns.back();
    if (!then.has("from")) then.fail("then: expected from = \"...\", when it begins");
    const Nanos from = then.duration("from", 0, 0, kLongest);
    if (from <= before.from)
      then.fail("from", "expected a time after the begin of what was before");
    if (from >= queue.stop) then.fail("from", "expected a time before stop");
    if (table.size() == 1) then.fail("then: expected something that changes");
    Pattern pattern = read_pattern(then, before, most);
    pattern.from = from;
    then.finish();
    queue.patterns.push_back(std::move(pattern));
  });
}

uint32_t read_window(TomlReader& in, const QueueSpec& queue, int64_t most) {
  int64_t least = 1;
  int64_t usual = 1;
  for (const Pattern& pattern : queue.patterns) {
    const int64_t jobs = pattern.jobs;
    least = std::max(least, jobs);
    usual = std::max({usual, jobs,
                      pattern.arrival == Arrival::kSync    ? jobs
                      : pattern.arrival == Arrival::kAsync ? 16
                                                           : 256});
  }
  return static_cast<uint32_t>(in.integer("window", std::min(usual, most), least, most));
}

}  // namespace

QueueSpec read_queue(const toml::table& table, const std::string& file, size_t queues) {
  TomlReader in(table, file);
  QueueSpec queue;
  queue.name = in.text("name", "main");
  if (queue.name.empty()) in.fail("name", "expected a name that is not empty");
  queue.ring_type = choose(in, "ring", "gfx", kRings);
  queue.ring_instance = static_cast<unsigned>(in.integer("instance", 0, 0, 7));
  queue.priority = choose(in, "priority", "normal", kPriorities);
  const auto most = static_cast<int64_t>(kMaxWindow / queues);
  if (!in.has("length")) in.fail("a queue needs a length");
  queue.patterns.push_back(read_pattern(in, {}, most));
  queue.patterns[0].from =
      in.duration("start", 0, 0, kLongest) + in.duration("phase", 0, 0, kLongest);
  queue.stop = in.duration("stop", INT64_MAX, 0, kLongest);
  read_changes(in, queue, most);
  queue.window = read_window(in, queue, most);
  if (const toml::array* after = in.array("after"))
    for (const toml::node& node : *after)
      if (!node.is_string()) in.fail(node.source(), "after: expected \"client.queue\"");
  in.finish();
  return queue;
}

}  // namespace fakegpu::sim
