// SPDX-License-Identifier: MIT
// How fences scale: 100,000 points of a timeline beside as many fences that know nothing of each
// other, 1,000 waiters on one fence beside one on each of 1,000, and a fence among many to merge
// beside one among few.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "comparison.h"
#include "fence/syncobj_wait.h"
#include "fence/unwrap.h"

namespace fakegpu::bench {

namespace {

using namespace fence;

class Waiter final : public Callback {
 public:
  void fence_signaled(Fence&) override { ++calls; }
  inline static size_t calls = 0;
};

base::Ref<ManualFence> make_fence(uint64_t context, uint64_t seqno) {
  return base::make_ref<ManualFence>(context, seqno, "bench");
}

// A timeline of `points` pending points, and a wait on the last of them.
struct Timeline {
  explicit Timeline(size_t points) {
    fences.reserve(points);
    for (size_t i = 1; i <= points; ++i) {
      fences.push_back(make_fence(7, i));
      box->add_point(contexts, fences.back(), i);
    }
  }

  Contexts contexts;
  SyncobjRef box = base::make_ref<Syncobj>();
  std::vector<base::Ref<ManualFence>> fences;
};

// Times `run` on what `prepare` makes, per item; neither making nor destroying it counts.
template <typename Prepare, typename Run>
void per_item(benchmark::State& state, size_t items, Prepare prepare, Run run) {
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(items))) {
    state.PauseTiming();
    auto subject = prepare();
    state.ResumeTiming();
    run(*subject);
    state.PauseTiming();
    subject.reset();
    state.ResumeTiming();
  }
}

void signal_points(benchmark::State& state, size_t points, bool backwards) {
  per_item(
      state, points, [=] { return std::make_unique<Timeline>(points); },
      [&](Timeline& timeline) {
        bool answered = false;
        SyncobjWait wait({{timeline.box, points}}, {}, 0);
        if (wait.start(0, [&](SyncobjWait::Answer) { answered = true; })) answered = true;
        if (answered) state.SkipWithError("answered too early");
        for (size_t i = 0; i < points; ++i)
          timeline.fences[backwards ? points - 1 - i : i]->signal(1);
        if (!answered) state.SkipWithError("not answered");
      });
}

struct Waiters {
  Waiters(size_t count, size_t per_fence) : waiters(new Waiter[count]) {
    for (size_t i = 0; i < count; ++i) {
      if (i % per_fence == 0) fences.push_back(make_fence(i, 1));
      fences.back()->add_callback(waiters[i]);
    }
  }
  std::vector<base::Ref<ManualFence>> fences;
  std::unique_ptr<Waiter[]> waiters;
};

void wake(benchmark::State& state, size_t count, size_t per_fence) {
  per_item(
      state, count, [=] { return std::make_unique<Waiters>(count, per_fence); },
      [&](Waiters& all) {
        Waiter::calls = 0;
        for (auto& fence : all.fences) fence->signal(1);
        if (Waiter::calls != count) state.SkipWithError("a waiter was not called");
      });
}

// `count` fences of a tenth as many contexts.
struct Many {
  explicit Many(size_t count) {
    for (size_t i = 0; i < count; ++i) fences.push_back(make_fence(1 + i % (count / 10), i));
  }
  Contexts contexts;
  std::vector<FenceRef> fences;
};

void merge_many(benchmark::State& state, size_t count) {
  per_item(
      state, count, [=] { return std::make_unique<Many>(count); },
      [](Many& many) { benchmark::DoNotOptimize(merge(many.contexts, many.fences)); });
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu::bench;
  benchmark::RegisterBenchmark("signal 100000 points", signal_points, 100'000, false)
      ->UseRealTime();
  benchmark::RegisterBenchmark("signal 100000 points, newest first", signal_points, 100'000, true)
      ->UseRealTime();
  benchmark::RegisterBenchmark("signal 100000 fences", wake, 100'000, 1)->UseRealTime();
  benchmark::RegisterBenchmark("wake 1000 on one fence", wake, 1000, 1000)->UseRealTime();
  benchmark::RegisterBenchmark("wake 1000 on a fence each", wake, 1000, 1)->UseRealTime();
  for (const size_t count : {100, 10'000})
    benchmark::RegisterBenchmark(("merge " + std::to_string(count) + " fences").c_str(), merge_many,
                                 count)
        ->UseRealTime();
  const Comparison comparisons[] = {
      {"a point of 100,000, in order / a fence", "signal 100000 points", "signal 100000 fences",
       Bound::kAtMost, 10},
      {"a point of 100,000, newest first / a fence", "signal 100000 points, newest first",
       "signal 100000 fences", Bound::kAtMost, 10},
      {"1,000 waiters, on one fence / on a fence each", "wake 1000 on one fence",
       "wake 1000 on a fence each", Bound::kAtMost, 1},
      {"merging 10,000 fences / 100, each", "merge 10000 fences", "merge 100 fences",
       Bound::kAtMost, 4},
  };
  return run(argc, argv, comparisons);
}
