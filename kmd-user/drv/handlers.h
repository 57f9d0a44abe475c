// SPDX-License-Identifier: MIT
// The ioctl handlers. Each takes one call, and refuses before it changes anything. They run without
// the device lock and take it, by locked() or under_lock(), once their arguments are fetched.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "drv/file.h"
#include "file_impl.h"

namespace fakegpu::drv {

// One call on its way through the driver.
struct Call {
  FileImpl& file;
  const Request& request;
  std::span<std::byte> arg;  // the struct, as long as this build's; copied back by the dispatcher
  ioctl::UserMemory& memory;
  Reply& reply;  // taken by a handler that returns nothing

  template <typename T>
  T& as() {
    return *reinterpret_cast<T*>(arg.data());
  }

  // Copies an array of the caller's. False: -EFAULT.
  template <typename Array>
  bool fetch(uint64_t address, size_t count, Array& to) {
    to.resize(count);
    return count == 0 || memory.fetch(address, std::as_writable_bytes(std::span(to)));
  }
};

// What VERSION tells.
inline constexpr int kDriverMajor = 1;
inline constexpr int kDriverMinor = 0;

using Handler = Outcome (*)(Call&);
// What the kernel checks before it reads arrays: features, flags, padding, counts. 0 or negative
// errno. Changes nothing and needs no lock.
using Check = int (*)(std::span<const std::byte> arg);

// The struct that a check looks at.
template <typename T>
const T& view(std::span<const std::byte> arg) {
  return *reinterpret_cast<const T*>(arg.data());
}

// Runs `body`, which gives an Outcome, under the device lock, unless the device is gone: -ENODEV.
// The dispatcher looks before the arguments are fetched, and the device may go meanwhile; from then
// on nothing may be freed that an engine could still use (drm_dev_enter()).
template <typename Body>
Outcome under_lock(const Call& call, Body body) {
  Device& device = call.file.device();
  DeviceLock::Guard guard(device.lock());
  if (device.unplugged()) return -ENODEV;
  return body();
}

// A whole handler under the device lock: of a call without arrays.
template <Handler handle>
Outcome locked(Call& call) {
  return under_lock(call, [&call] { return handle(call); });
}

// In the order of reading; there are few.
struct HandlerRow {  // NOLINT(clang-analyzer-optin.performance.Padding)
  uint8_t nr;
  Handler handle;
  Check check;         // may be null
  uint32_t needs = 0;  // Feature bits, all of them
};

// The rows of each family.
std::span<const HandlerRow> core_handlers();
std::span<const HandlerRow> auth_handlers();
std::span<const HandlerRow> syncobj_handlers();
std::span<const HandlerRow> syncobj_fd_handlers();
std::span<const HandlerRow> query_handlers();
std::span<const HandlerRow> memory_handlers();
std::span<const HandlerRow> prime_handlers();
std::span<const HandlerRow> dumb_handlers();
std::span<const HandlerRow> context_handlers();
std::span<const HandlerRow> submit_handlers();
std::span<const HandlerRow> policy_handlers();
std::span<const HandlerRow> debug_handlers();
std::span<const HandlerRow> fault_handlers();
std::span<const HandlerRow> record_handlers();
std::span<const HandlerRow> monitor_handlers();
std::span<const HandlerRow> usage_handlers();

// Root, and the user that the daemon runs as. (The capability of another process cannot be asked
// for reliably across namespaces.)
inline bool is_owner(const Call& call) {
  const uint32_t uid = call.request.caller.uid;
  return uid == 0 || uid == call.file.device().options().owner_uid;
}

// Lets those in that wait in `queue`, which is not empty, until the first for which there is no
// room; answers those that are refused now. True: somebody left. Under the device lock.
bool submit_waiting(SubmitQueue& queue);

// A creation that would go on fails, by a fault that is injected: -ENOMEM. Asked once for each.
inline bool out_of_memory(const FileImpl& file) {
  return file.device().faults().driver().fires(DriverFault::kNoMemory);
}

// What BO_CREATE and CREATE_DUMB do: a new BO with its handle and its size in whole pages. 0 or a
// negative errno, with nothing changed. Under the device lock.
int create_bo(FileImpl& file, const mm::BoRequest& request, __u32* handle, __u64* size);

}  // namespace fakegpu::drv
