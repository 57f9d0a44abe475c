// SPDX-License-Identifier: MIT
// One C function per packet of the gfx and compute rings.
#include <fakegpu/pm4.h>

#include "cmdbuf.h"
#include "packets/pm4.h"

using namespace fakegpu::umd;
namespace packets = fakegpu::packets;
namespace pm4 = fakegpu::packets::pm4;

static_assert(FAKEGPU_COMPARE_GREATER == static_cast<int>(packets::Compare::kGreater) &&
              FAKEGPU_COMPARE_EQUAL == static_cast<int>(packets::Compare::kEqual));
static_assert(FAKEGPU_ATOMIC_ADD64 == static_cast<int>(packets::AtomicOp::kAdd64) &&
              FAKEGPU_ATOMIC_COMPARE_SWAP32 == static_cast<int>(packets::AtomicOp::kCompareSwap32));
static_assert(FAKEGPU_DST_MEMORY == static_cast<int>(pm4::Destination::kMemory) &&
              FAKEGPU_DST_L2 == static_cast<int>(pm4::Destination::kL2));
static_assert(FAKEGPU_SRC_TIMESTAMP == static_cast<int>(pm4::CopyData::Source::kTimestamp) &&
              FAKEGPU_SRC_IMMEDIATE == static_cast<int>(pm4::CopyData::Source::kImmediate));
static_assert(FAKEGPU_EVENT_PS_PARTIAL_FLUSH ==
              static_cast<int>(pm4::EventWrite::Type::kPsPartialFlush));
static_assert(FAKEGPU_RELEASE_TIMESTAMP == static_cast<int>(pm4::ReleaseMem::Data::kTimestamp) &&
              FAKEGPU_INTERRUPT_AFTER_WRITE ==
                  static_cast<int>(pm4::ReleaseMem::Interrupt::kAfterWrite));
static_assert(FAKEGPU_HANG_TIMED == static_cast<int>(pm4::Hang::Mode::kTimed) &&
              FAKEGPU_FAULT_CORRUPT_SAVE_AREA ==
                  static_cast<int>(pm4::Fault::Kind::kCorruptSaveArea) &&
              FAKEGPU_WORK_PREEMPT_AT_UNIT == pm4::Work::kPreemptAtUnit);

namespace {

pm4::Engine engine_of(uint32_t flags) {
  return flags & FAKEGPU_CMD_PFP ? pm4::Engine::kPfp : pm4::Engine::kMe;
}

}  // namespace

extern "C" {

int fakegpu_cmd_write_data(struct fakegpu_cmdbuf* cb, uint32_t dst, uint32_t flags,
                           uint64_t address, const uint32_t* data, uint32_t count) {
  // Before encode(), which would write a header that cannot hold the count.
  if (cb->error == 0 && (count == 0 || count > pm4::WriteData::kMaxData)) return cb->fail(-EINVAL);
  return append(cb, Engine::kPm4, flags,
                FAKEGPU_CMD_CONFIRM | FAKEGPU_CMD_ONE_ADDRESS | FAKEGPU_CMD_PFP,
                pm4::WriteData{.destination = to_enum<pm4::Destination>(dst),
                               .one_address = (flags & FAKEGPU_CMD_ONE_ADDRESS) != 0,
                               .confirm = (flags & FAKEGPU_CMD_CONFIRM) != 0,
                               .engine = engine_of(flags),
                               .address = address,
                               .data = {data, count}});
}

int fakegpu_cmd_copy_data(struct fakegpu_cmdbuf* cb, uint32_t src, uint64_t value, uint32_t dst,
                          uint64_t address, uint32_t flags) {
  return append(cb, Engine::kPm4, flags, FAKEGPU_CMD_WIDE | FAKEGPU_CMD_CONFIRM | FAKEGPU_CMD_PFP,
                pm4::CopyData{.source = to_enum<pm4::CopyData::Source>(src),
                              .destination = to_enum<pm4::Destination>(dst),
                              .wide = (flags & FAKEGPU_CMD_WIDE) != 0,
                              .confirm = (flags & FAKEGPU_CMD_CONFIRM) != 0,
                              .engine = engine_of(flags),
                              .value = value,
                              .address = address});
}

int fakegpu_cmd_dma_data(struct fakegpu_cmdbuf* cb, uint64_t dst_va, uint64_t src,
                         uint32_t size_bytes, uint32_t flags) {
  using Source = pm4::DmaData::Source;
  return append(cb, Engine::kPm4, flags,
                FAKEGPU_CMD_FILL | FAKEGPU_CMD_SYNC | FAKEGPU_CMD_RAW_WAIT | FAKEGPU_CMD_PFP,
                pm4::DmaData{.source = flags & FAKEGPU_CMD_FILL ? Source::kData : Source::kMemory,
                             .engine = engine_of(flags),
                             .sync = (flags & FAKEGPU_CMD_SYNC) != 0,
                             .raw_wait = (flags & FAKEGPU_CMD_RAW_WAIT) != 0,
                             .source_address = src,
                             .address = dst_va,
                             .bytes = size_bytes});
}

int fakegpu_cmd_wait_reg_mem(struct fakegpu_cmdbuf* cb, uint32_t function, uint32_t flags,
                             uint64_t address, uint32_t reference, uint32_t mask,
                             uint16_t interval) {
  return append(cb, Engine::kPm4, flags, FAKEGPU_CMD_REGISTER | FAKEGPU_CMD_PFP,
                pm4::WaitRegMem{.function = to_enum<packets::Compare>(function),
                                .memory = (flags & FAKEGPU_CMD_REGISTER) == 0,
                                .engine = engine_of(flags),
                                .address = address,
                                .reference = reference,
                                .mask = mask,
                                .interval = interval});
}

int fakegpu_cmd_atomic_mem(struct fakegpu_cmdbuf* cb, uint32_t op, uint32_t flags, uint64_t va,
                           uint64_t data, uint64_t compare, uint16_t interval) {
  return append(cb, Engine::kPm4, flags, FAKEGPU_CMD_LOOP,
                pm4::AtomicMem{.op = to_enum<packets::AtomicOp>(op),
                               .loop = (flags & FAKEGPU_CMD_LOOP) != 0,
                               .address = va,
                               .data = data,
                               .compare = compare,
                               .interval = interval});
}

int fakegpu_cmd_cond_exec(struct fakegpu_cmdbuf* cb, uint64_t va, uint16_t dwords) {
  return append(cb, Engine::kPm4, pm4::CondExec{.address = va, .count = dwords});
}

int fakegpu_cmd_indirect_buffer(struct fakegpu_cmdbuf* cb, uint64_t va, uint32_t dwords,
                                uint32_t flags) {
  return append(cb, Engine::kPm4, flags, FAKEGPU_CMD_CHAIN | FAKEGPU_CMD_PREEMPT,
                pm4::IndirectBuffer{.address = va,
                                    .dwords = dwords,
                                    .chain = (flags & FAKEGPU_CMD_CHAIN) != 0,
                                    .pre_enb = (flags & FAKEGPU_CMD_PREEMPT) != 0});
}

int fakegpu_cmd_set_sh_reg(struct fakegpu_cmdbuf* cb, uint16_t offset, const uint32_t* values,
                           uint32_t count) {
  if (cb->error == 0 && (count == 0 || count >= pm4::kMaxBodyDwords)) return cb->fail(-EINVAL);
  return append(cb, Engine::kPm4, pm4::SetShReg{.offset = offset, .values = {values, count}});
}

int fakegpu_cmd_dispatch_direct(struct fakegpu_cmdbuf* cb, uint32_t x, uint32_t y, uint32_t z,
                                uint32_t initiator) {
  return append(cb, Engine::kPm4,
                pm4::DispatchDirect{.x = x, .y = y, .z = z, .initiator = initiator});
}

int fakegpu_cmd_event_write(struct fakegpu_cmdbuf* cb, uint32_t event) {
  return append(cb, Engine::kPm4, pm4::EventWrite{.type = to_enum<pm4::EventWrite::Type>(event)});
}

int fakegpu_cmd_release_mem(struct fakegpu_cmdbuf* cb, uint32_t select, uint32_t interrupt,
                            uint64_t va, uint64_t data, uint32_t context_id) {
  return append(cb, Engine::kPm4,
                pm4::ReleaseMem{.data_select = to_enum<pm4::ReleaseMem::Data>(select),
                                .interrupt = to_enum<pm4::ReleaseMem::Interrupt>(interrupt),
                                .address = va,
                                .data = data,
                                .context_id = context_id});
}

int fakegpu_cmd_work(struct fakegpu_cmdbuf* cb, uint32_t units, uint32_t unit_ns, uint32_t flags,
                     uint64_t progress_va) {
  return append(
      cb, Engine::kPm4,
      pm4::Work{
          .units = units, .unit_ns = unit_ns, .flags = flags, .progress_address = progress_va});
}

int fakegpu_cmd_hang(struct fakegpu_cmdbuf* cb, uint32_t mode, uint64_t argument) {
  return append(cb, Engine::kPm4,
                pm4::Hang{.mode = to_enum<pm4::Hang::Mode>(mode), .argument = argument});
}

int fakegpu_cmd_fault(struct fakegpu_cmdbuf* cb, uint32_t kind, uint64_t argument) {
  return append(cb, Engine::kPm4,
                pm4::Fault{.kind = to_enum<pm4::Fault::Kind>(kind), .argument = argument});
}

int fakegpu_cmd_mark(struct fakegpu_cmdbuf* cb, uint32_t id) {
  return append(cb, Engine::kPm4, pm4::Mark{.id = id});
}

int fakegpu_cmd_hash(struct fakegpu_cmdbuf* cb, uint64_t va, uint32_t size_bytes, uint64_t dst_va) {
  return append(cb, Engine::kPm4,
                pm4::Hash{.address = va, .bytes = size_bytes, .destination = dst_va});
}

}  // extern "C"
