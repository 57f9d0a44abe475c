// SPDX-License-Identifier: MIT
#include "cmdbuf.h"

#include <algorithm>
#include <cstring>

#include "context.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::umd {

namespace {

constexpr uint64_t kChunkBytes = uint64_t{64} * 1024;
constexpr uint32_t kSdmaIbDwords = 8;      // an SDMA IB is a multiple of this
constexpr uint64_t kSdmaIbAlignment = 32;  // bytes

}  // namespace

int CommandMemory::add_chunk(uint64_t size) {
  Chunk chunk = {};
  // As amdgpu's IB pool: in system memory.
  int result =
      Bo::create(device_, std::max(size, kChunkBytes), 0, DRM_FAKEGPU_HEAP_SYSTEM, 0, &chunk.bo);
  if (result != 0) return result;
  void* cpu;
  result = chunk.bo->map(&cpu);
  if (result != 0) return result;
  chunk.cpu = static_cast<std::byte*>(cpu);
  result = chunk.bo->address_in(vm_, &chunk.va);
  if (result != 0) return result;
  chunks_.push_back(std::move(chunk));
  return 0;
}

int CommandMemory::take(uint64_t size, uint64_t alignment, void** cpu, uint64_t* va) {
  for (;; ++current_, used_ = 0) {
    if (current_ == chunks_.size()) {
      const int result = add_chunk(size);
      if (result != 0) return result;
    }
    Chunk& chunk = chunks_[current_];
    const uint64_t at = (used_ + alignment - 1) & ~(alignment - 1);
    if (at > chunk.bo->size() || chunk.bo->size() - at < size) continue;
    used_ = at + size;
    std::memset(chunk.cpu + at, 0, size);
    *cpu = chunk.cpu + at;
    *va = chunk.va + at;
    return 0;
  }
}

void CommandMemory::reset() {
  current_ = 0;
  used_ = 0;
}

}  // namespace fakegpu::umd

using namespace fakegpu::umd;
namespace pm4 = fakegpu::packets::pm4;
namespace sdma = fakegpu::packets::sdma;

int fakegpu_cmdbuf::fail(int result) {
  if (error == 0) error = result;
  return error;
}

int fakegpu_cmdbuf::finish(drm_fakegpu_ib* out) {
  if (error != 0) return error;
  if (finished != words.size()) {
    const size_t padding = sdma ? -words.size() % kSdmaIbDwords : 0;
    const size_t dwords = words.size() + padding;
    if (dwords > device->info().max_ib_dwords) return fail(-E2BIG);
    void* cpu;
    uint64_t va;
    const int result = memory.take(dwords * sizeof(uint32_t), kSdmaIbAlignment, &cpu, &va);
    if (result != 0) return fail(result);
    std::memcpy(cpu, words.data(), words.size() * sizeof(uint32_t));
    if (padding != 0) {
      const std::vector<uint32_t> skipped(padding - 1);
      fakegpu::packets::Words nop;
      ::sdma::Nop{.payload = skipped}.encode(nop);
      std::memcpy(static_cast<uint32_t*>(cpu) + words.size(), nop.data(),
                  nop.size() * sizeof(uint32_t));
    }
    ib.va = va;
    ib.dwords = static_cast<uint32_t>(dwords);
    finished = words.size();
  }
  *out = ib;
  return 0;
}

extern "C" {

int fakegpu_cmdbuf_create(struct fakegpu_context* ctx, uint32_t ring_type,
                          struct fakegpu_cmdbuf** out) {
  if (ring_type > DRM_FAKEGPU_RING_SDMA) return -EINVAL;
  return guarded([&] {
    *out = new fakegpu_cmdbuf(ctx->device, ctx->vm, ring_type == DRM_FAKEGPU_RING_SDMA);
    return 0;
  });
}

void fakegpu_cmdbuf_destroy(struct fakegpu_cmdbuf* cb) {
  delete cb;
}

void fakegpu_cmdbuf_reset(struct fakegpu_cmdbuf* cb) {
  cb->words.clear();
  cb->memory.reset();
  cb->error = 0;
  cb->ib = {};
  cb->finished = 0;
}

int fakegpu_cmdbuf_error(const struct fakegpu_cmdbuf* cb) {
  return cb->error;
}

uint32_t fakegpu_cmdbuf_dwords(const struct fakegpu_cmdbuf* cb) {
  return static_cast<uint32_t>(cb->words.size());
}

int fakegpu_cmdbuf_finish(struct fakegpu_cmdbuf* cb, struct drm_fakegpu_ib* ib) {
  return guarded([&] { return cb->finish(ib); });
}

int fakegpu_cmdbuf_data(struct fakegpu_cmdbuf* cb, uint64_t size_bytes, uint64_t alignment_bytes,
                        void** cpu, uint64_t* va) {
  if (cb->error != 0) return cb->error;
  const uint64_t page = cb->device->info().page_size;
  if (size_bytes == 0 || alignment_bytes == 0 || alignment_bytes > page ||
      (alignment_bytes & (alignment_bytes - 1)) != 0)
    return cb->fail(-EINVAL);
  void* at;
  const int result = guarded([&] { return cb->memory.take(size_bytes, alignment_bytes, &at, va); });
  if (result != 0) return cb->fail(result);
  if (cpu) *cpu = at;
  return 0;
}

int fakegpu_cmd_raw(struct fakegpu_cmdbuf* cb, const uint32_t* dwords, uint32_t count) {
  if (cb->error != 0) return cb->error;
  const int result = guarded([&] {
    cb->words.insert(cb->words.end(), dwords, dwords + count);
    return 0;
  });
  return result == 0 ? 0 : cb->fail(result);
}

int fakegpu_cmd_nop(struct fakegpu_cmdbuf* cb, uint32_t dwords) {
  if (cb->error != 0) return cb->error;
  if (dwords == 0 || dwords > pm4::kMaxNopBodyDwords + 1) return cb->fail(-EINVAL);
  return guarded([&] {
    const std::vector<uint32_t> skipped(dwords - 1);
    return cb->sdma ? append(cb, Engine::kSdma, sdma::Nop{.payload = skipped})
                    : append(cb, Engine::kPm4, pm4::Nop{.payload = skipped});
  });
}

}  // extern "C"
