// SPDX-License-Identifier: MIT
#include "random_packets.h"

#include <rapidcheck.h>

#include "packets/pm4.h"
#include "packets/registers.h"
#include "packets/sdma.h"

namespace fakegpu::packets {

uint64_t Source::any64() {
  return *rc::gen::arbitrary<uint64_t>();
}
uint32_t Source::any32() {
  return *rc::gen::arbitrary<uint32_t>();
}
bool Source::flip() {
  return *rc::gen::arbitrary<bool>();
}
uint64_t Source::in(uint64_t low, uint64_t high) {
  return *rc::gen::inRange<uint64_t>(low, high + 1);
}
uint64_t Source::address(uint64_t alignment) {
  return in(0, kAddressMask / alignment) * alignment;
}
Packet Source::words(size_t low, size_t high) {
  Words words(in(low, high));
  for (uint32_t& word : words) word = any32();
  return storage_.emplace_back(std::move(words));
}

namespace {

Compare random_compare(Source& s) {
  return static_cast<Compare>(s.in(0, 6));
}
pm4::Engine random_engine(Source& s) {
  return s.pick({pm4::Engine::kMe, pm4::Engine::kPfp});
}
pm4::Destination random_destination(Source& s) {
  return s.pick({pm4::Destination::kRegister, pm4::Destination::kMemorySync, pm4::Destination::kL2,
                 pm4::Destination::kMemory});
}

template <typename T>
void fill_atomic(Source& s, T& p) {
  p.op = s.pick({AtomicOp::kSwap32, AtomicOp::kCompareSwap32, AtomicOp::kAdd32, AtomicOp::kSwap64,
                 AtomicOp::kCompareSwap64, AtomicOp::kAdd64});
  const uint64_t mask = is_64bit(p.op) ? ~uint64_t{0} : 0xffffffff;
  p.address = s.address(is_64bit(p.op) ? 8 : 4);
  p.data = s.any64() & mask;
  if (!is_compare_swap(p.op)) return;
  p.compare = s.any64() & mask;
  p.loop = s.flip();
  if (p.loop) p.interval = static_cast<uint16_t>(s.in(0, 0x1fff));
}

void fill(Source& s, pm4::Nop& p) {
  p.payload = s.words(0, 20);
}
void fill(Source& s, pm4::WriteData& p) {
  p.destination = random_destination(s);
  p.one_address = s.flip();
  p.confirm = s.flip();
  p.engine = random_engine(s);
  p.address = is_memory(p.destination) ? s.address(4) : s.in(0, 0x3ffff);
  p.data = s.words(1, 20);
}
void fill(Source& s, pm4::CopyData& p) {
  using From = pm4::CopyData::Source;
  p.source =
      s.pick({From::kRegister, From::kMemory, From::kL2, From::kImmediate, From::kTimestamp});
  p.destination = random_destination(s);
  p.wide = p.source == From::kTimestamp || s.flip();
  p.confirm = s.flip();
  p.engine = random_engine(s);
  const uint64_t alignment = p.wide ? 8 : 4;
  if (p.source == From::kRegister) p.value = s.in(0, 0x3ffff);
  if (p.source == From::kMemory || p.source == From::kL2) p.value = s.address(alignment);
  if (p.source == From::kImmediate) p.value = p.wide ? s.any64() : s.any32();
  p.address = is_memory(p.destination) ? s.address(alignment) : s.in(0, 0x3ffff);
}
void fill(Source& s, pm4::DmaData& p) {
  using From = pm4::DmaData::Source;
  p.source = s.pick({From::kMemory, From::kData, From::kL2});
  p.target = s.pick({pm4::DmaData::Target::kMemory, pm4::DmaData::Target::kL2});
  p.engine = random_engine(s);
  p.sync = s.flip();
  p.raw_wait = s.flip();
  const bool data = p.source == From::kData;
  p.source_address = data ? s.any32() : s.address(1);
  p.address = s.address(data ? 4 : 1);
  p.bytes = static_cast<uint32_t>(data ? s.in(1, pm4::DmaData::kMaxBytes / 4) * 4
                                       : s.in(1, pm4::DmaData::kMaxBytes));
}
void fill(Source& s, pm4::AtomicMem& p) {
  fill_atomic(s, p);
}
void fill(Source& s, pm4::WaitRegMem& p) {
  p.function = random_compare(s);
  p.memory = s.flip();
  p.engine = random_engine(s);
  p.address = p.memory ? s.address(4) : s.in(0, 0x3ffff);
  p.reference = s.any32();
  p.mask = s.any32();
  p.interval = static_cast<uint16_t>(s.in(0, 0xffff));
}
void fill(Source& s, pm4::CondExec& p) {
  p.address = s.address(4);
  p.count = static_cast<uint16_t>(s.in(0, 0x3fff));
}
void fill(Source& s, pm4::IndirectBuffer& p) {
  p.address = s.address(4);
  p.dwords = static_cast<uint32_t>(s.in(1, pm4::IndirectBuffer::kMaxDwords));
  p.vmid = static_cast<uint8_t>(s.in(0, 15));
  p.chain = s.flip();
  p.pre_enb = s.flip();
  p.valid = s.flip();
  p.pre_resume = s.flip();
}
void fill(Source& s, pm4::SetShReg& p) {
  p.values = s.words(1, 8);
  p.offset = static_cast<uint16_t>(s.in(0, sh::kCount - p.values.size()));
}
void fill(Source& s, pm4::DispatchDirect& p) {
  p.x = static_cast<uint32_t>(s.in(0, 256));
  p.y = static_cast<uint32_t>(s.in(0, 256));
  p.z = static_cast<uint32_t>(s.in(0, 256));
  if (s.flip()) p.initiator |= pm4::DispatchDirect::kForceStartAt000;
}
void fill(Source& s, pm4::EventWrite& p) {
  using Type = pm4::EventWrite::Type;
  p.type = s.pick({Type::kCsPartialFlush, Type::kVsPartialFlush, Type::kPsPartialFlush});
}
void fill(Source& s, pm4::ReleaseMem& p) {
  using Data = pm4::ReleaseMem::Data;
  using Interrupt = pm4::ReleaseMem::Interrupt;
  p.event_type = s.pick({pm4::ReleaseMem::kCacheFlushAndInvTs, pm4::ReleaseMem::kBottomOfPipeTs});
  p.cache_actions = static_cast<uint16_t>(s.in(0, 0x7ff));
  p.cache_policy = static_cast<uint8_t>(s.in(0, 3));
  p.execute = s.flip();
  p.destination = static_cast<uint8_t>(s.in(0, 1));
  p.data_select = static_cast<Data>(s.in(0, 3));
  p.interrupt = p.data_select == Data::kNone ? s.pick({Interrupt::kNone, Interrupt::kOnly})
                                             : s.pick({Interrupt::kNone, Interrupt::kAfterWrite});
  p.context_id = s.any32();
  if (p.data_select == Data::kNone) return;
  p.address = s.address(p.data_select == Data::k32 ? 4 : 8);
  if (p.data_select == Data::k32) p.data = s.any32();
  if (p.data_select == Data::k64) p.data = s.any64();
}
void fill(Source& s, pm4::Work& p) {
  p.units = s.any32();
  p.unit_ns = s.any32();
  p.flags = static_cast<uint32_t>(s.in(0, 1));
  p.progress_address = s.address(4);
}
void fill(Source& s, pm4::Hang& p) {
  p.mode = static_cast<pm4::Hang::Mode>(s.in(0, 5));
  if (p.mode == pm4::Hang::Mode::kTimed) p.argument = s.any64();
}
void fill(Source& s, pm4::Fault& p) {
  using Kind = pm4::Fault::Kind;
  p.kind = static_cast<Kind>(s.in(0, 8));
  if (p.kind == Kind::kPageFault) p.argument = s.address(1);
  if (p.kind == Kind::kBadOpcode) p.argument = s.in(0, 0xff);
  if (p.kind == Kind::kDelayFence) p.argument = s.any64();
}
void fill(Source& s, pm4::Mark& p) {
  p.id = s.any32();
}
void fill(Source& s, pm4::Hash& p) {
  p.address = s.address(1);
  p.bytes = s.any32();
  p.destination = s.address(8);
}

void fill(Source& s, sdma::Nop& p) {
  p.payload = s.words(0, 20);
}
void fill(Source& s, sdma::CopyLinear& p) {
  p.source = s.address(1);
  p.destination = s.address(1);
  p.bytes = static_cast<uint32_t>(s.in(1, sdma::CopyLinear::kMaxBytes));
}
void fill(Source& s, sdma::WriteLinear& p) {
  p.destination = s.address(4);
  p.data = s.words(1, 20);
}
void fill(Source& s, sdma::Indirect& p) {
  p.vmid = static_cast<uint8_t>(s.in(0, 15));
  p.address = s.address(32);
  p.dwords = static_cast<uint32_t>(s.in(1, sdma::Indirect::kMaxDwords));
  p.save_area = s.address(4);
}
void fill(Source& s, sdma::Fence& p) {
  p.address = s.address(4);
  p.data = s.any32();
}
void fill(Source& s, sdma::Trap& p) {
  p.context_id = static_cast<uint32_t>(s.in(0, 0xfffffff));
}
void fill(Source& s, sdma::PollRegMem& p) {
  p.function = random_compare(s);
  p.memory = s.flip();
  p.address = p.memory ? s.address(4) : s.in(0, 0x3ffff);
  p.reference = s.any32();
  p.mask = s.any32();
  p.interval = static_cast<uint16_t>(s.in(0, 0xffff));
  p.retries = static_cast<uint16_t>(s.in(0, 0xfff));
}
void fill(Source& s, sdma::CondExec& p) {
  p.address = s.address(4);
  p.reference = s.any32();
  p.count = static_cast<uint16_t>(s.in(0, 0x3fff));
}
void fill(Source& s, sdma::AtomicMem& p) {
  fill_atomic(s, p);
}
void fill(Source& s, sdma::ConstFill& p) {
  p.destination = s.address(4);
  p.data = s.any32();
  p.bytes = static_cast<uint32_t>(s.in(1, sdma::ConstFill::kMaxBytes / 4) * 4);
}
void fill(Source& s, sdma::Timestamp& p) {
  p.address = s.address(8);
}
void fill(Source& s, sdma::SrbmWrite& p) {
  p.reg = static_cast<uint32_t>(s.in(0, 0x3ffff));
  p.data = s.any32();
}
void fill(Source& s, sdma::Work& p) {
  p.units = s.any32();
  p.unit_ns = s.any32();
  p.progress_address = s.address(4);
}

template <typename T>
constexpr PacketType type(std::string_view title) {
  return {title,
          T::kName,
          T::kOpcode,
          [](Source& source) {
            T packet;
            fill(source, packet);
            Words words;
            packet.encode(words);
            const std::optional<T> parsed = T::parse(words);
            return Encoded{std::move(words), parsed.has_value() && *parsed == packet};
          },
          [](Packet packet) -> std::optional<Words> {
            const std::optional<T> parsed = T::parse(packet);
            if (!parsed) return std::nullopt;
            Words words;
            parsed->encode(words);
            return words;
          },
          [](Packet a, Packet b) { return T::parse(a) == T::parse(b); }};
}

constexpr PacketType kPm4[] = {
    type<pm4::Nop>("Nop"),
    type<pm4::WriteData>("WriteData"),
    type<pm4::CopyData>("CopyData"),
    type<pm4::DmaData>("DmaData"),
    type<pm4::AtomicMem>("AtomicMem"),
    type<pm4::WaitRegMem>("WaitRegMem"),
    type<pm4::CondExec>("CondExec"),
    type<pm4::IndirectBuffer>("IndirectBuffer"),
    type<pm4::SetShReg>("SetShReg"),
    type<pm4::DispatchDirect>("DispatchDirect"),
    type<pm4::EventWrite>("EventWrite"),
    type<pm4::ReleaseMem>("ReleaseMem"),
    type<pm4::Work>("Work"),
    type<pm4::Hang>("Hang"),
    type<pm4::Fault>("Fault"),
    type<pm4::Mark>("Mark"),
    type<pm4::Hash>("Hash"),
};
constexpr PacketType kSdma[] = {
    type<sdma::Nop>("Nop"),
    type<sdma::CopyLinear>("CopyLinear"),
    type<sdma::WriteLinear>("WriteLinear"),
    type<sdma::Indirect>("Indirect"),
    type<sdma::Fence>("Fence"),
    type<sdma::Trap>("Trap"),
    type<sdma::PollRegMem>("PollRegMem"),
    type<sdma::CondExec>("CondExec"),
    type<sdma::AtomicMem>("AtomicMem"),
    type<sdma::ConstFill>("ConstFill"),
    type<sdma::Timestamp>("Timestamp"),
    type<sdma::SrbmWrite>("SrbmWrite"),
    type<sdma::Work>("Work"),
};

}  // namespace

std::span<const PacketType> pm4_types() {
  return kPm4;
}
std::span<const PacketType> sdma_types() {
  return kSdma;
}

}  // namespace fakegpu::packets
