// SPDX-License-Identifier: MIT
#include "packets/sdma_edu.h"

#include "fields.h"
#include "sdma_header.h"

namespace fakegpu::packets::sdma {

void Work::encode(Words& out) const {
  out.insert(out.end(),
             {header_of(kOpcode), units, unit_ns, low(progress_address), high(progress_address)});
}

std::optional<Work> Work::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0, 5)) return std::nullopt;
  const Work work{
      .units = packet[1], .unit_ns = packet[2], .progress_address = join(packet[3], packet[4])};
  if (!good_address(work.progress_address, 4)) return std::nullopt;
  return work;
}

std::string Work::describe() const {
  Line line(kName);
  line.dec("units", units).dec("unit_ns", unit_ns);
  if (progress_address != 0) line.hex("progress", progress_address);
  return line.take();
}

}  // namespace fakegpu::packets::sdma
