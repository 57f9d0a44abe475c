// SPDX-License-Identifier: MIT
// A core dump as text and as JSON.
#include <algorithm>

#include "core_dump.h"
#include "packets/describe.h"
#include "printable.h"
#include "ring.h"

namespace fakegpu::drv {

namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
      // Names are the clients': what is not ASCII is shown byte by byte.
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

CoreDump::Section CoreDump::ring_section(const RingState& ring) const {
  Section section{"Ring buffer information",
                  {{"ring name", ring.name},
                   {"Rptr", fmt::format("{:#x}", ring.rptr)},
                   {"Wptr", fmt::format("{:#x}", ring.wptr)},
                   {"Ring size in dwords", fmt::format("{}", Ring::kDwords)},
                   {"Last signaled fence", fmt::format("{}", ring.completed)},
                   {"Last emitted", fmt::format("{}", ring.emitted)}},
                  {}};
  for (const auto& [name, value] : ring.registers)
    section.fields.emplace_back(name, fmt::format("{:#010x}", value));
  for (const std::string& job : ring.jobs) section.lines.push_back("in flight: " + job);
  // What the ring has held since it was last reset; amdgpu dumps all of it.
  const size_t used = std::min<uint64_t>(ring.wptr, ring.contents.size());
  if (used > 0) section.lines.emplace_back("Offset \t Value");
  for (size_t at = 0; at < used; ++at)
    section.lines.push_back(fmt::format("{:#x} \t {:#010x}", at * 4, ring.contents[at]));
  return section;
}

std::vector<CoreDump::Section> CoreDump::sections() const {
  std::vector<Section> all = {header_, chip_, memory_, hang_};
  if (!page_fault_.title.empty()) all.push_back(page_fault_);
  for (const Ib& ib : ibs_) {
    Section section{
        "IB",
        {{"va", fmt::format("{:#x}", ib.where.va)}, {"dwords", fmt::format("{}", ib.where.dwords)}},
        {}};
    section.lines =
        lines_of(sdma_ ? packets::describe_sdma(ib.dwords) : packets::describe_pm4(ib.dwords));
    all.push_back(std::move(section));
  }
  for (const RingState& ring : rings_) all.push_back(ring_section(ring));
  base::MutexLock lock(mutex_);
  if (!outcome_.empty()) all.push_back({"Recovery", {{"ended by", outcome_}}, {}});
  return all;
}

std::string CoreDump::text() const {
  std::string out;
  for (const Section& section : sections()) {
    out += section.title + '\n';
    for (const auto& [key, value] : section.fields) out += key + ": " + printable(value) + '\n';
    for (const std::string& line : section.lines) out += printable(line) + '\n';
    out += '\n';
  }
  return out;
}

std::string CoreDump::json() const {
  std::string out = "{\"sections\":[";
  bool first = true;
  for (const Section& section : sections()) {
    out += std::exchange(first, false) ? "{\"title\":" : ",{\"title\":";
    append_quoted(out, section.title);
    out += ",\"fields\":{";
    bool first_field = true;
    for (const auto& [key, value] : section.fields) {
      if (!std::exchange(first_field, false)) out += ',';
      append_quoted(out, key);
      out += ':';
      append_quoted(out, value);
    }
    out += "},\"lines\":[";
    bool first_line = true;
    for (const std::string& line : section.lines) {
      if (!std::exchange(first_line, false)) out += ',';
      append_quoted(out, line);
    }
    out += "]}";
  }
  return out + "]}\n";
}

}  // namespace fakegpu::drv
