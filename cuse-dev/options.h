// SPDX-License-Identifier: MIT
// The daemon's command line.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "drv/machine.h"
#include "hw/profile.h"
#include "loop.h"

namespace fakegpu::cuse_dev {

enum class TransportKind {
  kAuto,  // CUSE, else FUSE, and the socket
  kCuse,  // and the socket, as the channel
  kFuse,  // and the socket, as the channel
  kSocket,
  kAll,  // of these, each that works here
};

struct Options {
  TransportKind transport = TransportKind::kAuto;
  std::string name = "fakegpu";  // of the CUSE node below /dev
  // Further CUSE nodes below /dev; empty: none. FUSE has one of each beside its main file.
  std::string card;
  std::string render;
  std::string sw_sync = "sw_sync";
  bool sw_sync_needed = false;  // an error if it cannot be had
  mode_t mode = 0666;           // of nodes, and for who comes by the socket
  bool restricted = false;
  std::string fuse_directory;  // default_directory() + "/fs"
  std::string link;
  std::string bind;
  std::string socket;  // default_directory() + "/socket"; empty: none
  hw::Profile profile;
  drv::Options driver;
  unsigned workers = 0;             // 0: one less than there are processors, 1 to 4
  std::vector<std::string> faults;  // ioctl/fault_text.h; understood, but for names
  base::LogLevel log_level = base::LogLevel::kWarning;
  std::string trace_file;
  int ready_fd = -1;
  LoopKind loop = LoopKind::kAuto;
};

// Where the socket and the mount are unless told: /run/fakegpu for root; for another user
// `runtime_directory` (of $XDG_RUNTIME_DIR) + "/fakegpu", if that is an absolute path as the XDG
// base directory specification demands. libdrm_fakegpu looks in both.
std::string default_directory(uid_t user, const char* runtime_directory);

// What main() is to do: go on with `options`, or exit at once with `status` (help, version,
// mistakes; the text has been printed).
struct ParsedOptions {
  Options options;
  std::optional<int> status;
};
ParsedOptions parse_options(int argc, const char* const* argv);

// amdgpu's lockup_timeout: up to four numbers of ms, for gfx, compute, SDMA and video (of which
// there is none); 0 keeps the default, negative is for ever; one alone is for all but compute.
// -EINVAL.
base::Result<drv::LockupTimeout> parse_lockup_timeout(std::string_view text);

// "0666". Nothing: not an octal number up to 0777.
std::optional<mode_t> parse_mode(std::string_view text);

}  // namespace fakegpu::cuse_dev
