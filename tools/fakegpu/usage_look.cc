// SPDX-License-Identifier: MIT
#include "usage_look.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "terminal.h"

namespace fakegpu::tools {

namespace {

constexpr double kMilli = 1e6;

std::string shown(std::string_view name) {
  return name.empty() ? "-" : printable(name);
}

double percent(uint64_t now, uint64_t before, double of_ns) {
  return of_ns > 0 && now > before ? 100 * static_cast<double>(now - before) / of_ns : 0;
}

std::string millis(uint64_t ns) {
  return fmt::format("{:.1f}", static_cast<double>(ns) / kMilli);
}

}  // namespace

UsageLook::UsageLook(const Device& device)
    : when_(std::chrono::steady_clock::now()), clients_(device.clients()) {
  for (uint32_t i = 0; i < device.info().ring_count; ++i) {
    drm_fakegpu_ring_info ring = {};
    check(fakegpu_query_ring(device, i, &ring), "query ring");
    ring.type = std::min(ring.type, kEngines - 1);
    ++capacity_[ring.type];
    rings_.push_back(ring);
  }
}

const drm_fakegpu_client* UsageLook::find(uint64_t client_id) const {
  const auto found = std::ranges::find(clients_, client_id, &drm_fakegpu_client::client_id);
  return found == clients_.end() ? nullptr : &*found;
}

double UsageLook::since(const UsageLook& before) const {
  return std::chrono::duration<double, std::nano>(when_ - before.when_).count();
}

double UsageLook::share(const drm_fakegpu_client& client, uint32_t engine,
                        const UsageLook& before) const {
  const drm_fakegpu_client* then = before.find(client.client_id);
  return percent(client.engine_ns[engine], then ? then->engine_ns[engine] : 0,
                 since(before) * capacity_[engine]);
}

double UsageLook::share(size_t ring, const UsageLook& before) const {
  return percent(rings_[ring].busy_ns, before.rings_[ring].busy_ns, since(before));
}

nlohmann::json UsageLook::to_json(const UsageLook* before) const {
  nlohmann::json json = {{"clients", nlohmann::json::array()}, {"rings", nlohmann::json::array()}};
  for (const drm_fakegpu_client& client : clients_) {
    nlohmann::json entry = {{"client_id", client.client_id},
                            {"pid", client.pid},
                            {"uid", client.uid},
                            {"command", client.command},
                            {"name", client.name},
                            {"vram_bytes", client.heap_bytes[DRM_FAKEGPU_HEAP_VRAM]},
                            {"queued", client.queued},
                            {"system_bytes", client.heap_bytes[DRM_FAKEGPU_HEAP_SYSTEM]},
                            {"in_flight", client.in_flight}};
    for (uint32_t i = 0; i < kEngines; ++i) {
      if (capacity_[i] == 0) continue;
      nlohmann::json& engine = entry["engines"][kEngineNames[i]];
      engine["gpu_time_ns"] = client.engine_ns[i];
      if (before) engine["percent"] = share(client, i, *before);
    }
    json["clients"].push_back(std::move(entry));
  }
  for (size_t i = 0; i < rings_.size(); ++i) {
    const drm_fakegpu_ring_info& ring = rings_[i];
    nlohmann::json entry = {{"name", ring.name},
                            {"engine", kEngineNames[ring.type]},
                            {"busy_ns", ring.busy_ns},
                            {"queued", ring.queued},
                            {"in_flight", ring.in_flight},
                            {"depth_ns", ring.depth_ns},
                            {"wait_time_ns", ring.wait_time_ns},
                            {"completed", ring.completed}};
    if (before) entry["percent"] = share(i, *before);
    json["rings"].push_back(std::move(entry));
  }
  return json;
}

void UsageLook::print(const UsageLook* before) const {
  const char* const unit = before ? "%" : "ms";
  fmt::print("{:>6} {:>8} {:>6} {:15} {:16}", "client", "pid", "uid", "command", "name");
  for (uint32_t i = 0; i < kEngines; ++i)
    if (capacity_[i] != 0) fmt::print(" {:>11}", fmt::format("{} {}", kEngineNames[i], unit));
  fmt::print(" {:>9} {:>9} {:>6} {:>6}\n", "VRAM KiB", "sys KiB", "queued", "flying");
  for (const drm_fakegpu_client& client : clients_) {
    fmt::print("{:>6} {:>8} {:>6} {:15} {:16}", client.client_id, client.pid, client.uid,
               shown(client.command), shown(client.name));
    for (uint32_t i = 0; i < kEngines; ++i)
      if (capacity_[i] != 0)
        fmt::print(" {:>11}", before ? fmt::format("{:.1f}", share(client, i, *before))
                                     : millis(client.engine_ns[i]));
    fmt::print(" {:>9} {:>9} {:>6} {:>6}\n", client.heap_bytes[DRM_FAKEGPU_HEAP_VRAM] >> 10,
               client.heap_bytes[DRM_FAKEGPU_HEAP_SYSTEM] >> 10, client.queued, client.in_flight);
  }
  fmt::print("\n{:10} {:>11} {:>7} {:>7} {:>9} {:>12} {:>9}\n", "ring",
             fmt::format("busy {}", unit), "queued", "flying", "depth ms", "waited ms", "jobs");
  for (size_t i = 0; i < rings_.size(); ++i) {
    const drm_fakegpu_ring_info& ring = rings_[i];
    fmt::print("{:10} {:>11} {:>7} {:>7} {:>9} {:>12} {:>9}\n", ring.name,
               before ? fmt::format("{:.1f}", share(i, *before)) : millis(ring.busy_ns),
               ring.queued, ring.in_flight, millis(ring.depth_ns), millis(ring.wait_time_ns),
               ring.completed);
  }
}

}  // namespace fakegpu::tools
