// SPDX-License-Identifier: MIT
#include "trace.h"

namespace fakegpu::sched {
namespace {

void trace_job(std::string_view event, Scheduler& scheduler, const Entity& entity, const Job& job) {
  base::Tracer& tracer = scheduler.tracer();
  if (!tracer.enabled()) return;
  tracer.emit(event, {{"dev", std::string_view(scheduler.options().device)},
                      {"name", std::string_view(scheduler.name())},
                      {"fence_context", job.finished()->context()},
                      {"fence_seqno", job.finished()->seqno()},
                      {"job_count", entity.queued()},
                      {"hw_job_count", scheduler.credits_in_flight()},
                      {"client_id", entity.client_id()}});
}

void trace_dependency(std::string_view event, base::Tracer& tracer, const Job& job,
                      const fence::Fence& dependency) {
  if (!tracer.enabled()) return;
  tracer.emit(event, {{"fence_context", job.finished()->context()},
                      {"fence_seqno", job.finished()->seqno()},
                      {"ctx", dependency.context()},
                      {"seqno", dependency.seqno()}});
}

}  // namespace

void trace_queue(Scheduler& scheduler, const Entity& entity, const Job& job) {
  trace_job("drm_sched_job_queue", scheduler, entity, job);
}

void trace_run(Scheduler& scheduler, const Entity& entity, const Job& job) {
  trace_job("drm_sched_job_run", scheduler, entity, job);
}

void trace_done(base::Tracer& tracer, const Job& job) {
  if (!tracer.enabled()) return;
  tracer.emit("drm_sched_job_done", {{"fence_context", job.finished()->context()},
                                     {"fence_seqno", job.finished()->seqno()}});
}

void trace_add_dep(base::Tracer& tracer, const Job& job, const fence::Fence& dependency) {
  trace_dependency("drm_sched_job_add_dep", tracer, job, dependency);
}

void trace_unschedulable(base::Tracer& tracer, const Job& job, const fence::Fence& dependency) {
  trace_dependency("drm_sched_job_unschedulable", tracer, job, dependency);
}

}  // namespace fakegpu::sched
