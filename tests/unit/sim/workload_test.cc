// SPDX-License-Identifier: MIT
#include "workload.h"

#include <gtest/gtest.h>

namespace fakegpu::sim {
namespace {

constexpr Nanos kMs = base::kNanosPerMilli;

// The patterns of a scenario's only queue.
class WorkloadTest : public testing::Test {
 protected:
  void use(const std::string& queue) {
    scenario_ = parse_scenario("[[client]]\nname = \"a\"\n[[client.queue]]\n" + queue, "f");
    workload_ = make_workload(scenario_.clients.at(0).queues.at(0), 1);
  }
  // A client that is ready at `ready_ms`.
  Batch next(Nanos ready_ms = 0) {
    const auto batch = workload_->next(ready_ms * kMs);
    EXPECT_TRUE(batch);
    return batch.value_or(Batch{});
  }
  bool ended(Nanos ready_ms) { return !workload_->next(ready_ms * kMs); }
  Nanos length() { return workload_->length(); }

 private:
  Scenario scenario_;
  std::unique_ptr<Workload> workload_;
};

TEST_F(WorkloadTest, ASynchronousOneChangesWhenItsClientIsReadyInTheNextPattern) {
  use(R"(length = "1ms"
[[client.queue.then]]
from = "5ms"
jobs = 2
length = "3ms"
)");
  EXPECT_EQ(next(0).jobs, 1u);
  EXPECT_EQ(next(4).jobs, 1u);
  EXPECT_EQ(length(), kMs);
  const Batch changed = next(6);
  EXPECT_EQ(changed.jobs, 2u);
  EXPECT_EQ(changed.wanted, 6 * kMs);
  EXPECT_TRUE(changed.waits);
  EXPECT_EQ(length(), 3 * kMs);
}

TEST_F(WorkloadTest, APauseEndsWhereTheNextPatternBegins) {
  use(R"(wait = "100ms"
length = "1ms"
[[client.queue.then]]
from = "50ms"
wait = "0ms"
)");
  EXPECT_EQ(next(0).wanted, 0);
  EXPECT_EQ(next(2).wanted, 50 * kMs);
  EXPECT_EQ(next(53).wanted, 53 * kMs);
}

TEST_F(WorkloadTest, ArrivalsChangeAndWhatIsNotSaidStays) {
  use(R"(arrival = "periodic"
period = "10ms"
start = "5ms"
length = "2ms"
jobs = 3
[[client.queue.then]]
from = "20ms"
arrival = "burst"
[[client.queue.then]]
from = "35ms"
arrival = "trace"
times = ["1ms", "2ms", "100ms"]
jobs = 1
[[client.queue.then]]
from = "40ms"
arrival = "async"
)");
  EXPECT_EQ(next().deadline, 15 * kMs);
  EXPECT_EQ(next().wanted, 15 * kMs);
  const Batch burst = next();
  EXPECT_EQ(burst.wanted, 20 * kMs);
  EXPECT_EQ(burst.deadline, 0);
  EXPECT_EQ(burst.jobs, 3u);
  EXPECT_EQ(next().wanted, 30 * kMs);
  EXPECT_EQ(next().wanted, 36 * kMs);
  const Batch traced = next();
  EXPECT_EQ(traced.wanted, 37 * kMs);
  EXPECT_EQ(traced.jobs, 1u);
  EXPECT_EQ(next().wanted, 40 * kMs);
  EXPECT_EQ(next(41).wanted, 41 * kMs);
  EXPECT_EQ(length(), 2 * kMs);
}

TEST_F(WorkloadTest, WhoIsLateCatchesUpWithTheOldPatternFirst) {
  use(R"(arrival = "periodic"
period = "10ms"
length = "1ms"
stop = "45ms"
[[client.queue.then]]
from = "30ms"
period = "5ms"
)");
  for (const Nanos wanted : {0, 10, 20, 30, 35, 40}) EXPECT_EQ(next(90).wanted, wanted * kMs);
  EXPECT_TRUE(ended(90));
}

TEST_F(WorkloadTest, ATraceThatHasEndedGoesOnWithTheNextPattern) {
  use(R"(arrival = "trace"
times = ["1ms"]
length = "1ms"
[[client.queue.then]]
from = "9ms"
arrival = "sync"
)");
  EXPECT_EQ(next().wanted, kMs);
  EXPECT_EQ(next(2).wanted, 9 * kMs);
}

}  // namespace
}  // namespace fakegpu::sim
