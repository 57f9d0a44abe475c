// SPDX-License-Identifier: MIT
#include "sim/beginning.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace fakegpu::sim {

namespace {

using Place = sched::JobMemory::Place;

constexpr uint64_t kMostJobs = uint64_t{1} << 61;

// A time before the recording.
bool is_earlier(uint64_t time, const Record& record) {
  return static_cast<int64_t>(time) >= 0 && static_cast<int64_t>(time) <= record.time_ns;
}

bool is_average(const sched::AccountMemory& account) {
  return account.completed <= kMostJobs && account.average >= 0 &&
         account.average <= sched::SchedulerMemory::kLongest;
}

sched::AccountMemory account_of(const Record& record) {
  return {record.value[0], static_cast<Nanos>(record.value[1])};
}

}  // namespace

// Entities and jobs of the beginning are the first there are.
BeginningEntity* BeginningReader::find_entity(uint32_t entity) {
  return entity < to_.entities.size() ? &to_.entities[entity] : nullptr;
}

sched::JobMemory* BeginningReader::find_job(uint32_t job) {
  return job < to_.jobs.size() ? &to_.jobs[job] : nullptr;
}

std::string_view BeginningReader::job(const Record& record, uint32_t entity) {
  if (!find_entity(entity)) return "a job of nobody";
  to_.jobs.emplace_back().pushed_at = static_cast<Nanos>(record.value[3]);
  entities_.push_back(entity);
  seqnos_.push_back(record.seqno);
  return is_earlier(record.value[3], record) ? "" : "a job that was pushed later";
}

std::string_view BeginningReader::totals(const Record& record) {
  BeginningRing& ring = to_.rings[record.ring];
  ring.totals = account_of(record);
  ring.idle_since = static_cast<Nanos>(record.value[2]);
  return is_average(ring.totals) && is_earlier(record.value[2], record) ? ""
                                                                        : "totals that cannot be";
}

std::string_view BeginningReader::account(const Record& record, uint32_t entity) {
  BeginningEntity* of = find_entity(entity);
  if (!of || record.seqno > kMostJobs ||
      record.value[2] > static_cast<uint64_t>(sched::SchedulerMemory::kMostGpuTime))
    return "an account that cannot be";
  of->account = account_of(record);
  of->account.gpu_time = static_cast<Nanos>(record.value[2]);
  of->last_seqno = record.seqno;
  of->woken = record.value[3] != 0;
  return is_average(of->account) ? "" : "an account that cannot be";
}

std::string_view BeginningReader::lift(const Record& record, uint32_t entity) {
  BeginningEntity* of = find_entity(entity);
  if (!of || record.seqno == 0 || record.seqno > kMostJobs ||
      record.value[1] > static_cast<uint64_t>(sched::PolicyMemory::kMost) ||
      record.value[2] >= sched::kPriorities)
    return "a lift that cannot be";
  of->lift = {.until = record.seqno,
              .waited = record.value[0] != 0,
              .deadline = static_cast<Nanos>(record.value[1]),
              .priority = static_cast<sched::Priority>(record.value[2]),
              .client = record.value[3]};
  return "";
}

std::string_view BeginningReader::charge(const Record& record, uint32_t job) {
  sched::JobMemory* of = find_job(job);
  if (!of || record.value[0] > static_cast<uint64_t>(sched::SchedulerMemory::kLongest) ||
      record.value[1] > UINT32_MAX || record.value[3] > UINT32_MAX)
    return "a charge that cannot be";
  of->expected = static_cast<Nanos>(record.value[0]);
  of->flow = static_cast<uint32_t>(record.value[1]);
  of->charged = record.value[2] != 0;
  of->met = static_cast<uint32_t>(record.value[3]);
  return "";
}

std::string_view BeginningReader::started(const Record& record, uint32_t job) {
  sched::JobMemory* of = find_job(job);
  if (!of || record.value[0] != 0 || !is_earlier(record.value[2], record))
    return "a start that cannot be";
  of->place = Place::kOnRing;
  of->started = true;
  of->started_at = static_cast<Nanos>(record.value[2]);
  return "";
}

std::string_view BeginningReader::ended(const Record& record, uint32_t job) {
  sched::JobMemory* of = find_job(job);
  const auto error = static_cast<int64_t>(record.value[1]);
  if (!of || of->place != Place::kQueued || error > 0 || error < -4095 ||
      !is_earlier(record.value[0], record) || !is_earlier(record.value[2], record) ||
      record.value[3] > 3)
    return "an end that cannot be";
  of->place = (record.value[3] & 2) != 0 ? Place::kFinished : Place::kSettled;
  of->started = (record.value[3] & 1) != 0;
  of->error = static_cast<int>(error);
  of->started_at = static_cast<Nanos>(record.value[2]);
  of->finished_at = static_cast<Nanos>(record.value[0]);
  return "";
}

std::string_view BeginningReader::blocked(uint32_t entity, uint32_t job) {
  BeginningEntity* of = find_entity(entity);
  sched::JobMemory* head = find_job(job);
  if (!of || !head || head->place != Place::kQueued) return "blocked without a job";
  of->blocked = job;
  return "";
}

std::string_view BeginningReader::memory(const Record& record, uint32_t entity) {
  if (entity != kNone && (!find_entity(entity) || find_entity(entity)->gone))
    return "a memory of nobody";
  BeginningMemory& kept = to_.memory.emplace_back();
  kept.ring = record.ring;
  kept.entity = entity;
  const char* const name = reinterpret_cast<const char*>(record.value);
  kept.name.assign(name, ::strnlen(name, sched::PolicyMemory::kMaxName));
  kept.index = record.seqno;
  for (size_t i = 0; i < kept.numbers.size(); ++i)
    kept.numbers[i] = static_cast<int64_t>(record.value[1 + i]);
  return "";
}

std::string_view BeginningReader::finish(std::span<const std::pair<uint32_t, uint32_t>> waits) {
  // By job: who comes after it, and how many come before it.
  const size_t count = to_.jobs.size();
  std::vector<std::vector<uint32_t>> after(count);
  std::vector<uint32_t> before(count);
  const auto order = [&](uint32_t first, uint32_t second) {
    after[first].push_back(second);
    ++before[second];
  };
  for (const auto& [waiting, awaited] : waits) order(awaited, waiting);
  Nanos expected = 0;
  std::map<uint32_t, std::vector<uint32_t>> by_entity;
  for (uint32_t i = 0; i < count; ++i) {
    by_entity[entities_[i]].push_back(i);
    if (to_.entities[entities_[i]].gone && to_.jobs[i].place == Place::kQueued)
      return "a job in the queue of nobody";
    expected += to_.jobs[i].expected;
    if (expected > sched::PolicyMemory::kMost) return "more work than can be summed up";
  }
  for (auto& [entity, jobs] : by_entity) {
    std::ranges::sort(jobs, {}, [this](uint32_t i) { return seqnos_[i]; });
    uint32_t first_queued = kNone;
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (i > 0) order(jobs[i - 1], jobs[i]);
      const bool is_queued = to_.jobs[jobs[i]].place == Place::kQueued;
      if (first_queued != kNone && (!is_queued || jobs[i] < jobs[i - 1]))
        return "a job that overtook another of its context";
      if (is_queued && first_queued == kNone) first_queued = jobs[i];
    }
    const uint32_t blocked = to_.entities[entity].blocked;
    if (blocked != kNone && blocked != first_queued) return "blocked out of turn";
  }
  for (uint32_t i = 0; i < count; ++i)
    if (before[i] == 0) to_.making.push_back(i);
  for (size_t at = 0; at < to_.making.size(); ++at)
    for (const uint32_t next : after[to_.making[at]])
      if (--before[next] == 0) to_.making.push_back(next);
  return to_.making.size() == count ? "" : "jobs that wait for each other";
}

}  // namespace fakegpu::sim
