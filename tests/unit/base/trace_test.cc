// SPDX-License-Identifier: MIT
#include "base/trace.h"

#include <gtest/gtest.h>

#include "base/virtual_executor.h"

namespace fakegpu::base {
namespace {

TEST(Trace, TextHasTimeNameAndFields) {
  VirtualExecutor time(1, 3 * kNanosPerSecond + 42);
  TextTrace text;
  Tracer tracer(time);
  tracer.set_sink(&text);
  EXPECT_TRUE(tracer.enabled());
  tracer.emit("drm_sched_job_run", {{"ring", "gfx"}, {"seqno", uint64_t{7}}});
  tracer.emit("drm_sched_job_done", {{"seqno", UINT64_MAX}});
  EXPECT_EQ(text.text(),
            "3.000000042: drm_sched_job_run: ring=gfx seqno=7\n"
            "3.000000042: drm_sched_job_done: seqno=18446744073709551615\n");
}

TEST(Trace, WithoutASinkNothingHappens) {
  VirtualExecutor time(1);
  Tracer tracer(time);
  EXPECT_FALSE(tracer.enabled());
  tracer.emit("drm_sched_job_run", {{"seqno", uint64_t{7}}});
  TextTrace text;
  tracer.set_sink(&text);
  tracer.set_sink(nullptr);
  tracer.emit("drm_sched_job_run", {});
  EXPECT_EQ(text.text(), "");
}

}  // namespace
}  // namespace fakegpu::base
