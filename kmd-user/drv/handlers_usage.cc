// SPDX-License-Identifier: MIT
// Who uses the device, and how much: the caller's contexts, and the open files that it may see.
#include <algorithm>

#include "client_usage.h"
#include "handlers.h"
#include "ioctl/drm_core.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

// As /proc lets a user look at its own processes, and root at all. Besides, what is behind the
// caller's own descriptor, whoever opened it.
bool may_see(const Call& call, const FileImpl& file) {
  return &file == &call.file || call.request.caller.uid == file.opener().uid || is_owner(call);
}

Outcome ctx_usage(Call& call) {
  auto& arg = call.as<drm_fakegpu_ctx_usage>();
  Device& device = call.file.device();
  const ContextRef context = call.file.contexts().find(arg.ctx_id);
  if (!context) return -ENOENT;
  if (arg.ring >= device.rings().size()) return -EINVAL;
  sched::Account* account = context->account(arg.ring);
  arg.usage = account ? usage_of(device, arg.ring, *account) : drm_fakegpu_usage{};
  return 0;
}

Outcome clients(Call& call) {
  auto& arg = call.as<drm_fakegpu_clients>();
  std::vector<drm_fakegpu_client> found;
  const Outcome outcome = under_lock(call, [&] {
    std::vector<const FileImpl*> files;
    arg.total = 0;
    for (const FileImpl* file : call.file.device().files()) {
      if (!may_see(call, *file)) continue;
      ++arg.total;
      if (file->client_id() > arg.after) files.push_back(file);
    }
    std::ranges::sort(files, {}, &FileImpl::client_id);
    files.resize(std::min<size_t>({files.size(), arg.count, ioctl::kMaxClients}));
    for (const FileImpl* file : files) found.push_back(client_of(*file));
    return 0;
  });
  if (*outcome != 0) return outcome;
  arg.count = static_cast<uint32_t>(found.size());
  if (found.empty()) return 0;
  return call.memory.store(arg.data, std::as_bytes(std::span(found))) ? 0 : -EFAULT;
}

Outcome fdinfo(Call& call) {
  auto& arg = call.as<drm_fakegpu_fdinfo>();
  std::string text;
  const Outcome outcome = under_lock(call, [&] {
    const FileImpl* file =
        arg.client_id == 0 ? &call.file : call.file.device().find_client(arg.client_id);
    if (!file || !may_see(call, *file)) return -ENOENT;
    text = fdinfo_of(*file);
    return 0;
  });
  if (*outcome != 0) return outcome;
  const size_t room = std::min<size_t>(arg.size, text.size());
  arg.size = static_cast<uint32_t>(text.size());
  if (room == 0) return 0;
  return call.memory.store(arg.data, std::as_bytes(std::span(text)).first(room)) ? 0 : -EFAULT;
}
int check_fdinfo(std::span<const std::byte> arg) {
  return view<drm_fakegpu_fdinfo>(arg).pad ? -EINVAL : 0;
}

// drm_set_client_name(). The text is copied before it is looked at.
Outcome set_client_name(Call& call) {
  const auto& arg = call.as<ioctl::SetClientName>();
  std::string name(arg.name_len, '\0');
  if (!name.empty() && !call.memory.fetch(arg.name, std::as_writable_bytes(std::span(name))))
    return -EFAULT;
  if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; })) return -EINVAL;
  return under_lock(call, [&] {
    call.file.set_client_name(std::move(name));
    return 0;
  });
}
int check_set_client_name(std::span<const std::byte> arg) {
  return view<ioctl::SetClientName>(arg).name_len > ioctl::kMaxClientName ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CTX_USAGE), locked<ctx_usage>, nullptr},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CLIENTS), clients, nullptr},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_FDINFO), fdinfo, check_fdinfo},
    {_IOC_NR(ioctl::kSetClientNameCommand), set_client_name, check_set_client_name},
};

}  // namespace

std::span<const HandlerRow> usage_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
