// SPDX-License-Identifier: MIT
// igt's generated wait tests: every set of flags over every state, one object and five, at once,
// with a short timeout, and for ever where the wait ends.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kAll = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
constexpr uint32_t kAvailable = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
constexpr int64_t kShort = 3 * kMilli;
constexpr uint64_t kPoint = 5;

enum State : unsigned { kUnsubmitted = 1, kSubmitted = 2, kSignaled = 4 };  // bits of a set
constexpr unsigned kEveryState = 7;

// igt's rule, for a set of states that the objects are in.
int expectation(uint32_t flags, unsigned states) {
  const bool late = flags & (kForSubmit | kAvailable);
  if ((states & kUnsubmitted) && !late) return -EINVAL;
  const unsigned enough = kSignaled | ((flags & kAvailable) ? kSubmitted : 0u);
  const bool satisfied = (flags & kAll) ? (states & ~enough) == 0 : (states & enough) != 0;
  return satisfied ? 0 : -ETIME;
}

struct Case {
  uint32_t flags;
  bool timeline;
};

class WaitMatrix : public testing::TestWithParam<Case> {
 protected:
  uint32_t make(State state) {
    const uint32_t handle = client_.make_syncobj();
    const uint64_t point = GetParam().timeline ? kPoint : 0;
    if (state == kSubmitted) {
      EXPECT_EQ(gate_.submit({{.handle = handle, .point = point}}), 0);
    } else if (state == kSignaled && point == 0) {
      EXPECT_EQ(client_.signal({&handle, 1}), 0);
    } else if (state == kSignaled) {
      EXPECT_EQ(client_.timeline_signal({&handle, 1}, {&point, 1}), 0);
    }
    return handle;
  }

  int wait(const std::vector<uint32_t>& handles, int64_t timeout) {
    const auto& [flags, timeline] = GetParam();
    if (!timeline) return client_.wait(handles, timeout, flags);
    const std::vector<uint64_t> points(handles.size(), kPoint);
    return client_.timeline_wait(handles, points, timeout, flags);
  }

  void expect(const std::vector<uint32_t>& handles, int expected) {
    EXPECT_EQ(wait(handles, 0), expected) << "at once";
    const int64_t deadline = client_.deadline(kShort);
    EXPECT_EQ(wait(handles, deadline), expected) << "shortly";
    if (expected == -ETIME) {
      EXPECT_GE(client_.deadline(0), deadline) << "never early";
    } else {
      EXPECT_EQ(wait(handles, INT64_MAX), expected) << "for ever";
    }
  }

  const Client client_;
  const Gate gate_{client_};
};

TEST_P(WaitMatrix, OneObject) {
  for (const State state : {kUnsubmitted, kSubmitted, kSignaled}) {
    SCOPED_TRACE(state);
    expect({make(state)}, expectation(GetParam().flags, state));
  }
}

TEST_P(WaitMatrix, FiveObjects) {
  for (unsigned set = 1; set <= kEveryState; ++set) {
    SCOPED_TRACE(set);
    std::vector<uint32_t> handles;
    for (unsigned i = 0; handles.size() < 5; ++i)
      if (set & (1u << i % 3)) handles.push_back(make(static_cast<State>(1u << i % 3)));
    expect(handles, expectation(GetParam().flags, set));
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (uint32_t flags = 0; flags <= (kAll | kForSubmit | kAvailable); ++flags) {
    if (!(flags & kAvailable)) all.push_back({flags, false});
    all.push_back({flags, true});
  }
  return all;
}

std::string name(const testing::TestParamInfo<Case>& info) {
  const auto& [flags, timeline] = info.param;
  return std::string(timeline ? "Timeline" : "Binary") + (flags & kAll ? "All" : "Any") +
         (flags & kForSubmit ? "ForSubmit" : "") + (flags & kAvailable ? "Available" : "");
}

INSTANTIATE_TEST_SUITE_P(Flags, WaitMatrix, testing::ValuesIn(cases()), name);

}  // namespace
}  // namespace fakegpu::conformance
