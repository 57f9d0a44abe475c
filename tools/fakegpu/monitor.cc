// SPDX-License-Identifier: MIT
#include "monitor.h"

#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>
#include <nlohmann/json.hpp>

#include "daemon.h"
#include "ioctl/wedged_text.h"
#include "terminal.h"

namespace fakegpu::tools {

namespace {

using Clock = std::chrono::steady_clock;

// Between two looks. Not every transport has a descriptor to poll.
constexpr auto kNap = std::chrono::milliseconds(10);
// As in the tree that `fakegpu run --dri` shows.
constexpr std::string_view kDevicePath = "/devices/platform/fakegpu.0/drm/card0";

void print_json(const drm_fakegpu_event_wedged& event) {
  nlohmann::ordered_json line = {{"time_ns", event.time_ns},
                                 {"seqnum", event.seqnum},
                                 {"wedged", ioctl::wedged_text(event.recovery)}};
  if (event.pid != 0) {
    line["pid"] = event.pid;
    line["task"] = printable(event.task);
  }
  fmt::print("{}\n", line.dump());
}

void print_properties(const drm_fakegpu_event_wedged& event) {
  constexpr int64_t kMicro = 1000;
  constexpr int64_t kSecond = 1'000'000'000;
  fmt::print("KERNEL[{}.{:06}] change   {} (drm)\nACTION=change\nDEVPATH={}\nSUBSYSTEM=drm\n",
             event.time_ns / kSecond, event.time_ns % kSecond / kMicro, kDevicePath, kDevicePath);
  fmt::print("WEDGED={}\n", ioctl::wedged_text(event.recovery));
  if (event.pid != 0) fmt::print("PID={}\nTASK={}\n", event.pid, printable(event.task));
  fmt::print("SEQNUM={}\n\n", event.seqnum);
}

}  // namespace

int run_monitor(const MonitorOptions& options) {
  const Device device(options.device.empty() ? nullptr : options.device.c_str());
  must_be_in_daemon(device);
  note_interrupts();
  device.monitor();
  if (!options.json)
    fmt::print("monitor will print the received events for:\nKERNEL - the kernel uevent\n\n");
  std::fflush(stdout);

  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options.timeout));
  unsigned printed = 0;
  const auto print = [&](const drm_fakegpu_event_wedged& event) {
    if (options.count != 0 && printed == options.count) return;
    ++printed;
    options.json ? print_json(event) : print_properties(event);
    std::fflush(stdout);
  };
  while (!interrupted()) {
    if (device.handle_events(print, false)) continue;
    if (options.count != 0 && printed == options.count) return 0;
    if (options.timeout != 0 && Clock::now() >= end) return options.count != 0 ? 1 : 0;
    std::this_thread::sleep_for(kNap);
  }
  return 0;
}

}  // namespace fakegpu::tools
