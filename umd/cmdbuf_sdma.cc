// SPDX-License-Identifier: MIT
// One C function per packet of the SDMA rings.
#include <fakegpu/sdma.h>

#include "cmdbuf.h"
#include "packets/sdma.h"

using namespace fakegpu::umd;
namespace packets = fakegpu::packets;
namespace sdma = fakegpu::packets::sdma;

static_assert(FAKEGPU_RETRY_FOREVER == sdma::PollRegMem::kRetryForever);

extern "C" {

int fakegpu_sdma_copy_linear(struct fakegpu_cmdbuf* cb, uint64_t dst_va, uint64_t src_va,
                             uint32_t size_bytes) {
  return append(cb, Engine::kSdma,
                sdma::CopyLinear{.source = src_va, .destination = dst_va, .bytes = size_bytes});
}

int fakegpu_sdma_write_linear(struct fakegpu_cmdbuf* cb, uint64_t dst_va, const uint32_t* data,
                              uint32_t count) {
  if (cb->error == 0 && (count == 0 || count > sdma::WriteLinear::kMaxData))
    return cb->fail(-EINVAL);
  return append(cb, Engine::kSdma, sdma::WriteLinear{.destination = dst_va, .data = {data, count}});
}

int fakegpu_sdma_const_fill(struct fakegpu_cmdbuf* cb, uint64_t dst_va, uint32_t value,
                            uint32_t size_bytes) {
  return append(cb, Engine::kSdma,
                sdma::ConstFill{.destination = dst_va, .data = value, .bytes = size_bytes});
}

int fakegpu_sdma_indirect(struct fakegpu_cmdbuf* cb, uint64_t va, uint32_t dwords,
                          uint64_t save_area_va) {
  return append(cb, Engine::kSdma,
                sdma::Indirect{.address = va, .dwords = dwords, .save_area = save_area_va});
}

int fakegpu_sdma_fence(struct fakegpu_cmdbuf* cb, uint64_t va, uint32_t data) {
  return append(cb, Engine::kSdma, sdma::Fence{.address = va, .data = data});
}

int fakegpu_sdma_trap(struct fakegpu_cmdbuf* cb, uint32_t context_id) {
  return append(cb, Engine::kSdma, sdma::Trap{.context_id = context_id});
}

int fakegpu_sdma_poll_regmem(struct fakegpu_cmdbuf* cb, uint32_t function, uint32_t flags,
                             uint64_t address, uint32_t reference, uint32_t mask, uint16_t interval,
                             uint16_t retries) {
  return append(cb, Engine::kSdma, flags, FAKEGPU_CMD_REGISTER,
                sdma::PollRegMem{.function = to_enum<packets::Compare>(function),
                                 .memory = (flags & FAKEGPU_CMD_REGISTER) == 0,
                                 .address = address,
                                 .reference = reference,
                                 .mask = mask,
                                 .interval = interval,
                                 .retries = retries});
}

int fakegpu_sdma_cond_exec(struct fakegpu_cmdbuf* cb, uint64_t va, uint32_t reference,
                           uint16_t dwords) {
  return append(cb, Engine::kSdma,
                sdma::CondExec{.address = va, .reference = reference, .count = dwords});
}

int fakegpu_sdma_atomic(struct fakegpu_cmdbuf* cb, uint32_t op, uint32_t flags, uint64_t va,
                        uint64_t data, uint64_t compare, uint16_t interval) {
  return append(cb, Engine::kSdma, flags, FAKEGPU_CMD_LOOP,
                sdma::AtomicMem{.op = to_enum<packets::AtomicOp>(op),
                                .loop = (flags & FAKEGPU_CMD_LOOP) != 0,
                                .address = va,
                                .data = data,
                                .compare = compare,
                                .interval = interval});
}

int fakegpu_sdma_timestamp(struct fakegpu_cmdbuf* cb, uint64_t va) {
  return append(cb, Engine::kSdma, sdma::Timestamp{.address = va});
}

int fakegpu_sdma_srbm_write(struct fakegpu_cmdbuf* cb, uint32_t reg, uint32_t data) {
  return append(cb, Engine::kSdma, sdma::SrbmWrite{.reg = reg, .data = data});
}

int fakegpu_sdma_work(struct fakegpu_cmdbuf* cb, uint32_t units, uint32_t unit_ns,
                      uint64_t progress_va) {
  return append(cb, Engine::kSdma,
                sdma::Work{.units = units, .unit_ns = unit_ns, .progress_address = progress_va});
}

}  // extern "C"
