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
#include "drv/machine.h"
#include "ioctl/plan.h"
#include "node_kind.h"
#include "pending_calls.h"
#include "retry_book.h"

namespace fakegpu::cuse_dev {

class FuseDevice {
 public:
  // One open(); what fuse_file_info::fh holds.
  struct OpenFile {
    std::unique_ptr<drv::File> file;
    RetryBook retries;
  };

  // `unrestricted`: ioctl memory is asked for by retries. Else the kernel moves the struct by its
  // command word, and arrays are read and written in the caller's process.
  explicit FuseDevice(bool unrestricted);

  // Before the first request.
  void attach(drv::Machine& machine) { machine_ = &machine; }

  // `memory_of`: as open_through() takes it.
  base::Result<OpenFile*> open(fuse_req_t request, NodeKind kind, drv::File* memory_of = nullptr);
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
  void restricted(fuse_req_t request, OpenFile& open, const drv::Request& call,
                  std::span<const std::byte> in, size_t out_bytes);
  void unrestricted(fuse_req_t request, OpenFile& open, const drv::Request& call,
                    std::span<const std::byte> in, size_t out_bytes);
  void run_planned(fuse_req_t request, OpenFile& open, const drv::Request& call,
                   std::span<const ioctl::Segment> segments, std::span<const std::byte> in);
  void run(fuse_req_t request, OpenFile& open, const drv::Request& call, ioctl::UserMemory& memory,
           std::span<const std::byte> out, size_t struct_out_bytes);
  void ask(fuse_req_t request, uint64_t arg, ioctl::StructCopy copy,
           std::span<const ioctl::Segment> segments);

  const bool unrestricted_;
  drv::Machine* machine_ = nullptr;
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> files_;
  PendingCalls pending_;
  // What goes back to the caller: built here, as requests are handled one at a time.
  std::vector<std::byte> out_;
  std::vector<iovec> in_ranges_;
  std::vector<iovec> out_ranges_;
};

}  // namespace fakegpu::cuse_dev
