// SPDX-License-Identifier: MIT
// The gpu_scheduler tracepoints, by their stable names. The fence of each event is the job's
// finished fence.
#pragma once

#include "base/trace.h"
#include "sched/scheduler.h"

namespace fakegpu::sched {

// drm_sched_job_queue and drm_sched_job_run.
void trace_queue(Scheduler& scheduler, const Entity& entity, const Job& job);
void trace_run(Scheduler& scheduler, const Entity& entity, const Job& job);
void trace_done(base::Tracer& tracer, const Job& job);
void trace_add_dep(base::Tracer& tracer, const Job& job, const fence::Fence& dependency);
void trace_unschedulable(base::Tracer& tracer, const Job& job, const fence::Fence& dependency);

}  // namespace fakegpu::sched
