// SPDX-License-Identifier: MIT
// The demo's three clients. Each runs in a process of its own, opens the device like any
// application, and reports what it saw as one line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fakegpu/fakegpu.hpp>

namespace fakegpu::tools {

struct Report {
  std::string name;
  int priority = 0;  // as granted
  uint64_t jobs = 0;
  uint64_t gpu_time_ns = 0;
  std::vector<int64_t> wait_ns;     // from submission to the job's first packet
  std::vector<int64_t> latency_ns;  // from submission to the woken waiter
  std::string error;                // empty: all well

  std::string to_json() const;
  static Report from_json(const std::string& line);
};

struct ClientOptions {
  std::string device;  // for fakegpu_device_open(); empty: find it
  double seconds = 2;
  std::string image;  // PNG to filter; empty: a picture that the GPU renders
  std::string out;    // where the filtered picture goes
};

// Throws if a reset has ended what this context asked for: its results are not there.
void check_alive(const Context& context);

// Upload by SDMA, blur and Sobel on two compute rings, download by SDMA, chained by one timeline;
// frame after frame, the first and the last compared with the CPU's result.
Report run_filter(const ClientOptions& options);
// A small job sixty times a second at high priority.
Report run_interactive(const ClientOptions& options);
// As much work as fits, at low priority.
Report run_hog(const ClientOptions& options);

}  // namespace fakegpu::tools
