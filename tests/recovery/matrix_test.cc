// SPDX-License-Identifier: MIT
// The recovery matrix: every engine, fault, policy, mix of jobs in flight and failing step. Cells
// of one engine, fault and policy share a machine until it is wedged, so that each also shows that
// the one before left the device usable. FAKEGPU_CELLS=PATTERN, with * and ?, runs only those that
// match.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "bench.h"

namespace fakegpu::tests {
namespace {

struct Column {
  unsigned ring;
  const FaultKind* fault;
};

void PrintTo(const Column& column, std::ostream* out) {
  *out << ring_name(column.ring) << ", " << column.fault->name;
}

std::vector<Column> columns() {
  std::vector<Column> all;
  for (const unsigned ring : {kGfxRing, kComputeRing, kFirstSdma})
    for (const FaultKind& fault : fault_kinds())
      if (fault.on_sdma || !is_sdma(ring)) all.push_back({ring, &fault});
  return all;
}

class RecoveryMatrix : public testing::TestWithParam<Column> {
 protected:
  void SetUp() override {
    base::set_log_sink([this](base::LogLevel, std::string_view line) {
      // The final error is there before anybody is woken.
      if (line.find("comes after its signal") != line.npos)
        late_errors_ += fmt::format("{}\n", line);
    });
  }
  void TearDown() override { base::set_log_sink(nullptr); }

  void run(Policy policy);

  std::string late_errors_;
};

void RecoveryMatrix::run(Policy policy) {
  const char* pattern = std::getenv("FAKEGPU_CELLS");
  std::optional<Bench> bench;
  for (unsigned mix = 0; mix < static_cast<unsigned>(Mix::kCount); ++mix) {
    for (unsigned failing = 0; failing < static_cast<unsigned>(Failing::kCount); ++failing) {
      const Cell cell{GetParam().ring, GetParam().fault, policy, static_cast<Mix>(mix),
                      static_cast<Failing>(failing)};
      if (pattern && ::fnmatch(pattern, name(cell).c_str(), 0) != 0) continue;
      if (!bench || bench->wedged()) {
        bench.reset();
        bench.emplace(policy);
      }
      const std::string broken = bench->run(cell) + std::exchange(late_errors_, {});
      EXPECT_EQ(broken, "") << "FAKEGPU_CELLS=" << name(cell);
      if (!broken.empty()) bench.reset();
    }
  }
}

TEST_P(RecoveryMatrix, ReemitInnocent) {
  run(Policy::kReemitInnocent);
}
TEST_P(RecoveryMatrix, Karma) {
  run(Policy::kKarma);
}
TEST_P(RecoveryMatrix, CancelAll) {
  run(Policy::kCancelAll);
}
TEST_P(RecoveryMatrix, As612) {
  run(Policy::kAs612);
}

INSTANTIATE_TEST_SUITE_P(Cells, RecoveryMatrix, testing::ValuesIn(columns()),
                         [](const auto& column) {
                           std::string name = is_sdma(column.param.ring)      ? "sdma_"
                                              : column.param.ring == kGfxRing ? "gfx_"
                                                                              : "compute_";
                           name += column.param.fault->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fakegpu::tests
