// SPDX-License-Identifier: MIT
// From a command word to its handler, as drm_ioctl() does it.
#include <drm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "handlers.h"
#include "ioctl/decode.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

constexpr size_t kMaxStruct = 512;

// A call of the table that this driver has; null rows: none of that number.
struct Known {
  const ioctl::Row* row = nullptr;
  const HandlerRow* handler = nullptr;
};

std::array<Known, 256> index_handlers() {
  std::array<Known, 256> index{};
  for (const auto rows :
       {core_handlers(), auth_handlers(), syncobj_handlers(), syncobj_fd_handlers(),
        query_handlers(), memory_handlers(), prime_handlers(), dumb_handlers(), context_handlers(),
        submit_handlers(), policy_handlers(), debug_handlers(), record_handlers(), usage_handlers(),
        fault_handlers(), monitor_handlers()})
    for (const HandlerRow& row : rows)
      if (const ioctl::Row* known = ioctl::find_row(DRM_IO(row.nr))) index[row.nr] = {known, &row};
  return index;
}

const Known& find(uint8_t nr) {
  static const auto kIndex = index_handlers();
  return kIndex[nr];
}

// drm_ioctl_permit().
int permit(const ioctl::Row& row, FileImpl& file, const Caller& caller) {
  if ((row.access & ioctl::kRootOnly) && !is_privileged(caller)) return -EACCES;
  const bool render = file.master() == nullptr;
  if (row.access & (ioctl::kAuth | ioctl::kMaster)) {
    DeviceLock::Guard guard(file.device().lock());
    if ((row.access & ioctl::kAuth) && !render && !file.master()->authenticated()) return -EACCES;
    if ((row.access & ioctl::kMaster) && (render || !file.master()->is_current())) return -EACCES;
  }
  return render && !(row.access & ioctl::kRenderAllow) ? -EACCES : 0;
}

// Type and number: 0 and both rows, or an errno.
int resolve(uint32_t command, const ioctl::Row** row, const HandlerRow** handler) {
  if (_IOC_TYPE(command) != 'd') return -ENOTTY;
  const Known& known = find(_IOC_NR(command));
  *row = known.row;
  *handler = known.handler;
  return *handler ? 0 : -EINVAL;
}

}  // namespace

ioctl::Plan FileImpl::plan(uint32_t command, const Caller& caller, std::span<const std::byte> arg) {
  const ioctl::Row* row = nullptr;
  const HandlerRow* handler = nullptr;
  ioctl::Plan plan;
  if ((plan.error = resolve(command, &row, &handler)) != 0) return plan;
  if ((plan.error = permit(*row, *this, caller)) != 0) return plan;
  if (!device_.has(handler->needs)) return {.error = -EOPNOTSUPP};
  std::array<std::byte, kMaxStruct> whole{};
  std::memcpy(whole.data(), arg.data(), std::min<size_t>(arg.size(), row->size));
  const std::span<const std::byte> known(whole.data(), row->size);
  if (handler->check && (plan.error = handler->check(known)) != 0) return plan;
  return ioctl::plan_arrays(*row, known);
}

Outcome FileImpl::ioctl(const Request& request, ioctl::UserMemory& memory, Reply reply) {
  const Outcome outcome = dispatch(request, memory, std::move(reply));
  if (!device_.faults().driver().fires(DriverFault::kUnplug)) return outcome;
  if (outcome) {
    device_.shutdown();
  } else {
    // The reply must not overtake the return.
    device_.executor().post([&device = device_] { device.shutdown(); });
  }
  return outcome;
}

Outcome FileImpl::dispatch(const Request& request, ioctl::UserMemory& memory, Reply reply) {
  if (device_.unplugged()) return -ENODEV;
  const ioctl::Row* row = nullptr;
  const HandlerRow* handler = nullptr;
  if (const int error = resolve(request.command, &row, &handler)) return error;

  alignas(8) std::array<std::byte, kMaxStruct> whole;
  const std::span<std::byte> arg(whole.data(), row->size);
  const ioctl::StructCopy copy = ioctl::struct_copy(request.command, *row);
  const size_t in = std::min<size_t>(copy.in_bytes, arg.size());
  if (in < arg.size()) std::memset(arg.data() + in, 0, arg.size() - in);
  if (in != 0 && !memory.fetch(request.arg, arg.first(in))) return -EFAULT;

  int result = permit(*row, *this, request.caller);
  if (result == 0 && !device_.has(handler->needs)) result = -EOPNOTSUPP;
  if (result == 0 && handler->check) result = handler->check(arg);
  if (result == 0) result = -device_.faults().driver().refuses(row->nr);
  if (result == 0) {
    Call call{*this, request, arg, memory, reply};
    const Outcome outcome = handler->handle(call);
    if (!outcome) return std::nullopt;
    result = *outcome;
  }
  if (base::log_enabled(base::LogLevel::kDebug))
    base::log(base::LogLevel::kDebug, "pid={}, {} = {}", request.caller.pid,
              ioctl::describe_call(request.command, arg.first(in)), result);

  // Copied back on errors too.
  const size_t out = std::min<size_t>(copy.out_bytes, arg.size());
  if (out != 0 && !memory.store(request.arg, arg.first(out))) return -EFAULT;
  return result;
}

}  // namespace fakegpu::drv
