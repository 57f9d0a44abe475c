// SPDX-License-Identifier: MIT
// An ioctl that does nothing, DRM_IOCTL_GET_CAP, through the daemon; against the same call answered
// by empty-server, which has nothing but the transport.
//
//   bench-transport fuse|cuse DAEMON EMPTY-SERVER [benchmark options]
#include <benchmark/benchmark.h>
#include <drm.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

#include "../support/daemon_process.h"
#include "base/unique_fd.h"
#include "comparison.h"

namespace fakegpu::bench {

namespace {

void call(benchmark::State& state, const support::DaemonProcess& server, bool one_cpu) {
  std::optional<OneCpu> pinned;
  if (one_cpu) pinned.emplace();
  share_cpus_with(server.pid());
  const base::UniqueFd node(::open(server.where().c_str(), O_RDWR | O_CLOEXEC));
  if (!node) {
    state.SkipWithError(std::strerror(errno));
    return;
  }
  drm_get_cap cap = {};
  cap.capability = DRM_CAP_SYNCOBJ;
  for ([[maybe_unused]] auto unused : state) {
    if (::ioctl(node.get(), DRM_IOCTL_GET_CAP, &cap) != 0 || cap.value != 1) {
      state.SkipWithError("the call failed");
      return;
    }
  }
}

void add(const std::string& name, const support::DaemonProcess& server, bool one_cpu) {
  benchmark::RegisterBenchmark(name.c_str(), [&server, one_cpu](benchmark::State& state) {
    call(state, server, one_cpu);
  })->UseRealTime();
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu;
  using namespace fakegpu::bench;
  if (argc < 4) {
    fmt::print(stderr, "usage: bench-transport fuse|cuse DAEMON EMPTY-SERVER [OPTION...]\n");
    return 2;
  }
  const std::string transport = argv[1];
  const char* node = transport == "cuse" ? "/dev/cuse" : "/dev/fuse";
  if (!base::UniqueFd(::open(node, O_RDWR | O_CLOEXEC))) {
    fmt::print("machine lacks {}, or the right to it\n", node);
    return 77;
  }
  const support::DaemonProcess daemon(argv[2], transport, {});
  const support::DaemonProcess empty(argv[3], transport, {});

  const std::string ours = "fakegpud by " + transport;
  const std::string theirs = "empty server by " + transport;
  add(ours + ", one CPU", daemon, true);
  add(theirs + ", one CPU", empty, true);
  // How far apart two CPUs are is the machine's business, and changes the ratio.
  if (std::thread::hardware_concurrency() > 1) {
    add(ours, daemon, false);
    add(theirs, empty, false);
  }
  const Comparison comparisons[] = {
      {"ioctl by " + transport + " / empty handler, on one CPU", ours + ", one CPU",
       theirs + ", one CPU", Bound::kAtMost, 1.15},
      {"the same, where the scheduler likes", ours, theirs},
  };
  argv[3] = argv[0];
  return run(argc - 3, argv + 3, comparisons);
}
