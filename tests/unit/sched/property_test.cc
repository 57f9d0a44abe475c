// SPDX-License-Identifier: MIT
// Random programs keep the invariants. rapidcheck shrinks one that does not.
#include <rapidcheck.h>

#include "base/log.h"
#include "program.h"

namespace fakegpu::sched {
namespace {

// A push is what there is most of.
rc::Gen<Verb> any_verb() {
  return rc::gen::weightedElement<Verb>({{2, Verb::kAddEntity},
                                         {10, Verb::kPush},
                                         {2, Verb::kKill},
                                         {2, Verb::kSetPriority},
                                         {1, Verb::kSetSchedulers},
                                         {3, Verb::kSignalForeign},
                                         {3, Verb::kStopOrStart},
                                         {3, Verb::kAdvance},
                                         {1, Verb::kFini},
                                         {2, Verb::kSetPolicy},
                                         {2, Verb::kUrge},
                                         {6, Verb::kRun}});
}

void check_programs(Nanos timeout, Nanos depth) {
  base::set_log_level(base::LogLevel::kError);  // truncated credits are part of it
  const auto step =
      rc::gen::construct<Step>(any_verb(), rc::gen::arbitrary<uint32_t>(),
                               rc::gen::arbitrary<uint32_t>(), rc::gen::arbitrary<uint32_t>());
  EXPECT_TRUE(rc::check([&] {
    const auto config = *rc::gen::construct<ProgramConfig>(
        rc::gen::arbitrary<uint64_t>(), rc::gen::arbitrary<uint8_t>(), rc::gen::arbitrary<bool>(),
        rc::gen::inRange<uint32_t>(1, 7), rc::gen::just(timeout), rc::gen::just(depth),
        rc::gen::arbitrary<bool>());
    const auto steps = *rc::gen::resize(300, rc::gen::container<std::vector<Step>>(step));
    const std::string broken = Program(config).run(steps);
    if (!broken.empty()) RC_FAIL(broken);
  }));
  base::set_log_level(base::LogLevel::kWarning);
}

TEST(SchedProperty, RandomProgramsKeepTheInvariants) {
  check_programs(0, 0);
}

TEST(SchedProperty, RandomProgramsWithTimeoutsKeepTheInvariants) {
  check_programs(30, 0);
}

TEST(SchedProperty, RandomProgramsOfBoundedDepthKeepTheInvariants) {
  check_programs(30, 15);
}

}  // namespace
}  // namespace fakegpu::sched
