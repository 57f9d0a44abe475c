// SPDX-License-Identifier: MIT
#include "sim/record_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sched/memory.h"

namespace fakegpu::sim {

namespace {

constexpr int kVersion = 2;
constexpr const char* kFormat = "fakegpu-recording";
constexpr size_t kMaxLine = 1024;

// Which numbers a kind has, by name; null: it has not this one.
struct Kind {
  uint32_t kind;
  const char* name;
  bool context;
  bool seqno;
  const char* values[4];
};

constexpr Kind kKinds[] = {
    {DRM_FAKEGPU_RECORD_RING, "ring", false, false, {"credits", "depth_ns", "type", "fresh"}},
    {DRM_FAKEGPU_RECORD_POLICY, "policy", false, false, {}},
    {DRM_FAKEGPU_RECORD_ENTITY, "entity", true, false, {"priority", "client", "gone"}},
    {DRM_FAKEGPU_RECORD_GONE, "gone", true, false, {}},
    {DRM_FAKEGPU_RECORD_QUEUED, "queued", true, true, {"credits", "deps", "before", "pushed_ns"}},
    {DRM_FAKEGPU_RECORD_DEPENDENCY, "dep", true, true, {"on", "on_ctx", "on_seqno", "leaves"}},
    {DRM_FAKEGPU_RECORD_LEAF, "leaf", true, true, {"on", "on_ctx", "on_seqno", "node"}},
    {DRM_FAKEGPU_RECORD_URGED, "urged", true, true, {"waited", "deadline_ns", "reach", "client"}},
    {DRM_FAKEGPU_RECORD_PRIORITY, "priority", true, false, {"priority"}},
    {DRM_FAKEGPU_RECORD_KILLED, "killed", true, false, {}},
    {DRM_FAKEGPU_RECORD_RUN, "run", true, true, {"outcome", "before", "started_ns"}},
    {DRM_FAKEGPU_RECORD_BLOCKED, "blocked", true, true, {}},
    {DRM_FAKEGPU_RECORD_UNBLOCKED, "unblocked", true, false, {}},
    {DRM_FAKEGPU_RECORD_DONE, "done", true, true, {"end_ns", "error"}},
    {DRM_FAKEGPU_RECORD_SIGNALED, "signaled", true, true, {"when_ns"}},
    {DRM_FAKEGPU_RECORD_STOPPED, "stopped", false, false, {}},
    {DRM_FAKEGPU_RECORD_FAILED, "failed", true, true, {"error"}},
    {DRM_FAKEGPU_RECORD_RESTARTED, "restarted", false, false, {}},
    {DRM_FAKEGPU_RECORD_LOST, "lost", false, false, {"records"}},
    {DRM_FAKEGPU_RECORD_TOTALS,
     "totals",
     false,
     false,
     {"completed", "average_ns", "idle_since_ns"}},
    {DRM_FAKEGPU_RECORD_ACCOUNT,
     "account",
     true,
     true,
     {"completed", "average_ns", "gpu_time_ns", "woken"}},
    {DRM_FAKEGPU_RECORD_LIFT, "lift", true, true, {"waited", "deadline_ns", "priority", "client"}},
    {DRM_FAKEGPU_RECORD_CHARGE, "charge", true, true, {"expected_ns", "flow", "charged", "met"}},
    {DRM_FAKEGPU_RECORD_ENDED, "ended", true, true, {"end_ns", "error", "started_ns", "how"}},
    {DRM_FAKEGPU_RECORD_MEMORY, "memory", true, true, {"a", "b", "c"}},
};

// Numbers that may be negative.
bool is_signed(std::string_view name) {
  return name == "outcome" || name == "error" || name == "deadline_ns" || name == "end_ns" ||
         name == "when_ns" || name == "a" || name == "b" || name == "c";
}

// A text in the first of the values, before the numbers.
struct Text {
  const char* name;  // null: there is none
  size_t values;
};
Text text_of(const Kind& kind) {
  if (kind.kind == DRM_FAKEGPU_RECORD_POLICY) return {"policy", 4};
  if (kind.kind == DRM_FAKEGPU_RECORD_MEMORY) return {"name", 1};
  return {nullptr, 0};
}

// Takes the members of one line, and notices those that nobody took.
class Members {
 public:
  explicit Members(const nlohmann::json& line) : line_(line) {}

  bool number(const char* name, uint64_t& to) {
    const auto found = line_.find(name);
    if (found == line_.end() || !found->is_number_integer()) return missing(name);
    if (found->is_number_unsigned()) {
      to = found->get<uint64_t>();
    } else if (is_signed(name)) {
      to = static_cast<uint64_t>(found->get<int64_t>());
    } else {
      return missing(name);
    }
    ++taken_;
    return true;
  }
  bool text(const char* name, std::string& to) {
    const auto found = line_.find(name);
    if (found == line_.end() || !found->is_string()) return missing(name);
    to = found->get<std::string>();
    ++taken_;
    return true;
  }
  bool all_taken() const { return taken_ == line_.size(); }
  const std::string& problem() const { return problem_; }

 private:
  bool missing(const char* name) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" is missing or out of range", name);
    return false;
  }

  const nlohmann::json& line_;
  size_t taken_ = 0;
  std::string problem_;
};

base::Result<Record> parse_record(const nlohmann::json& line) {
  Members members(line);
  std::string name;
  members.text("e", name);
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& k) { return name == k.name; });
  if (kind == std::end(kKinds)) return base::fail(EINVAL, "no record \"{}\"", name.substr(0, 32));
  Record record = {};
  record.base = {DRM_FAKEGPU_EVENT_RECORD, sizeof(record)};
  record.kind = kind->kind;
  uint64_t section = 0;
  uint64_t time = 0;
  uint64_t ring = 0;
  bool good =
      members.number("s", section) && members.number("t", time) && members.number("ring", ring);
  uint64_t number = 0;
  if (good && kind->context && (good = members.number("ctx", number))) record.context = number;
  if (good && kind->seqno && (good = members.number("seqno", number))) record.seqno = number;
  const Text with = text_of(*kind);
  for (size_t i = 0; good && i < 4 && kind->values[i]; ++i)
    if ((good = members.number(kind->values[i], number))) record.value[with.values + i] = number;
  std::string text;
  if (good && with.name && (good = members.text(with.name, text)))
    text.copy(reinterpret_cast<char*>(record.value), with.values * sizeof(record.value[0]));
  if (!good) return base::fail(EINVAL, "{}: {}", name, members.problem());
  if (!members.all_taken()) return base::fail(EINVAL, "{}: has a member too many", name);
  if (ring > UINT32_MAX || time > static_cast<uint64_t>(sched::SchedulerMemory::kLatest))
    return base::fail(EINVAL, "{}: ring {} at {} ns is out of range", name, ring, time);
  record.ring = static_cast<uint32_t>(ring);
  record.section = section;
  record.time_ns = static_cast<int64_t>(time);
  return record;
}

base::Result<> check_header(const nlohmann::json& line) {
  Members members(line);
  std::string format;
  std::string device;
  uint64_t version = 0;
  if (!members.text("format", format) || format != kFormat)
    return base::fail(EINVAL, "not a recording of fakegpu");
  if (!members.number("version", version) || version != kVersion)
    return base::fail(EINVAL, "a recording of version {}, not {}", version, kVersion);
  if (!members.text("device", device) || !members.all_taken())
    return base::fail(EINVAL, "the first line is not one of version {}", kVersion);
  return {};
}

// One line without its end. False: the file has ended.
bool next_line(std::istream& in, std::string& line) {
  line.clear();
  for (int c; (c = in.get()) != std::istream::traits_type::eof();) {
    if (c == '\n') return true;
    if (line.size() <= kMaxLine) line += static_cast<char>(c);
  }
  return !line.empty();
}

}  // namespace

std::string record_header_line(const std::string& device) {
  return nlohmann::json({{"format", kFormat}, {"version", kVersion}, {"device", device}})
             .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
         '\n';
}

std::string record_line(const Record& record) {
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& k) { return k.kind == record.kind; });
  if (kind == std::end(kKinds)) return {};
  std::string line = fmt::format("{{\"e\":\"{}\",\"s\":{},\"t\":{},\"ring\":{}", kind->name,
                                 record.section, record.time_ns, record.ring);
  if (kind->context) line += fmt::format(",\"ctx\":{}", record.context);
  if (kind->seqno) line += fmt::format(",\"seqno\":{}", record.seqno);
  const Text text = text_of(*kind);
  for (size_t i = 0; i < 4 && kind->values[i]; ++i) {
    const uint64_t value = record.value[text.values + i];
    if (is_signed(kind->values[i])) {
      line += fmt::format(",\"{}\":{}", kind->values[i], static_cast<int64_t>(value));
    } else {
      line += fmt::format(",\"{}\":{}", kind->values[i], value);
    }
  }
  if (text.name) {
    const char* const from = reinterpret_cast<const char*>(record.value);
    const size_t length = ::strnlen(from, text.values * sizeof(record.value[0]));
    line += fmt::format(",\"{}\":\"{}\"", text.name, std::string_view(from, length));
  }
  return line + "}\n";
}

std::string record_end_line(uint64_t records, uint64_t lost) {
  return fmt::format("{{\"e\":\"end\",\"records\":{},\"lost\":{}}}\n", records, lost);
}

base::Result<RecordFile> read_record_file(std::istream& in) {
  RecordFile file;
  std::string line;
  bool ended = false;
  uint64_t number = 0;
  const auto refuse = [&number](std::string_view why) {
    return base::fail(EINVAL, "line {}: {}", number, why);
  };
  while (next_line(in, line)) {
    ++number;
    if (ended) return refuse("after the end");
    if (line.size() > kMaxLine) return refuse("too long");
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object())
      return refuse(number == 1 ? "not a recording of fakegpu" : "no JSON object");
    if (number == 1) {
      if (const auto header = check_header(json); !header) return refuse(header.error().message());
      continue;
    }
    if (json.value("e", nlohmann::json()) == "end") {
      Members members(json);
      std::string name;
      uint64_t records = 0;
      members.text("e", name);
      if (!members.number("records", records) || !members.number("lost", file.lost) ||
          !members.all_taken())
        return refuse("the end is not one of this version");
      if (records != file.records.size() || file.lost != lost_of(file.records))
        return refuse("records are missing");
      ended = true;
      continue;
    }
    auto record = parse_record(json);
    if (!record) return refuse(record.error().message());
    file.records.push_back(*record);
  }
  ++number;
  if (!ended) return refuse("the recording is cut off");
  return file;
}

std::vector<Record> records_of(std::span<const std::byte> events) {
  std::vector<Record> records;
  drm_event head;
  while (events.size() >= sizeof(head)) {
    std::memcpy(&head, events.data(), sizeof(head));
    if (head.length < sizeof(head) || head.length > events.size()) break;
    if (head.type == DRM_FAKEGPU_EVENT_RECORD && head.length >= sizeof(Record))
      std::memcpy(&records.emplace_back(), events.data(), sizeof(Record));
    events = events.subspan(head.length);
  }
  return records;
}

uint64_t lost_of(std::span<const Record> records) {
  uint64_t lost = 0;
  for (const Record& record : records)
    if (record.kind == DRM_FAKEGPU_RECORD_LOST) lost += record.value[0];
  return lost;
}

}  // namespace fakegpu::sim
