// SPDX-License-Identifier: MIT
#include "packets/pm4_event.h"

#include "fields.h"
#include "pm4_header.h"

namespace fakegpu::packets::pm4 {
namespace {

std::string_view event_name(EventWrite::Type type) {
  switch (type) {
    case EventWrite::Type::kCsPartialFlush:
      return "CS_PARTIAL_FLUSH";
    case EventWrite::Type::kVsPartialFlush:
      return "VS_PARTIAL_FLUSH";
    case EventWrite::Type::kPsPartialFlush:
      return "PS_PARTIAL_FLUSH";
  }
  return {};
}

bool good_release(const ReleaseMem& release) {
  if (release.event_type != ReleaseMem::kCacheFlushAndInvTs &&
      release.event_type != ReleaseMem::kBottomOfPipeTs)
    return false;
  if (release.interrupt > ReleaseMem::Interrupt::kAfterWrite || release.destination > 1)
    return false;
  const bool writes = release.data_select != ReleaseMem::Data::kNone;
  if (release.interrupt == ReleaseMem::Interrupt::kOnly && writes) return false;
  if (release.interrupt == ReleaseMem::Interrupt::kAfterWrite && !writes) return false;
  switch (release.data_select) {
    case ReleaseMem::Data::kNone:
      return release.address == 0 && release.data == 0;
    case ReleaseMem::Data::k32:
      return good_address(release.address, 4) && high(release.data) == 0;
    case ReleaseMem::Data::k64:
      return good_address(release.address, 8);
    case ReleaseMem::Data::kTimestamp:
      return good_address(release.address, 8) && release.data == 0;
  }
  return false;
}

}  // namespace

void EventWrite::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 1), place(static_cast<uint32_t>(type), 0, 6) | uint32_t{kIndex} << 8});
}

std::optional<EventWrite> EventWrite::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 1)) return std::nullopt;
  const EventWrite event{.type = static_cast<Type>(bits(packet[1], 0, 6))};
  if ((packet[1] & ~0x3fu) != uint32_t{kIndex} << 8 || event_name(event.type).empty())
    return std::nullopt;
  return event;
}

std::string EventWrite::describe() const {
  return Line(kName).text("event", event_name(type)).take();
}

void ReleaseMem::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 7),
              place(event_type, 0, 6) | uint32_t{kIndex} << 8 | place(cache_actions, 12, 11) |
                  place(cache_policy, 25, 2) | uint32_t{execute} << 28,
              place(destination, 16, 2) | place(static_cast<uint32_t>(interrupt), 24, 3) |
                  place(static_cast<uint32_t>(data_select), 29, 3),
              low(address), high(address), low(data), high(data), context_id});
}

std::optional<ReleaseMem> ReleaseMem::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 7)) return std::nullopt;
  const uint32_t event = packet[1];
  const uint32_t select = packet[2];
  if ((event & ~0x167fff3fu) != 0 || bits(event, 8, 4) != kIndex || (select & ~0xe7030000u) != 0)
    return std::nullopt;
  const ReleaseMem release{.event_type = static_cast<uint8_t>(bits(event, 0, 6)),
                           .cache_actions = static_cast<uint16_t>(bits(event, 12, 11)),
                           .cache_policy = static_cast<uint8_t>(bits(event, 25, 2)),
                           .execute = bits(event, 28, 1) != 0,
                           .destination = static_cast<uint8_t>(bits(select, 16, 2)),
                           .data_select = static_cast<Data>(bits(select, 29, 3)),
                           .interrupt = static_cast<Interrupt>(bits(select, 24, 3)),
                           .address = join(packet[3], packet[4]),
                           .data = join(packet[5], packet[6]),
                           .context_id = packet[7]};
  if (!good_release(release)) return std::nullopt;
  return release;
}

std::string ReleaseMem::describe() const {
  constexpr std::string_view kData[] = {"none", "32", "64", "timestamp"};
  constexpr std::string_view kInterrupt[] = {"none", "only", "after_write"};
  Line line(kName);
  line.text("event",
            event_type == kBottomOfPipeTs ? "BOTTOM_OF_PIPE_TS" : "CACHE_FLUSH_AND_INV_TS_EVENT");
  if (cache_actions != 0) line.hex("gcr", cache_actions);
  if (cache_policy != 0) line.dec("cache_policy", cache_policy);
  line.flag("exec", execute).flag("l2", destination == 1);
  line.text("data_sel", kData[static_cast<size_t>(data_select) & 3]);
  line.text("int_sel",
            interrupt > Interrupt::kAfterWrite ? "?" : kInterrupt[static_cast<size_t>(interrupt)]);
  if (data_select != Data::kNone) line.hex("addr", address);
  if (data_select == Data::k32 || data_select == Data::k64) line.hex("data", data);
  return line.hex("ctx_id", context_id).take();
}

}  // namespace fakegpu::packets::pm4
