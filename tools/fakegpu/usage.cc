// SPDX-License-Identifier: MIT
#include "usage.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <system_error>
#include <thread>

#include "usage_look.h"

namespace fakegpu::tools {

namespace {

// A block for each client, an empty line between two.
void print_fdinfo(const Device& device) {
  bool first = true;
  for (const drm_fakegpu_client& client : device.clients()) {
    std::string text;
    try {
      text = device.fdinfo(client.client_id);
    } catch (const std::system_error& error) {
      if (error.code().value() == ENOENT) continue;  // it went meanwhile
      throw;
    }
    fmt::print("{}{}", first ? "" : "\n", text);
    first = false;
  }
}

// A name may be of bytes that are no text.
std::string dump(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

void show(const UsageLook& look, const UsageLook* before, const UsageOptions& options) {
  if (options.json) {
    fmt::print("{}\n", dump(look.to_json(before), options.watch ? -1 : 2));
  } else {
    if (options.watch && ::isatty(STDOUT_FILENO)) fmt::print("\x1b[H\x1b[2J");
    look.print(before);
    if (options.watch) fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace

int print_usage(const UsageOptions& options) {
  const Device device(options.device.empty() ? nullptr : options.device.c_str());
  if (options.fdinfo) {
    print_fdinfo(device);
    return 0;
  }
  auto last = std::make_unique<UsageLook>(device);
  if (!options.watch) {
    show(*last, nullptr, options);
    return 0;
  }
  for (unsigned look = 0; options.looks == 0 || look < options.looks; ++look) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
    auto now = std::make_unique<UsageLook>(device);
    show(*now, last.get(), options);
    last = std::move(now);
  }
  return 0;
}

}  // namespace fakegpu::tools
