// SPDX-License-Identifier: MIT
// Every flag set x every state of one and of five objects, binary and timeline, as igt's
// syncobj_wait and syncobj_timeline generate them; the expectation is igt's rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "fakes.h"
#include "fence/syncobj_wait.h"

namespace fakegpu::fence {
namespace {

enum class State { kUnsubmitted, kSubmitted, kSignaled };

int expected(const std::vector<State>& states, WaitFlags flags) {
  const auto count = [&](State state) { return std::count(states.begin(), states.end(), state); };
  const auto unsubmitted = count(State::kUnsubmitted);
  const auto submitted = count(State::kSubmitted);
  if (unsubmitted > 0 && !flags.for_submit && !flags.available) return -EINVAL;
  if (flags.all) {
    if (unsubmitted == 0 && flags.available) return 0;
    return unsubmitted + submitted > 0 ? -ETIME : 0;
  }
  if (count(State::kSignaled) > 0) return 0;
  return submitted > 0 && flags.available ? 0 : -ETIME;
}

bool satisfied(State state, WaitFlags flags) {
  return state == State::kSignaled || (state == State::kSubmitted && flags.available);
}

class Objects {
 public:
  Objects(const std::vector<State>& states, bool timeline)
      : states_(states), timeline_(timeline), fences_(states.size()) {
    for (size_t i = 0; i < states.size(); ++i) {
      boxes_.push_back(base::make_ref<Syncobj>());
      if (states[i] >= State::kSubmitted) submit(i);
      if (states[i] == State::kSignaled) fences_[i]->signal(1);
    }
  }
  std::vector<SyncobjWait::Entry> entries() const {
    std::vector<SyncobjWait::Entry> entries;
    for (const SyncobjRef& box : boxes_) entries.push_back({box, timeline_ ? 3u : 0u});
    return entries;
  }
  const std::vector<State>& states() const { return states_; }
  // One step further; false if nothing is left to do.
  bool advance(size_t i) {
    if (states_[i] == State::kSignaled) return false;
    if (states_[i] == State::kUnsubmitted) {
      states_[i] = State::kSubmitted;
      submit(i);
    } else {
      states_[i] = State::kSignaled;
      fences_[i]->signal(1);
    }
    return true;
  }

 private:
  void submit(size_t i) {
    fences_[i] = fake();
    if (timeline_) {
      boxes_[i]->add_point(contexts_, fences_[i], 3);
    } else {
      boxes_[i]->replace(fences_[i]);
    }
  }

  Contexts contexts_;
  std::vector<State> states_;
  bool timeline_;
  std::vector<FakeRef> fences_;
  std::vector<SyncobjRef> boxes_;
};

uint32_t first_satisfied(const std::vector<State>& states, WaitFlags flags) {
  for (uint32_t i = 0; i < states.size(); ++i)
    if (satisfied(states[i], flags)) return i;
  return UINT32_MAX;
}

// The answer at once; or else, as objects move on one by one, exactly when the rule turns.
void check(const std::vector<State>& states, WaitFlags flags, bool timeline, unsigned seed) {
  Objects objects(states, timeline);
  int answers = 0;
  SyncobjWait::Answer last;
  SyncobjWait wait(objects.entries(), flags, 0);
  const auto at_once = wait.start(0, [&](SyncobjWait::Answer answer) {
    ++answers;
    last = answer;
  });
  const int want = expected(states, flags);
  const uint32_t first = first_satisfied(states, flags);
  if (want != -ETIME) {
    ASSERT_TRUE(at_once);
    EXPECT_EQ(at_once->result, want);
    EXPECT_EQ(at_once->first_signaled, want == 0 ? first : UINT32_MAX);
  } else {
    ASSERT_FALSE(at_once);
  }
  std::mt19937 random(seed);
  for (int left = 2 * static_cast<int>(states.size()) * 8; left > 0; --left) {
    const size_t i = random() % states.size();
    if (!objects.advance(i)) continue;
    const bool ready = want == -ETIME && expected(objects.states(), flags) == 0;
    ASSERT_EQ(answers, ready ? 1 : 0);
    if (!ready) continue;
    EXPECT_EQ(last.result, 0);
    if (flags.all) {
      EXPECT_EQ(last.first_signaled, first);
    } else {
      EXPECT_TRUE(satisfied(objects.states()[last.first_signaled], flags));
    }
  }
}

using Param = std::tuple<int, bool, size_t>;

class WaitMatrix : public testing::TestWithParam<Param> {};

TEST_P(WaitMatrix, FollowsTheRuleInEveryState) {
  const auto [bits, timeline, objects] = GetParam();
  const WaitFlags flags{
      .all = (bits & 1) != 0, .for_submit = (bits & 2) != 0, .available = (bits & 4) != 0};
  size_t combinations = 1;
  for (size_t i = 0; i < objects; ++i) combinations *= 3;
  for (size_t code = 0; code < combinations; ++code) {
    std::vector<State> states;
    for (size_t i = 0, rest = code; i < objects; ++i, rest /= 3)
      states.push_back(static_cast<State>(rest % 3));
    SCOPED_TRACE(testing::Message() << "states (base 3) " << code);
    for (unsigned seed = 0; seed < 4; ++seed) check(states, flags, timeline, seed);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(FakeFence::alive, 0);
}

INSTANTIATE_TEST_SUITE_P(Igt, WaitMatrix,
                         testing::Combine(testing::Range(0, 8), testing::Bool(),
                                          testing::Values<size_t>(1, 5)),
                         [](const testing::TestParamInfo<Param>& param) {
                           const int bits = std::get<0>(param.param);
                           std::string name = std::get<2>(param.param) == 1 ? "Single" : "Five";
                           name += std::get<1>(param.param) ? "Timeline" : "Binary";
                           if (bits & 1) name += "All";
                           if (bits & 2) name += "ForSubmit";
                           if (bits & 4) name += "Available";
                           return name;
                         });

}  // namespace
}  // namespace fakegpu::fence
