// SPDX-License-Identifier: MIT
#pragma once

#include "clients.h"

namespace fakegpu::tools {

struct DemoOptions {
  ClientOptions client;
  std::string transport = "auto";  // of the daemon that the demo starts
};

// Runs the three clients side by side, each in a process of its own, prints their table. Exit
// status.
int run_demo(DemoOptions options);
// Runs one of them in this process and prints its report as JSON. Exit status.
int run_demo_client(const std::string& name, const ClientOptions& options);

// `fakegpu info`: what the device says of itself. Exit status.
// `client` as for fakegpu_explain_client().
int print_why(const std::string& where, uint64_t client);

struct DumpOptions {
  std::string device;
  std::string out;  // "": standard output
  bool json = false;
  bool keep = false;
};
int print_dump(const DumpOptions& options);

int print_info(const std::string& device, bool json);
// `fakegpu doctor`: what this machine offers, which transport will be used, what is missing.
int print_doctor();

}  // namespace fakegpu::tools
