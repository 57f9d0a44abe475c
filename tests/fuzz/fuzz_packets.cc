// SPDX-License-Identifier: MIT
// Hostile command streams: dwords and half-right packets on every kind of ring. Whatever they do,
// the device must stay whole: the next client's job runs, and nothing is left when all files are
// closed.
#include <cstdlib>

#include "fuzz_input.h"
#include "packets/describe.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kSdma = 5;

void require(bool condition) {
  if (!condition) std::abort();
}

// A packet with a plausible header, so that the fuzzer gets past the first check.
void put_packet(FuzzInput& input, packets::Words& out, uint64_t va, bool sdma) {
  static constexpr uint8_t kPm4[] = {0x10, 0x15, 0x1e, 0x22, 0x37, 0x3c, 0x3f, 0x40, 0x46,
                                     0x49, 0x50, 0x76, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4};
  static constexpr uint8_t kSdmaOps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xe0};
  const uint32_t body = 1 + input.pick(9);
  if (sdma) {
    out.push_back(kSdmaOps[input.pick(sizeof(kSdmaOps))] |
                  (input.take<uint32_t>() & 0xffff0000 & -input.pick(2)));
  } else {
    out.push_back(3u << 30 | (body - 1) << 16 | kPm4[input.pick(sizeof(kPm4))] << 8);
  }
  for (uint32_t i = 0; i < body; ++i) {
    switch (input.pick(4)) {
      case 0:
        out.push_back(static_cast<uint32_t>(va) + 4 * input.pick(64));
        break;
      case 1:
        out.push_back(0);
        break;
      default:
        out.push_back(static_cast<uint32_t>(input.number()));
        break;
    }
  }
}

}  // namespace

void fuzz_one(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  drv::Options options;
  constexpr base::Nanos kTimeout = 50 * base::kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  VirtualMachine machine(input.take<uint8_t>(), options);
  const auto before = machine.machine().census();
  {
    Client client(machine);
    auto target = client.buffer();
    const uint32_t ring = input.pick(7);
    const bool sdma = ring >= kSdma;
    for (int jobs = 1 + static_cast<int>(input.pick(3)); jobs > 0; --jobs) {
      packets::Words words;
      for (uint32_t i = 1 + input.pick(12); i > 0; --i) {
        if (input.pick(4) == 0) {
          words.push_back(input.take<uint32_t>());
        } else {
          put_packet(input, words, target.va, sdma);
        }
      }
      sdma ? packets::describe_sdma(words) : packets::describe_pm4(words);
      client.submit({.context = client.context(), .ring = ring, .ibs = {client.ib(words, sdma)}});
    }
    // Longer than every timeout, shorter than the longest honest packet: then the file is closed.
    machine.executor().run_for(base::kNanosPerSecond);

    Client next(machine);
    const uint32_t done = next.syncobj();
    if (next.submit({.context = next.context(), .ring = ring, .ibs = {}, .out = {{done, 0, 0}}}) ==
        0) {
      machine.executor().run_for(base::kNanosPerSecond);
      require(next.poll_syncobj(done) == 0);
    }
  }
  machine.executor().run_for(base::kNanosPerSecond);
  const auto after = machine.machine().census();
  require(after.files == 0 && after.jobs == 0 && after.syncobjs == 0 && after.contexts == 0);
  require(after.heap_bytes[0] == before.heap_bytes[0]);
  require(after.heap_bytes[1] == before.heap_bytes[1]);
}

}  // namespace fakegpu::tests
