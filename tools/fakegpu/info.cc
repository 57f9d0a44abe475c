// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>
#include <nlohmann/json.hpp>

#include "demo.h"

namespace fakegpu::tools {

namespace {

constexpr const char* kRingTypes[] = {"gfx", "compute", "sdma"};
constexpr const char* kHeapTypes[] = {"VRAM", "system"};

nlohmann::json gather(const Device& device) {
  const drm_fakegpu_device_info& info = device.info();
  nlohmann::json json = {{"name", info.name},
                         {"transport", device.transport()},
                         {"device_id", info.device_id},
                         {"revision", info.revision},
                         {"page_size", info.page_size},
                         {"max_ibs", info.max_ibs},
                         {"max_syncobjs", info.max_syncobjs},
                         {"va_start", info.va_start},
                         {"va_end", info.va_end},
                         {"features",
                          {{"mmap", (info.features & DRM_FAKEGPU_FEATURE_MMAP) != 0},
                           {"channel", (info.features & DRM_FAKEGPU_FEATURE_CHANNEL) != 0},
                           {"edu", (info.features & DRM_FAKEGPU_FEATURE_EDU) != 0}}}};
  for (uint32_t i = 0; i < info.ring_count; ++i) {
    drm_fakegpu_ring_info ring = {};
    check(fakegpu_query_ring(device, i, &ring), "query ring");
    json["rings"].push_back({{"name", ring.name},
                             {"type", kRingTypes[std::min(ring.type, 2u)]},
                             {"ready", ring.ready != 0},
                             {"emitted", ring.emitted},
                             {"completed", ring.completed},
                             {"busy_ns", ring.busy_ns},
                             {"policy", ring.policy}});
  }
  for (uint32_t i = 0; i < info.heap_count; ++i) {
    drm_fakegpu_heap_info heap = {};
    check(fakegpu_query_heap(device, i, &heap), "query heap");
    json["heaps"].push_back({{"type", kHeapTypes[std::min(heap.type, 1u)]},
                             {"size_bytes", heap.size_bytes},
                             {"used_bytes", heap.used_bytes}});
  }
  return json;
}

}  // namespace

int print_info(const std::string& where, bool as_json) {
  const Device device(where.empty() ? nullptr : where.c_str());
  const nlohmann::json json = gather(device);
  if (as_json) {
    fmt::print("{}\n", json.dump(2));
    return 0;
  }
  const auto text = [&json](const char* key) { return json.at(key).get<std::string>(); };
  fmt::print("{} ({:#06x} rev {}), by {}\n", text("name"), json["device_id"].get<uint32_t>(),
             json["revision"].get<uint32_t>(), text("transport"));
  for (const auto& [feature, on] : json["features"].items())
    fmt::print("  feature {:8} {}\n", feature, on.get<bool>() ? "yes" : "no");
  for (const auto& heap : json["heaps"])
    fmt::print("  heap {:8} {:6} MiB, {} KiB used\n", heap["type"].get<std::string>(),
               heap["size_bytes"].get<uint64_t>() >> 20, heap["used_bytes"].get<uint64_t>() >> 10);
  for (const auto& ring : json["rings"])
    fmt::print("  ring {:10} {:8} {}, {} of {} jobs done, busy {:.1f} ms\n",
               ring["name"].get<std::string>(), ring["type"].get<std::string>(),
               ring["ready"].get<bool>() ? "ready" : "dead", ring["completed"].get<uint64_t>(),
               ring["emitted"].get<uint64_t>(), ring["busy_ns"].get<double>() / 1e6);
  return 0;
}

}  // namespace fakegpu::tools
