// SPDX-License-Identifier: MIT
// Every packet: what the C function adds is what the packets module parses back.
#include <gtest/gtest.h>

#include <functional>

#include "cmdbuf.h"
#include "fake_transport.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::umd {
namespace {

namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;

class Builder : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(fakegpu_context_create(device_.dev, nullptr, 0, &ctx_), 0);
    ASSERT_EQ(fakegpu_cmdbuf_create(ctx_, DRM_FAKEGPU_RING_COMPUTE, &gfx_), 0);
    ASSERT_EQ(fakegpu_cmdbuf_create(ctx_, DRM_FAKEGPU_RING_SDMA, &sdma_), 0);
  }
  void TearDown() override {
    fakegpu_cmdbuf_destroy(gfx_);
    fakegpu_cmdbuf_destroy(sdma_);
    fakegpu_context_destroy(ctx_);
  }

  // The one packet that the command buffer has.
  template <typename P>
  static P only(fakegpu_cmdbuf* cb) {
    const auto parsed = P::parse(cb->words);
    EXPECT_TRUE(parsed) << P::kName << " of " << cb->words.size() << " dwords";
    return parsed.value_or(P{});
  }

  test::FakeDevice device_;
  fakegpu_context* ctx_ = nullptr;
  fakegpu_cmdbuf* gfx_ = nullptr;
  fakegpu_cmdbuf* sdma_ = nullptr;
};

constexpr uint64_t kVa = 0x123456789ab8;
constexpr uint32_t kWords[] = {1, 2, 3};

TEST_F(Builder, Nop) {
  ASSERT_EQ(fakegpu_cmd_nop(gfx_, 1), 0);
  EXPECT_EQ(only<pm4::Nop>(gfx_).payload.size(), 0u);
  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_nop(gfx_, 0x4000), 0);
  EXPECT_EQ(only<pm4::Nop>(gfx_).payload.size(), 0x3fffu);
  ASSERT_EQ(fakegpu_cmd_nop(sdma_, 5), 0);
  EXPECT_EQ(only<sdma::Nop>(sdma_).payload.size(), 4u);
}

TEST_F(Builder, WriteData) {
  ASSERT_EQ(fakegpu_cmd_write_data(gfx_, FAKEGPU_DST_MEMORY,
                                   FAKEGPU_CMD_CONFIRM | FAKEGPU_CMD_ONE_ADDRESS | FAKEGPU_CMD_PFP,
                                   kVa, kWords, 3),
            0);
  const pm4::WriteData expected{.one_address = true,
                                .confirm = true,
                                .engine = pm4::Engine::kPfp,
                                .address = kVa,
                                .data = kWords};
  EXPECT_EQ(only<pm4::WriteData>(gfx_), expected);
}

TEST_F(Builder, CopyData) {
  ASSERT_EQ(fakegpu_cmd_copy_data(gfx_, FAKEGPU_SRC_TIMESTAMP, 0, FAKEGPU_DST_L2, kVa,
                                  FAKEGPU_CMD_WIDE | FAKEGPU_CMD_CONFIRM),
            0);
  const pm4::CopyData expected{.source = pm4::CopyData::Source::kTimestamp,
                               .destination = pm4::Destination::kL2,
                               .wide = true,
                               .confirm = true,
                               .address = kVa};
  EXPECT_EQ(only<pm4::CopyData>(gfx_), expected);
}

TEST_F(Builder, DmaData) {
  ASSERT_EQ(fakegpu_cmd_dma_data(gfx_, kVa, kVa + 1, 33, FAKEGPU_CMD_SYNC | FAKEGPU_CMD_RAW_WAIT),
            0);
  const pm4::DmaData copy{
      .sync = true, .raw_wait = true, .source_address = kVa + 1, .address = kVa, .bytes = 33};
  EXPECT_EQ(only<pm4::DmaData>(gfx_), copy);
  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_dma_data(gfx_, kVa, 7, 32, FAKEGPU_CMD_FILL), 0);
  const pm4::DmaData fill{
      .source = pm4::DmaData::Source::kData, .source_address = 7, .address = kVa, .bytes = 32};
  EXPECT_EQ(only<pm4::DmaData>(gfx_), fill);
}

TEST_F(Builder, WaitRegMem) {
  ASSERT_EQ(fakegpu_cmd_wait_reg_mem(gfx_, FAKEGPU_COMPARE_GREATER_EQUAL, 0, kVa, 5, 0xff, 9), 0);
  const pm4::WaitRegMem memory{.function = packets::Compare::kGreaterEqual,
                               .address = kVa,
                               .reference = 5,
                               .mask = 0xff,
                               .interval = 9};
  EXPECT_EQ(only<pm4::WaitRegMem>(gfx_), memory);
  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(
      fakegpu_cmd_wait_reg_mem(gfx_, FAKEGPU_COMPARE_EQUAL, FAKEGPU_CMD_REGISTER, 0x2c0c, 5, 1, 9),
      0);
  EXPECT_FALSE(only<pm4::WaitRegMem>(gfx_).memory);
}

TEST_F(Builder, AtomicMem) {
  ASSERT_EQ(fakegpu_cmd_atomic_mem(gfx_, FAKEGPU_ATOMIC_COMPARE_SWAP64, FAKEGPU_CMD_LOOP, kVa,
                                   1ull << 40, 2ull << 40, 3),
            0);
  const pm4::AtomicMem expected{.op = packets::AtomicOp::kCompareSwap64,
                                .loop = true,
                                .address = kVa,
                                .data = 1ull << 40,
                                .compare = 2ull << 40,
                                .interval = 3};
  EXPECT_EQ(only<pm4::AtomicMem>(gfx_), expected);
}

TEST_F(Builder, CondExec) {
  ASSERT_EQ(fakegpu_cmd_cond_exec(gfx_, kVa, 12), 0);
  EXPECT_EQ(only<pm4::CondExec>(gfx_), (pm4::CondExec{.address = kVa, .count = 12}));
}

TEST_F(Builder, IndirectBuffer) {
  ASSERT_EQ(fakegpu_cmd_indirect_buffer(gfx_, kVa, 100, FAKEGPU_CMD_CHAIN | FAKEGPU_CMD_PREEMPT),
            0);
  const pm4::IndirectBuffer expected{.address = kVa, .dwords = 100, .chain = true, .pre_enb = true};
  EXPECT_EQ(only<pm4::IndirectBuffer>(gfx_), expected);
}

TEST_F(Builder, SetShReg) {
  ASSERT_EQ(fakegpu_cmd_set_sh_reg(gfx_, 0x240, kWords, 3), 0);
  EXPECT_EQ(only<pm4::SetShReg>(gfx_), (pm4::SetShReg{.offset = 0x240, .values = kWords}));
}

TEST_F(Builder, DispatchDirect) {
  ASSERT_EQ(fakegpu_cmd_dispatch_direct(gfx_, 4, 3, 2, 5), 0);
  const pm4::DispatchDirect expected{.x = 4, .y = 3, .z = 2, .initiator = 5};
  EXPECT_EQ(only<pm4::DispatchDirect>(gfx_), expected);
}

TEST_F(Builder, EventWrite) {
  ASSERT_EQ(fakegpu_cmd_event_write(gfx_, FAKEGPU_EVENT_PS_PARTIAL_FLUSH), 0);
  EXPECT_EQ(only<pm4::EventWrite>(gfx_).type, pm4::EventWrite::Type::kPsPartialFlush);
}

TEST_F(Builder, ReleaseMem) {
  ASSERT_EQ(fakegpu_cmd_release_mem(gfx_, FAKEGPU_RELEASE_64, FAKEGPU_INTERRUPT_AFTER_WRITE, kVa,
                                    1ull << 33, 77),
            0);
  const pm4::ReleaseMem expected{.data_select = pm4::ReleaseMem::Data::k64,
                                 .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite,
                                 .address = kVa,
                                 .data = 1ull << 33,
                                 .context_id = 77};
  EXPECT_EQ(only<pm4::ReleaseMem>(gfx_), expected);
}

TEST_F(Builder, EduPackets) {
  ASSERT_EQ(fakegpu_cmd_work(gfx_, 10, 1000, FAKEGPU_WORK_PREEMPT_AT_UNIT, kVa), 0);
  const pm4::Work work{.units = 10, .unit_ns = 1000, .flags = 1, .progress_address = kVa};
  EXPECT_EQ(only<pm4::Work>(gfx_), work);

  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_hang(gfx_, FAKEGPU_HANG_TIMED, 5000), 0);
  EXPECT_EQ(only<pm4::Hang>(gfx_), (pm4::Hang{.mode = pm4::Hang::Mode::kTimed, .argument = 5000}));

  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_fault(gfx_, FAKEGPU_FAULT_PAGE, kVa), 0);
  EXPECT_EQ(only<pm4::Fault>(gfx_), (pm4::Fault{.argument = kVa}));

  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 99), 0);
  EXPECT_EQ(only<pm4::Mark>(gfx_).id, 99u);

  fakegpu_cmdbuf_reset(gfx_);
  ASSERT_EQ(fakegpu_cmd_hash(gfx_, kVa + 1, 13, kVa), 0);
  EXPECT_EQ(only<pm4::Hash>(gfx_),
            (pm4::Hash{.address = kVa + 1, .bytes = 13, .destination = kVa}));
}

TEST_F(Builder, SdmaMoves) {
  ASSERT_EQ(fakegpu_sdma_copy_linear(sdma_, kVa, kVa + 3, 1 << 22), 0);
  const sdma::CopyLinear copy{.source = kVa + 3, .destination = kVa, .bytes = 1 << 22};
  EXPECT_EQ(only<sdma::CopyLinear>(sdma_), copy);

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_write_linear(sdma_, kVa, kWords, 3), 0);
  EXPECT_EQ(only<sdma::WriteLinear>(sdma_),
            (sdma::WriteLinear{.destination = kVa, .data = kWords}));

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_const_fill(sdma_, kVa, 9, 4096), 0);
  const sdma::ConstFill fill{.destination = kVa, .data = 9, .bytes = 4096};
  EXPECT_EQ(only<sdma::ConstFill>(sdma_), fill);

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_indirect(sdma_, 0x1000, 8, 0x2000), 0);
  const sdma::Indirect indirect{.address = 0x1000, .dwords = 8, .save_area = 0x2000};
  EXPECT_EQ(only<sdma::Indirect>(sdma_), indirect);
}

TEST_F(Builder, SdmaSynchronises) {
  ASSERT_EQ(fakegpu_sdma_fence(sdma_, kVa, 11), 0);
  EXPECT_EQ(only<sdma::Fence>(sdma_), (sdma::Fence{.address = kVa, .data = 11}));

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_trap(sdma_, 0xfffffff), 0);
  EXPECT_EQ(only<sdma::Trap>(sdma_).context_id, 0xfffffffu);

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_poll_regmem(sdma_, FAKEGPU_COMPARE_NOT_EQUAL, 0, kVa, 1, 2, 3,
                                     FAKEGPU_RETRY_FOREVER),
            0);
  const sdma::PollRegMem poll{.function = packets::Compare::kNotEqual,
                              .address = kVa,
                              .reference = 1,
                              .mask = 2,
                              .interval = 3};
  EXPECT_EQ(only<sdma::PollRegMem>(sdma_), poll);

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_cond_exec(sdma_, kVa, 1, 16), 0);
  EXPECT_EQ(only<sdma::CondExec>(sdma_),
            (sdma::CondExec{.address = kVa, .reference = 1, .count = 16}));

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_atomic(sdma_, FAKEGPU_ATOMIC_ADD32, 0, kVa, 1, 0, 0), 0);
  EXPECT_EQ(only<sdma::AtomicMem>(sdma_), (sdma::AtomicMem{.address = kVa, .data = 1}));

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_timestamp(sdma_, kVa), 0);
  EXPECT_EQ(only<sdma::Timestamp>(sdma_).address, kVa);

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_srbm_write(sdma_, 0x2c0c, 5), 0);
  EXPECT_EQ(only<sdma::SrbmWrite>(sdma_), (sdma::SrbmWrite{.reg = 0x2c0c, .data = 5}));

  fakegpu_cmdbuf_reset(sdma_);
  ASSERT_EQ(fakegpu_sdma_work(sdma_, 10, 1000, kVa), 0);
  EXPECT_EQ(only<sdma::Work>(sdma_),
            (sdma::Work{.units = 10, .unit_ns = 1000, .progress_address = kVa}));
}

// Each call is wrong in one way; none may add a dword or leave the command buffer usable.
TEST_F(Builder, RefusesWhatTheCommandProcessorWould) {
  constexpr uint64_t kBeyond = 1ull << 48;
  using Call = std::function<int(fakegpu_cmdbuf*)>;
  const std::vector<std::pair<const char*, Call>> gfx = {
      {"nop of nothing", [](auto* cb) { return fakegpu_cmd_nop(cb, 0); }},
      {"nop too long", [](auto* cb) { return fakegpu_cmd_nop(cb, 0x4001); }},
      {"write nothing",
       [](auto* cb) { return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, kVa, kWords, 0); }},
      {"write too much",
       [](auto* cb) {
         const std::vector<uint32_t> data(0x4000);
         return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, kVa, data.data(), 0x3ffe);
       }},
      {"write misaligned",
       [](auto* cb) {
         return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, kVa + 2, kWords, 1);
       }},
      {"write beyond 48 bits",
       [](auto* cb) {
         return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 0, kBeyond, kWords, 1);
       }},
      {"write to nowhere",
       [](auto* cb) { return fakegpu_cmd_write_data(cb, 3, 0, kVa, kWords, 1); }},
      {"destination that wraps",
       [](auto* cb) { return fakegpu_cmd_write_data(cb, 0x105, 0, kVa, kWords, 1); }},
      {"unknown flag",
       [](auto* cb) {
         return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, 1u << 31, kVa, kWords, 1);
       }},
      {"flag of another packet",
       [](auto* cb) {
         return fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, FAKEGPU_CMD_LOOP, kVa, kWords, 1);
       }},
      {"narrow timestamp",
       [](auto* cb) {
         return fakegpu_cmd_copy_data(cb, FAKEGPU_SRC_TIMESTAMP, 0, FAKEGPU_DST_MEMORY, kVa, 0);
       }},
      {"copy of nothing", [](auto* cb) { return fakegpu_cmd_dma_data(cb, kVa, kVa, 0, 0); }},
      {"copy too long", [](auto* cb) { return fakegpu_cmd_dma_data(cb, kVa, kVa, 1u << 26, 0); }},
      {"fill of 3 bytes",
       [](auto* cb) { return fakegpu_cmd_dma_data(cb, kVa, 1, 3, FAKEGPU_CMD_FILL); }},
      {"no such comparison",
       [](auto* cb) { return fakegpu_cmd_wait_reg_mem(cb, 7, 0, kVa, 0, 0, 0); }},
      {"no such atomic",
       [](auto* cb) { return fakegpu_cmd_atomic_mem(cb, 0x55, 0, kVa, 0, 0, 0); }},
      {"interval without loop",
       [](auto* cb) {
         return fakegpu_cmd_atomic_mem(cb, FAKEGPU_ATOMIC_COMPARE_SWAP32, 0, kVa, 0, 0, 4);
       }},
      {"long condition", [](auto* cb) { return fakegpu_cmd_cond_exec(cb, kVa, 0x4000); }},
      {"empty IB", [](auto* cb) { return fakegpu_cmd_indirect_buffer(cb, kVa, 0, 0); }},
      {"long IB", [](auto* cb) { return fakegpu_cmd_indirect_buffer(cb, kVa, 1u << 20, 0); }},
      {"registers past the bank",
       [](auto* cb) { return fakegpu_cmd_set_sh_reg(cb, 0x3ff, kWords, 2); }},
      {"no registers", [](auto* cb) { return fakegpu_cmd_set_sh_reg(cb, 0, kWords, 0); }},
      {"too many groups",
       [](auto* cb) { return fakegpu_cmd_dispatch_direct(cb, 1 << 12, 1 << 12, 2, 1); }},
      {"dispatch without enable",
       [](auto* cb) { return fakegpu_cmd_dispatch_direct(cb, 1, 1, 1, 0); }},
      {"no such event", [](auto* cb) { return fakegpu_cmd_event_write(cb, 1); }},
      {"release with data but none",
       [](auto* cb) { return fakegpu_cmd_release_mem(cb, FAKEGPU_RELEASE_NONE, 0, 0, 1, 0); }},
      {"release misaligned",
       [](auto* cb) { return fakegpu_cmd_release_mem(cb, FAKEGPU_RELEASE_64, 0, kVa + 4, 1, 0); }},
      {"work flag", [](auto* cb) { return fakegpu_cmd_work(cb, 1, 1, 2, 0); }},
      {"hang mode", [](auto* cb) { return fakegpu_cmd_hang(cb, 6, 0); }},
      {"hang argument", [](auto* cb) { return fakegpu_cmd_hang(cb, FAKEGPU_HANG_WAVE, 1); }},
      {"fault kind", [](auto* cb) { return fakegpu_cmd_fault(cb, 9, 0); }},
      {"hash misaligned", [](auto* cb) { return fakegpu_cmd_hash(cb, kVa, 1, kVa + 4); }},
      {"packet of SDMA", [](auto* cb) { return fakegpu_sdma_fence(cb, kVa, 0); }},
  };
  const std::vector<std::pair<const char*, Call>> sdma = {
      {"copy of nothing", [](auto* cb) { return fakegpu_sdma_copy_linear(cb, kVa, kVa, 0); }},
      {"copy too long",
       [](auto* cb) { return fakegpu_sdma_copy_linear(cb, kVa, kVa, (1 << 22) + 1); }},
      {"write nothing", [](auto* cb) { return fakegpu_sdma_write_linear(cb, kVa, kWords, 0); }},
      {"write too much",
       [](auto* cb) { return fakegpu_sdma_write_linear(cb, kVa, kWords, (1 << 20) + 1); }},
      {"fill misaligned", [](auto* cb) { return fakegpu_sdma_const_fill(cb, kVa + 1, 0, 4); }},
      {"fill of 2 bytes", [](auto* cb) { return fakegpu_sdma_const_fill(cb, kVa, 0, 2); }},
      {"IB misaligned", [](auto* cb) { return fakegpu_sdma_indirect(cb, 0x1010, 8, 0); }},
      {"fence misaligned", [](auto* cb) { return fakegpu_sdma_fence(cb, kVa + 1, 0); }},
      {"wide trap", [](auto* cb) { return fakegpu_sdma_trap(cb, 1u << 28); }},
      {"wide retries",
       [](auto* cb) { return fakegpu_sdma_poll_regmem(cb, 3, 0, kVa, 0, 0, 0, 0x1000); }},
      {"loop of an add",
       [](auto* cb) {
         return fakegpu_sdma_atomic(cb, FAKEGPU_ATOMIC_ADD32, FAKEGPU_CMD_LOOP, kVa, 1, 0, 0);
       }},
      {"timestamp misaligned", [](auto* cb) { return fakegpu_sdma_timestamp(cb, kVa + 4); }},
      {"wide register", [](auto* cb) { return fakegpu_sdma_srbm_write(cb, 1 << 18, 0); }},
      {"progress misaligned", [](auto* cb) { return fakegpu_sdma_work(cb, 1, 1, kVa + 2); }},
      {"work of gfx", [](auto* cb) { return fakegpu_cmd_work(cb, 1, 1, 0, 0); }},
      {"packet of gfx", [](auto* cb) { return fakegpu_cmd_mark(cb, 1); }},
      {"dispatch",
       [](auto* cb) {
         const fakegpu_kernel_fill fill = {};
         return fakegpu_cmd_dispatch(cb, FAKEGPU_KERNEL_FILL, &fill, sizeof(fill), 1, 1, 1);
       }},
  };
  const auto all_refused = [](fakegpu_cmdbuf* cb, const auto& calls) {
    for (const auto& [name, call] : calls) {
      fakegpu_cmdbuf_reset(cb);
      ASSERT_EQ(fakegpu_cmd_nop(cb, 1), 0) << name;
      EXPECT_EQ(call(cb), -EINVAL) << name;
      EXPECT_EQ(fakegpu_cmdbuf_dwords(cb), 1u) << name;
      EXPECT_EQ(fakegpu_cmdbuf_error(cb), -EINVAL) << name;
    }
  };
  all_refused(gfx_, gfx);
  all_refused(sdma_, sdma);
}

}  // namespace
}  // namespace fakegpu::umd
