// SPDX-License-Identifier: MIT
// A command buffer: packets collected in the CPU's memory, copied to GPU memory when they are
// submitted, so growing is free and nothing that may be running is ever written.
#pragma once

#include <memory>
#include <vector>

#include <fakegpu/cmdbuf.h>

#include "bo.h"
#include "device.h"
#include "packets/stream.h"
#include "vm.h"

namespace fakegpu::umd {

// GPU memory handed out piece by piece and taken back all at once.
class CommandMemory {
 public:
  CommandMemory(Device& device, std::shared_ptr<Vm> vm) : device_(device), vm_(std::move(vm)) {}

  // Zeroed; alignment up to a page.
  int take(uint64_t size, uint64_t alignment, void** cpu, uint64_t* va);
  void reset();

 private:
  struct Chunk {
    std::shared_ptr<Bo> bo;
    std::byte* cpu;
    uint64_t va;
  };
  int add_chunk(uint64_t size);

  Device& device_;
  std::shared_ptr<Vm> vm_;
  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // the chunk in use; those before are full
  uint64_t used_ = 0;   // bytes of it
};

}  // namespace fakegpu::umd

struct fakegpu_cmdbuf {
  fakegpu_cmdbuf(std::shared_ptr<fakegpu::umd::Device> d, std::shared_ptr<fakegpu::umd::Vm> v,
                 bool is_sdma)
      : device(std::move(d)), vm(std::move(v)), sdma(is_sdma), memory(*device, vm) {}

  // Latches the first error; returns the one that counts for this call.
  int fail(int result);
  int finish(drm_fakegpu_ib* out);

  // The memory goes before the address space, and that before the device.
  std::shared_ptr<fakegpu::umd::Device> device;
  std::shared_ptr<fakegpu::umd::Vm> vm;
  const bool sdma;
  fakegpu::umd::CommandMemory memory;
  fakegpu::packets::Words words;
  int error = 0;
  drm_fakegpu_ib ib = {};
  size_t finished = 0;  // dwords that `ib` holds
};

namespace fakegpu::umd {

enum class Engine { kPm4, kSdma };

// A packet's enum from what the C caller gave; a value wider than the enum must not wrap into a
// good one.
template <typename E>
E to_enum(uint32_t value) {
  return static_cast<E>(value > 0xff ? 0xff : value);
}

// Adds one packet if the command processor would take it, which its own parser decides: encode()
// cuts a field that is out of range, so the packet must also come back as it went in. `flags`
// beyond `known` are refused.
template <typename P>
int append(fakegpu_cmdbuf* cb, Engine engine, uint32_t flags, uint32_t known, const P& packet) {
  if (cb->error != 0) return cb->error;
  if (cb->sdma != (engine == Engine::kSdma) || (flags & ~known) != 0) return cb->fail(-EINVAL);
  const size_t start = cb->words.size();
  const int result = guarded([&] {
    packet.encode(cb->words);
    const auto parsed = P::parse(packets::Packet(cb->words).subspan(start));
    return parsed && *parsed == packet ? 0 : -EINVAL;
  });
  if (result == 0) return 0;
  cb->words.resize(start);
  return cb->fail(result);
}

template <typename P>
int append(fakegpu_cmdbuf* cb, Engine engine, const P& packet) {
  return append(cb, engine, 0, 0, packet);
}

}  // namespace fakegpu::umd
