// SPDX-License-Identifier: MIT
// The requests of a FUSE or CUSE connection that concern open device files, answered by the driver.
// How the connection came about is not known here.
//
// Everything but the driver's late replies happens in the thread that serves the connection.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "call_memory.h"
#include "drv/machine.h"
#include "ioctl/plan.h"
#include "node_call.h"
#include "node_files.h"
#include "node_kind.h"
#include "open_file.h"
#include "pending_calls.h"

namespace fakegpu::cuse_dev {

class FuseDevice {
 public:
  // `unrestricted`: ioctl memory is asked for by retries, up to kMaxCallBytes in each direction.
  // Else, and beyond that if this process may, the kernel moves the struct only, and arrays are
  // read and written in the caller's process.
  FuseDevice(bool unrestricted, std::shared_ptr<NodeFiles> nodes);

  // Before the first request.
  void attach(drv::Machine& machine) { machine_ = &machine; }

  // `memory_of`: as open_through() takes it.
  base::Result<OpenFile*> open(fuse_req_t request, NodeKind kind, drv::File* memory_of = nullptr);
  // The open file that is to be what was claimed.
  OpenFile* open_claimed(std::unique_ptr<drv::File> file);
  void close(OpenFile* open);
  // The file that a request names by what the reply to its open said; nullptr: that of a directory.
  static OpenFile* find(const fuse_file_info* info) {
    return reinterpret_cast<OpenFile*>(info->fh);  // NOLINT: the kernel keeps it as it was
  }

  // Each answers `request` or leaves it pending under `id`.
  void ioctl(fuse_req_t request, uint64_t id, OpenFile& open, uint32_t command, uint64_t arg,
             std::span<const std::byte> in, size_t out_bytes);
  void read(fuse_req_t request, uint64_t id, OpenFile& open, size_t bytes, bool nonblock);
  void poll(fuse_req_t request, OpenFile& open, fuse_pollhandle* handle);

  // A signal for the caller of `id`.
  void interrupt(uint64_t id);

  // Ends everything: closes all files, and answers their pending calls with -ENODEV. No reply may
  // be under way in another thread unless the connection lives on until it is through.
  void close_all();

  size_t open_files() const { return files_.size(); }

 private:
  // One ioctl, from its last trip on.
  struct Call {
    fuse_req_t request;
    OpenFile& open;
    NodeCall what;
    uint64_t arg;
    drv::Caller caller;
    uint64_t id;
    bool direct;  // arrays are read and written in the caller's process
  };
  // A call whose descriptor is being looked at, with what was fetched for it.
  struct Fetching {
    Call call;
    std::vector<std::byte> in;
    size_t out_bytes;
    std::vector<ioctl::Segment> segments;
  };

  OpenFile* enter(std::unique_ptr<drv::File> file, OpenFile::Stage stage);
  void restricted(const Call& call, std::span<const std::byte> in, size_t out_bytes);
  void unrestricted(const Call& call, std::span<const std::byte> in, size_t out_bytes);
  // An unrestricted call that moves more than the kernel brings, and came with its struct.
  void serve_large(Call call, std::span<const std::byte> in);
  // What of the struct moves.
  CallStruct struct_of(const Call& call) const;
  void ask(const Call& call, std::span<const ioctl::Segment> segments);
  // `in`, `out_bytes` and `segments` as the call came with them, whole.
  void serve(const Call& call, std::span<const std::byte> in, size_t out_bytes,
             std::span<const ioctl::Segment> segments);
  // The two calls that the driver knows nothing of.
  void attach(const Call& call, std::span<const std::byte> in);
  void identify(const Call& call, size_t out_bytes);
  void take_descriptor(const Call& call, std::span<const std::byte> in, size_t out_bytes,
                       std::span<const ioctl::Segment> segments);
  void descriptor_taken(uint64_t id, FetchedFd fetched);
  void perform(const Call& call, std::span<const std::byte> in, size_t out_bytes,
               std::span<const ioctl::Segment> segments, drv::TakenFd taken);
  void run(const Call& call, CallMemory& memory, drv::TakenFd taken);

  const bool unrestricted_;
  const std::shared_ptr<NodeFiles> nodes_;
  drv::Machine* machine_ = nullptr;
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> files_;
  PendingCalls pending_;
  std::unordered_map<uint64_t, Fetching> fetching_;
  // What goes back to the caller: built here, as requests are handled one at a time.
  std::vector<std::byte> out_;
  CallRanges ranges_;
};

}  // namespace fakegpu::cuse_dev
