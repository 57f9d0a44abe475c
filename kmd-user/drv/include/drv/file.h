// SPDX-License-Identifier: MIT
// One open file, and the only entrance to the driver: File::ioctl. Of the device, or what a
// descriptor from an ioctl refers to: a syncobj, a sync_file, a dma-buf. Real counterpart: struct
// file with its operations, and drm_ioctl(). Any thread; the driver takes its own lock and never
// blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/unique_function.h"
#include "drv/descriptors.h"
#include "drv/outcome.h"
#include "ioctl/plan.h"
#include "ioctl/user_memory.h"

namespace fakegpu::drv {

// Who calls, as the transport knows it from the kernel. Of the call, not of the open: a passed fd
// is judged by who uses it.
struct Caller {
  int32_t pid = 0;  // or thread id; 0 if it is not visible from here
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct Request {
  uint32_t command = 0;  // the caller's command word
  uint64_t arg = 0;      // the struct's address in the caller
  Caller caller;
  // Names this call for interrupt(); chosen by the transport, unique among the file's pending
  // calls.
  uint64_t id = 0;
  // Used during the call only. nullptr: the transport has none (-EOPNOTSUPP for calls that name a
  // descriptor).
  Descriptors* descriptors = nullptr;
};

// The answer of a call that was pending: the result (0 or negative errno) and the struct as it is
// to be copied back, cut by the transport to StructCopy::out_bytes. Runs on any thread, under no
// lock of the driver, exactly once.
using Reply = base::UniqueFunction<void(int result, std::span<const std::byte> arg_out)>;

// The answer of a read(): bytes read or negative errno.
using ReadReply = base::UniqueFunction<void(int result, std::span<const std::byte> bytes)>;

class File {
 public:
  // Closes. Calls still pending are dropped with their replies unused: whoever closes has nobody
  // left to answer. Queued jobs are killed (-ESRCH), those on a ring run to their end.
  virtual ~File() = default;

  // What this call will touch besides its struct, for transports that must fetch before they call.
  // `arg`: the struct as fetched, any length up to the row's. An error in the plan is the final
  // answer (unknown call, access denied, flags and padding that the kernel checks before it reads
  // arrays). Changes nothing.
  virtual ioctl::Plan plan(uint32_t command, const Caller& caller,
                           std::span<const std::byte> arg) = 0;

  // The call itself. The struct is fetched from `memory` at request.arg and, when the answer is
  // immediate, stored back there, on errors too (as DRM does). Returns the result; or nothing, and
  // then `reply` follows from another call or thread. `memory` is not used after the return.
  // `reply` is dropped unused if a result is returned.
  virtual Outcome ioctl(const Request& request, ioctl::UserMemory& memory, Reply reply) = 0;

  // A signal arrived for the caller of a pending call: it is answered -EINTR, unless it just was
  // answered. False: no such call is pending.
  virtual bool interrupt(uint64_t id) = 0;

  // Whole DRM events that fit in `bytes`; without any: -EAGAIN if `nonblock`, else pending until
  // one arrives. Returns and replies as ioctl().
  virtual std::optional<int> read(uint64_t id, std::span<std::byte> bytes, bool nonblock,
                                  ReadReply reply) = 0;

  // POLLIN if an event can be read. If not, and `wake` is given, it is called once when that
  // changes; a later poll() replaces an earlier wake.
  virtual short poll(base::UniqueFunction<void()> wake) = 0;

  // Memory for a client to map, its descriptor duplicated.
  struct Backing {
    base::UniqueFd fd;
    uint64_t offset;
    uint64_t size;
    bool writable = true;  // false: PROT_READ only
  };
  // What mmap() of this file shows: of the device's the arena, created at the first use; of a
  // dma-buf its BO. -ENODEV: it cannot be mapped.
  virtual base::Result<Backing> pages() { return base::fail(ENODEV, "a file without memory"); }

  // The rest is the device's files'; others answer -ENODEV.

  // What backs a BO. -ENOENT: no such handle.
  virtual base::Result<Backing> bo_backing(uint32_t handle) {
    return base::fail(ENODEV, "BO {} of a file that is not the device's", handle);
  }

  // The fence page (struct drm_fakegpu_wait_seqno says what it shows); made at the first use.
  // Sealed, so that it can be mapped for reading only. kExpected: whoever gets it may sleep on its
  // slots; from then on each job that finishes costs the wake of those who might.
  enum class Sleepers { kNone, kExpected };
  virtual base::Result<Backing> fence_page(Sleepers) {
    return base::fail(ENODEV, "the fence page of a file that is not the device's");
  }

  // `closed` is called once when the file is being closed, before anything is freed, so that a
  // channel which joined it can let go. Several may be set; `owner` names one for
  // cancel_on_close().
  virtual void on_close(const void*, base::UniqueFunction<void()>) {}
  virtual void cancel_on_close(const void*) {}
};

}  // namespace fakegpu::drv
