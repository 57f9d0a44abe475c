// SPDX-License-Identifier: MIT
// What tells people what the device was, and is, at: core dumps and explanations.
#include <algorithm>

#include "explanation.h"
#include "handlers.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

bool store(Call& call, uint64_t data, std::string_view text) {
  return text.empty() || call.memory.store(data, std::as_bytes(std::span(text)));
}

Outcome coredump(Call& call) {
  auto& arg = call.as<drm_fakegpu_coredump>();
  if (!is_owner(call)) return -EACCES;
  base::Ref<CoreDump> dump;
  const Outcome found = under_lock(call, [&]() -> Outcome {
    Device& device = call.file.device();
    dump = device.core_dumps().current(device.now());
    return dump ? 0 : -ENOENT;
  });
  if (*found != 0) return found;
  // Long, and nobody needs to wait for it: the dump does not change.
  const std::string text = arg.flags & DRM_FAKEGPU_COREDUMP_JSON ? dump->json() : dump->text();
  const size_t start = std::min<uint64_t>(arg.offset, text.size());
  const std::string_view part = std::string_view(text).substr(start, arg.size);
  if (!store(call, arg.data, part)) return -EFAULT;
  arg.size = static_cast<uint32_t>(part.size());
  arg.total = text.size();
  if (!(arg.flags & DRM_FAKEGPU_COREDUMP_RELEASE)) return 0;
  return under_lock(call, [&]() -> Outcome {
    CoreDumps& dumps = call.file.device().core_dumps();
    if (dumps.current(call.file.device().now()) == dump) dumps.release();
    return 0;
  });
}
int check_coredump(std::span<const std::byte> arg) {
  const auto& dump = view<drm_fakegpu_coredump>(arg);
  constexpr uint32_t kFlags = DRM_FAKEGPU_COREDUMP_JSON | DRM_FAKEGPU_COREDUMP_RELEASE;
  return (dump.flags & ~kFlags) || dump.size > ioctl::kMaxReportBytes ? -EINVAL : 0;
}

Outcome explain_job(FileImpl& file, const drm_fakegpu_explain& arg, Explanation& explanation) {
  const ContextRef context = file.contexts().find(arg.handle);
  if (!context) return -ENOENT;
  if (arg.ring >= file.device().rings().size()) return -EINVAL;
  const Progress& progress = context->progress(arg.ring);
  if (arg.point == 0 || arg.point > progress.submitted()) return -EINVAL;
  if (arg.point <= progress.finished()) {
    explanation.say(0, "finished");
  } else if (sched::Job* job = context->find_job(arg.ring, arg.point)) {
    explanation.explain(*job->finished());
  } else {
    explanation.say(0, "executed, and finishes after what is before it");
  }
  return 0;
}

Outcome explain_locked(Call& call, std::string& text) {
  const auto& arg = call.as<drm_fakegpu_explain>();
  FileImpl& file = call.file;
  Device& device = file.device();
  Explanation explanation(device, file.client_id(), is_owner(call));
  switch (arg.what) {
    case DRM_FAKEGPU_EXPLAIN_SYNCOBJ: {
      const fence::SyncobjRef syncobj = file.syncobjs().find(arg.handle);
      if (!syncobj) return -ENOENT;
      fence::FenceRef fence;
      if (syncobj->find(arg.point, device.now(), fence) != 0) {
        explanation.say(0, "nothing was submitted for this point so far");
      } else {
        explanation.explain(*fence);
      }
      break;
    }
    case DRM_FAKEGPU_EXPLAIN_JOB:
      if (const Outcome result = explain_job(file, arg, explanation); *result != 0) return result;
      break;
    case DRM_FAKEGPU_EXPLAIN_CLIENT: {
      FileImpl* client = &file;
      if (arg.point != 0 && arg.point != file.client_id()) {
        if (!is_owner(call)) return -EACCES;
        client = device.find_client(arg.point);
      }
      if (!client) return -ENOENT;
      explanation.explain_client(*client);
      break;
    }
    case DRM_FAKEGPU_EXPLAIN_ALL:
      if (!is_owner(call)) return -EACCES;
      device.for_each_client([&](FileImpl& client) { explanation.explain_client(client); });
      break;
    default:
      return -EINVAL;
  }
  text = explanation.take();
  return 0;
}

Outcome explain(Call& call) {
  auto& arg = call.as<drm_fakegpu_explain>();
  std::string text;
  const Outcome done = under_lock(call, [&] { return explain_locked(call, text); });
  if (*done != 0) return done;
  if (!store(call, arg.data, std::string_view(text).substr(0, arg.size))) return -EFAULT;
  arg.size = static_cast<uint32_t>(text.size());
  return 0;
}
int check_explain(std::span<const std::byte> arg) {
  const auto& explain = view<drm_fakegpu_explain>(arg);
  if (explain.pad || explain.pad2 || explain.size > ioctl::kMaxReportBytes) return -EINVAL;
  if (explain.what != DRM_FAKEGPU_EXPLAIN_JOB && explain.ring != 0) return -EINVAL;
  const bool of_client = explain.what >= DRM_FAKEGPU_EXPLAIN_CLIENT;
  if (explain.what == DRM_FAKEGPU_EXPLAIN_ALL && explain.point != 0) return -EINVAL;
  return of_client && explain.handle != 0 ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_COREDUMP), coredump, check_coredump},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_EXPLAIN), explain, check_explain},
};

}  // namespace

std::span<const HandlerRow> debug_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
