// SPDX-License-Identifier: MIT
#include "explanation.h"

#include <algorithm>

#include "fence/unwrap.h"
#include "hw/registers.h"
#include "packets/describe.h"
#include "printable.h"

namespace fakegpu::drv {

namespace reg = hw::reg;

namespace {

// Deeper steps stand in one column.
constexpr unsigned kMaxIndent = 24;

// The longest packet that is described.
constexpr size_t kPacketDwords = 64;

std::string ms(base::Nanos span) {
  return fmt::format("{}.{:03} ms", span / base::kNanosPerMilli,
                     std::max<base::Nanos>(span % base::kNanosPerMilli, 0) / 1000);
}

}  // namespace

void Explanation::say(unsigned depth, std::string_view line) {
  text_.append(2 * std::min(depth, kMaxIndent), ' ');
  text_ += line;
  text_ += '\n';
}

void Explanation::explain(fence::Fence& fence) {
  explain(fence, 0);
}

void Explanation::explain(fence::Fence& fence, unsigned depth) {
  if (++visits_ > kMaxVisits) {
    if (visits_ == kMaxVisits + 1) say(depth, "... and so on");
    return;
  }
  if (fence.test_signaled()) {
    say(depth, fence.error() ? fmt::format("signalled with error {}", fence.error())
                             : std::string("signalled"));
    return;
  }
  if (fence.is_container()) {
    fence::Unwrap members{fence::FenceRef(&fence)};
    while (fence::Fence* member = members.next())
      if (!member->test_signaled()) explain(*member, depth);
    return;
  }
  say(depth, fmt::format("fence {}:{} of {} {}", fence.context(), fence.seqno(),
                         fence.driver_name(), fence.timeline_name()));
  if (sched::Job* job = sched::Job::of(fence)) {
    explain(static_cast<SubmitJob&>(*job), depth + 1);
  } else {
    say(depth + 1, "is signalled by somebody else: software, or a job that is being finished");
  }
}

std::string Explanation::name_of(const SubmitJob& job) const {
  const uint64_t client = job.account().client_id();
  std::string who;
  if (const FileImpl* file = device_.find_client(client))
    who = fmt::format(", {} [{}]", printable(file->process().command), file->process().pid);
  return fmt::format("job {} of context {} (client {}{})", job.finished()->seqno(),
                     job.context().id(), client, who);
}

Ring* Explanation::ring_of(const sched::Scheduler& scheduler) const {
  for (const auto& ring : device_.rings())
    if (&ring->scheduler() == &scheduler) return ring.get();
  return nullptr;
}

void Explanation::explain(SubmitJob& job, unsigned depth) {
  if (!may_see(job)) {
    say(depth, fmt::format("a job of another client is {}", sched::job_state_name(job.state())));
    return;
  }
  switch (job.state()) {
    case sched::JobState::kQueued:
      explain_queued(job, depth);
      break;
    case sched::JobState::kRunning:
      explain_running(job, depth);
      break;
    default:
      say(depth, fmt::format("{} is {}", name_of(job), sched::job_state_name(job.state())));
  }
}

void Explanation::explain_queued(SubmitJob& job, unsigned depth) {
  sched::Entity* entity = job.entity();
  const base::Nanos age = device_.now() - job.pushed_at();
  if (!entity) {
    say(depth, fmt::format("{} was killed, and finishes after what is before it", name_of(job)));
    return;
  }
  const size_t ahead = entity->ahead_of(job);
  Ring* ring = ring_of(*entity->scheduler());
  say(depth, fmt::format("{} has been queued on {} for {}, behind {} of its context", name_of(job),
                         entity->scheduler()->name(), ms(age), ahead));
  if (ahead > 0) {
    if (sched::Job* head = entity->head()) explain(static_cast<SubmitJob&>(*head), depth + 1);
    return;
  }
  if (const fence::FenceRef waits = entity->waiting_for()) {
    say(depth + 1, "which waits for");
    explain(*waits, depth + 2);
    return;
  }
  if (entity->scheduler()->stopped()) {
    say(depth + 1, "whose ring stands for a recovery");
    return;
  }
  say(depth + 1,
      fmt::format("which may run when its turn comes (policy {}, {} ready)",
                  entity->scheduler()->policy().name(), entity->scheduler()->policy().ready()));
  sched::Job* executing = nullptr;
  entity->scheduler()->for_each_pending([&](sched::Job& pending) {
    if (!executing) executing = &pending;
  });
  if (executing && ring) {
    say(depth + 1, fmt::format("{} has {} in flight, expected to last {}", ring->info().name,
                               entity->scheduler()->credits_in_flight(),
                               ms(entity->scheduler()->depth_in_flight(device_.now()))));
    explain(static_cast<SubmitJob&>(*executing), depth + 2);
  }
}

void Explanation::explain_running(SubmitJob& job, unsigned depth) {
  Ring* ring = nullptr;
  SubmitJob* executing = nullptr;
  unsigned before = 0;
  for (const auto& candidate : device_.rings()) {
    unsigned position = 0;
    SubmitJob* first = nullptr;
    candidate->scheduler().for_each_pending([&](sched::Job& pending) {
      if (!first) first = static_cast<SubmitJob*>(&pending);
      if (&pending == &job) {
        ring = candidate.get();
        before = position;
      }
      ++position;
    });
    if (ring) {
      executing = first;
      break;
    }
  }
  if (!ring) {
    say(depth, fmt::format("{} has executed, and finishes after what is before it", name_of(job)));
    return;
  }
  if (before > 0) {
    say(depth, fmt::format("{} is in {} behind {}", name_of(job), ring->info().name, before));
    if (++visits_ <= kMaxVisits) explain(*executing, depth + 1);
    return;
  }
  say(depth, fmt::format("{} has been executing on {} for {}", name_of(job), ring->info().name,
                         ms(device_.now() - job.started_at())));
  if (device_.recovery().concerns(*ring)) say(depth + 1, "which is being recovered");
  explain_packet(*ring, job, depth + 1);
}

void Explanation::explain_packet(Ring& ring, const SubmitJob& executing, unsigned depth) {
  const auto read = [&](uint32_t offset) {
    return device_.function().read32(reg::ring(ring.info().index, offset));
  };
  const uint32_t status = read(reg::kRingStatus);
  if (status == reg::kNoAnswer) {
    say(depth, "the chip does not answer");
    return;
  }
  std::string flags;
  for (const auto& [bit, name] : {std::pair{reg::kRingBusy, "busy"},
                                  {reg::kRingWaiting, "waiting"},
                                  {reg::kRingFaulted, "faulted"},
                                  {reg::kRingHung, "hung"}})
    if (status & bit) flags += fmt::format(" {}", name);
  const bool sdma = ring.info().type == DRM_FAKEGPU_RING_SDMA;
  const auto describe = [sdma](std::span<const uint32_t> packet) {
    return sdma ? packets::describe_sdma_packet(packet) : packets::describe_pm4_packet(packet);
  };
  if (read(reg::kRingIbLevel) == 0) {
    const uint64_t rptr = device_.function().read64(reg::ring(ring.info().index, reg::kRingRptrLo));
    const auto contents = ring.contents();
    const size_t at = rptr % contents.size();
    const size_t rest = std::min<size_t>(contents.size() - at, kPacketDwords);
    say(depth, fmt::format("engine{}, at dword {} of the ring: {}", flags, rptr,
                           describe(contents.subspan(at, rest))));
    return;
  }
  const uint64_t base = device_.function().read64(reg::ring(ring.info().index, reg::kRingIbBaseLo));
  const uint32_t offset = read(reg::kRingIbOffset);
  std::vector<uint32_t> packet(kPacketDwords);
  packet.resize(executing.context().vm()->space().read(base + uint64_t{4} * offset,
                                                       std::as_writable_bytes(std::span(packet))) /
                4);
  say(depth, fmt::format("engine{}, at dword {} of the IB at {:#x}, {} workgroups done: {}", flags,
                         offset, base, read(reg::kRingWorkgroup), describe(packet)));
}

void Explanation::explain_client(FileImpl& file) {
  const std::string who = printable(file.process().command);
  say(0, fmt::format("client {} ({} [{}])", file.client_id(), who, file.process().pid));
  bool any = false;
  for (const auto& ring : device_.rings()) {
    ring->scheduler().for_each_pending([&](sched::Job& job) {
      if (job.account().client_id() != file.client_id() || ++visits_ > kMaxVisits) return;
      explain(static_cast<SubmitJob&>(job), 1);
      any = true;
    });
  }
  file.contexts().for_each([&](uint32_t, const ContextRef& context) {
    for (size_t ring = 0; ring < device_.rings().size(); ++ring) {
      const sched::Entity* entity = context->entity_of(static_cast<unsigned>(ring));
      sched::Job* head = entity ? entity->head() : nullptr;
      if (!head || ++visits_ > kMaxVisits) continue;
      explain(static_cast<SubmitJob&>(*head), 1);
      any = true;
    }
  });
  if (!any) say(1, "has nothing unfinished");
}

}  // namespace fakegpu::drv
