// SPDX-License-Identifier: MIT
#include "sim/script.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/script_entities.h"
#include "sim/script_rings.h"
#include "sim/script_waits.h"

namespace fakegpu::sim {

namespace {

// BOs and syncobjs of one submission, and what one BO may have to wait for.
constexpr uint64_t kMaxDependencies = 1u << 20;

// Reads the records in order. Whatever is no driver's is a `problem`; what a gap explains is
// skipped.
class Compiler {
 public:
  explicit Compiler(uint64_t lost) : draft_(lost) {}

  bool add(const Record& record) {
    if (waits_.awaits() && record.kind != DRM_FAKEGPU_RECORD_DEPENDENCY &&
        record.kind != DRM_FAKEGPU_RECORD_LEAF && !draft_.lossy())
      return draft_.refuse("a dependency of the job before is missing");
    if (record.kind != DRM_FAKEGPU_RECORD_LOST) {
      if (!draft_.open_section(record)) return false;
      if (!draft_.is_beginning() && !end_beginning()) return false;
    }
    return dispatch(record);
  }
  base::Result<Script> finish() {
    Script& script = draft_.script();
    if (script.rings.empty()) return base::fail(EINVAL, "no rings");
    if (waits_.awaits() && !draft_.lossy())
      return base::fail(EINVAL, "a dependency of a job is missing");
    waits_.finish();
    if (!end_beginning()) return base::fail(EINVAL, "{}", problem());
    for (const ScriptRing& ring : script.rings)
      if (ring.policy.empty()) return base::fail(EINVAL, "a ring without a policy");
    const Nanos span = script.sections.back().time - script.sections.front().time;
    if (span > (Nanos{1} << 60) / static_cast<Nanos>(script.jobs.size() + 1))
      return base::fail(EINVAL, "{} jobs in {} ns are more than can be summed up",
                        script.jobs.size(), span);
    entities_.finish();
    std::stable_sort(script.early.begin(), script.early.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    rings_.finish();
    return std::move(script);
  }
  const std::string& problem() const { return draft_.problem(); }

 private:
  bool dispatch(const Record& record) {
    if (record.kind == DRM_FAKEGPU_RECORD_RING) return rings_.add(record);
    if (record.kind != DRM_FAKEGPU_RECORD_LOST && record.ring >= draft_.script().rings.size())
      return draft_.refuse(fmt::format("no ring {}", record.ring));
    if (record.kind > DRM_FAKEGPU_RECORD_LOST && record.kind <= DRM_FAKEGPU_RECORD_MEMORY)
      return of_beginning(record);
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_POLICY:
        return rings_.set_policy(record);
      case DRM_FAKEGPU_RECORD_ENTITY:
        return entities_.create(record);
      case DRM_FAKEGPU_RECORD_GONE:
      case DRM_FAKEGPU_RECORD_PRIORITY:
      case DRM_FAKEGPU_RECORD_KILLED:
      case DRM_FAKEGPU_RECORD_URGED:
      case DRM_FAKEGPU_RECORD_UNBLOCKED:
        return entities_.change(record);
      case DRM_FAKEGPU_RECORD_QUEUED:
        return queue(record);
      case DRM_FAKEGPU_RECORD_DEPENDENCY:
        return waits_.add(record);
      case DRM_FAKEGPU_RECORD_LEAF:
        return waits_.add_leaf(record);
      case DRM_FAKEGPU_RECORD_RUN:
      case DRM_FAKEGPU_RECORD_BLOCKED:
      case DRM_FAKEGPU_RECORD_DONE:
      case DRM_FAKEGPU_RECORD_FAILED:
        return of_job(record);
      case DRM_FAKEGPU_RECORD_SIGNALED:
        return waits_.signal(record);
      case DRM_FAKEGPU_RECORD_STOPPED:
        return rings_.stop(record.ring);
      case DRM_FAKEGPU_RECORD_RESTARTED:
        return rings_.restart(record.ring);
      case DRM_FAKEGPU_RECORD_LOST:
        waits_.lose();
        return true;
      default:
        return draft_.refuse(fmt::format("no record of kind {}", record.kind));
    }
  }

  bool end_beginning() {
    return std::exchange(begun_, true) || draft_.accept(beginning_.finish(waits_.end_beginning()));
  }
  bool of_beginning(const Record& record) {
    if (!draft_.is_beginning()) return draft_.refuse("told of the beginning too late");
    if (record.kind == DRM_FAKEGPU_RECORD_TOTALS) return draft_.accept(beginning_.totals(record));
    const uint32_t entity = record.context == 0 ? kNone : entities_.find(record);
    if (record.context != 0 && entity == kNone)
      return draft_.unknown(fmt::format("no context {}", record.context));
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_ACCOUNT:
        return draft_.accept(beginning_.account(record, entity));
      case DRM_FAKEGPU_RECORD_LIFT:
        return draft_.accept(beginning_.lift(record, entity));
      case DRM_FAKEGPU_RECORD_MEMORY:
        return draft_.accept(beginning_.memory(record, entity));
      default:
        return of_job(record);
    }
  }
  bool end(const Record& record, uint32_t index) {
    ScriptJob& job = draft_.script().jobs[index];
    if (!draft_.accept(beginning_.ended(record, index))) return false;
    job.ran = true;
    entities_.count_run(job.entity);
    return true;
  }

  bool queue(const Record& record) {
    const bool before = record.value[2] != 0;
    if (before != draft_.is_beginning()) return draft_.refuse("a job of the beginning, or not");
    const uint32_t entity = entities_.find(record);
    if (entity == kNone) {
      waits_.skip();
      return draft_.unknown(fmt::format("no context {}", record.context));
    }
    if (draft_.find_job({record.context, record.seqno}) != kNone)
      return draft_.refuse("a job out of its context's order");
    if (!entities_.queue(entity, record.seqno)) return false;
    if (record.value[0] < 1 || record.value[0] > UINT32_MAX)
      return draft_.refuse("a job without credits");
    if (record.value[1] > kMaxDependencies) return draft_.refuse("too many dependencies");
    waits_.expect(record.value[1]);
    ScriptJob job;
    job.entity = entity;
    job.seqno = record.seqno;
    job.credits = static_cast<uint32_t>(record.value[0]);
    job.pushed = before ? static_cast<Nanos>(record.value[3]) : draft_.now();
    job.first_wait = static_cast<uint32_t>(draft_.script().waits.size());
    const uint32_t index = draft_.add_job(record.context, std::move(job));
    entities_.count_queued(entity);
    if (before) return draft_.accept(beginning_.job(record, entity));
    draft_.add_event(ScriptEvent::Kind::kQueue, index);
    return true;
  }

  bool of_job(const Record& record) {
    const uint32_t index = draft_.find_job({record.context, record.seqno});
    const Script& script = draft_.script();
    if (index == kNone || script.entities[script.jobs[index].entity].ring != record.ring)
      return draft_.unknown(fmt::format("no job {}:{}", record.context, record.seqno));
    const ScriptJob& job = script.jobs[index];
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_RUN:
        if (!rings_.run(record, index)) return false;
        entities_.count_run(job.entity);
        return true;
      case DRM_FAKEGPU_RECORD_BLOCKED:
        if (job.ran) return draft_.unknown("blocked out of turn");
        return entities_.block(job.entity, index);
      case DRM_FAKEGPU_RECORD_DONE:
        return rings_.done(record, index);
      case DRM_FAKEGPU_RECORD_CHARGE:
        return draft_.accept(beginning_.charge(record, index));
      case DRM_FAKEGPU_RECORD_ENDED:
        return end(record, index);
      default:
        return rings_.fail(record, index);
    }
  }

  ScriptDraft draft_;
  BeginningReader beginning_{draft_.script().beginning};
  ScriptEntities entities_{draft_, beginning_};
  ScriptRings rings_{draft_, beginning_};
  ScriptWaits waits_{draft_};
  bool begun_ = false;  // and beyond the first section
};

}  // namespace

base::Result<Script> Script::compile(std::span<const Record> records) {
  Compiler compiler(lost_of(records));
  for (size_t i = 0; i < records.size(); ++i) {
    if (!compiler.add(records[i]))
      return base::fail(EINVAL, "line {}: {}", i + 2, compiler.problem());
  }
  auto script = compiler.finish();
  if (!script)
    return base::fail(EINVAL, "line {}: {}", records.size() + 2, script.error().message());
  return script;
}

}  // namespace fakegpu::sim
