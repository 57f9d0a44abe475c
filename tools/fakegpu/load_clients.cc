// SPDX-License-Identifier: MIT
// The clients that make the schedule interesting: one with little, urgent work, one with much.
#include <poll.h>

#include "clients.h"
#include "job_clock.h"

namespace fakegpu::tools {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

Device open_device(const ClientOptions& options) {
  return Device(options.device.empty() ? nullptr : options.device.c_str());
}

// High priority takes a privilege; without it the client runs as others do.
Context make_context(const Device& device, int32_t priority, Report& report) {
  try {
    report.priority = priority;
    return Context(device, priority);
  } catch (const std::system_error& error) {
    if (error.code().value() != EACCES) throw;
    report.priority = DRM_FAKEGPU_PRIORITY_NORMAL;
    return Context(device);
  }
}

void sleep_until(const Device& device, int64_t when) {
  const int64_t left = when - device.deadline_ns(0);
  if (left <= 0) return;
  const timespec span = {left / kSecond, left % kSecond};
  ::ppoll(nullptr, 0, &span, nullptr);
}

}  // namespace

void check_alive(const Context& context) {
  const uint32_t flags = context.query().flags;
  if (flags & DRM_FAKEGPU_CTX_GUILTY)
    throw std::runtime_error("a job of this client hung the GPU, and was ended");
  if (flags & DRM_FAKEGPU_CTX_VRAM_LOST)
    throw std::runtime_error("a reset of the GPU lost what this client had in VRAM");
}

Report run_interactive(const ClientOptions& options) {
  Report report{.name = "interactive"};
  const Device device = open_device(options);
  const Context context = make_context(device, DRM_FAKEGPU_PRIORITY_HIGH, report);
  JobClock clock(device, context, DRM_FAKEGPU_RING_COMPUTE);
  CommandBuffer work(context, DRM_FAKEGPU_RING_COMPUTE);
  fakegpu_cmd_work(work, 5, 100'000, 0, 0);
  const Syncobj done(device);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_COMPUTE);

  const auto frames = static_cast<int>(options.seconds * 60);
  const int64_t first = device.deadline_ns(0);
  for (int frame = 0; frame < frames; ++frame) {
    sleep_until(device, first + frame * kSecond / 60);
    const fakegpu_sync_point signal = done.at();
    clock.submitted();
    context.submit(ring, {clock.stamp(), work}, {}, {&signal, 1});
    wait(device, signal);
    clock.done(report);
  }
  check_alive(context);
  report.gpu_time_ns = context.query().gpu_time_ns;
  return report;
}

Report run_hog(const ClientOptions& options) {
  Report report{.name = "hog"};
  const Device device = open_device(options);
  const Context context = make_context(device, DRM_FAKEGPU_PRIORITY_LOW, report);
  CommandBuffer work(context, DRM_FAKEGPU_RING_COMPUTE);
  fakegpu_cmd_work(work, 20, 100'000, 0, 0);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_COMPUTE);

  // So many jobs are always queued; each slot's clock measures the job in it.
  constexpr size_t kDepth = 4;
  std::vector<std::unique_ptr<JobClock>> clocks;
  for (size_t i = 0; i < kDepth; ++i)
    clocks.push_back(std::make_unique<JobClock>(device, context, DRM_FAKEGPU_RING_COMPUTE));
  const Syncobj timeline(device);
  const int64_t end = device.deadline_ns(static_cast<int64_t>(options.seconds * kSecond));
  uint64_t submitted = 0;
  uint64_t finished = 0;
  while (finished < submitted || device.deadline_ns(0) < end) {
    while (submitted - finished < kDepth && device.deadline_ns(0) < end) {
      const fakegpu_sync_point signal = timeline.at(submitted + 1);
      JobClock& clock = *clocks[submitted % kDepth];
      clock.submitted();
      context.submit(ring, {clock.stamp(), work}, {}, {&signal, 1});
      ++submitted;
    }
    if (finished == submitted) break;
    wait(device, timeline.at(finished + 1));
    clocks[finished % kDepth]->done(report);
    ++finished;
  }
  check_alive(context);
  report.gpu_time_ns = context.query().gpu_time_ns;
  return report;
}

}  // namespace fakegpu::tools
