// SPDX-License-Identifier: MIT
#include "client_usage.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "file_impl.h"

namespace fakegpu::drv {

namespace {

constexpr uint32_t kEngines = 3;
constexpr uint32_t kRegions = 2;
// By mm::Heap. System memory has a name of its own in the document.
constexpr std::string_view kRegionNames[kRegions] = {"vram", "memory"};

// What all rings of a kind have done for a client.
struct EngineUse {
  unsigned rings = 0;
  base::Nanos gpu_time = 0;
};

struct ClientUse {
  std::array<EngineUse, kEngines> engines;
  uint64_t queued = 0;
  uint64_t in_flight = 0;
};

base::Nanos observed(const Device& device, unsigned ring, sched::Account& account) {
  return account.observe(device.rings()[ring]->scheduler().executing(account, device.now()));
}

ClientUse use_of(const FileImpl& file) {
  const Device& device = file.device();
  ClientUse use;
  for (unsigned ring = 0; ring < device.rings().size(); ++ring) {
    sched::Account& account = *file.accounts()[ring];
    EngineUse& engine = use.engines[device.rings()[ring]->info().type];
    ++engine.rings;
    engine.gpu_time += observed(device, ring, account);
    use.queued += account.usage().queued();
    use.in_flight += account.usage().in_flight();
  }
  return use;
}

// drm_memory_stats, of the BOs that the file has a handle of. Every page of a BO is there as long
// as the BO is.
struct RegionUse {
  uint64_t total = 0;
  uint64_t shared = 0;
  uint64_t active = 0;
};

std::array<RegionUse, kRegions> memory_of(const FileImpl& file) {
  std::array<RegionUse, kRegions> regions;
  file.bos().for_each([&regions](mm::Bo& bo) {
    RegionUse& region = regions[static_cast<size_t>(bo.heap())];
    region.total += bo.size();
    if (bo.shared()) region.shared += bo.size();
    if (!bo.resv().test_signaled(fence::Resv::usage_rw(true))) region.active += bo.size();
  });
  return regions;
}

}  // namespace

std::string_view engine_name(uint32_t type) {
  constexpr std::string_view kNames[kEngines] = {"gfx", "compute", "dma"};
  return kNames[type];
}

drm_fakegpu_usage usage_of(const Device& device, unsigned ring, sched::Account& account) {
  const sched::Usage& used = account.usage();
  drm_fakegpu_usage usage = {};
  usage.pushed = used.pushed;
  usage.completed = used.completed;
  usage.refused = used.refused;
  usage.queued = used.queued();
  usage.in_flight = used.in_flight();
  usage.gpu_time_ns = static_cast<uint64_t>(observed(device, ring, account));
  usage.wait_time_ns = static_cast<uint64_t>(used.wait_time);
  usage.longest_ns = static_cast<uint64_t>(used.longest);
  usage.average_ns = static_cast<uint64_t>(account.average());
  return usage;
}

drm_fakegpu_client client_of(const FileImpl& file) {
  const ClientUse use = use_of(file);
  drm_fakegpu_client client = {};
  client.client_id = file.client_id();
  client.pid = static_cast<uint32_t>(file.process().pid);
  client.uid = file.opener().uid;
  file.process().command.copy(client.command, sizeof(client.command) - 1);
  file.client_name().copy(client.name, sizeof(client.name) - 1);
  for (uint32_t engine = 0; engine < kEngines; ++engine)
    client.engine_ns[engine] = static_cast<uint64_t>(use.engines[engine].gpu_time);
  for (uint32_t heap = 0; heap < kRegions; ++heap)
    client.heap_bytes[heap] = file.usage()->bytes[heap];
  client.queued = use.queued;
  client.in_flight = use.in_flight;
  return client;
}

std::string fdinfo_of(const FileImpl& file) {
  std::string text;
  const auto line = [&text](std::string_view key, std::string_view of, const auto& value,
                            std::string_view unit = {}) {
    fmt::format_to(std::back_inserter(text), "drm-{}{}{}:\t{}{}\n", key, of.empty() ? "" : "-", of,
                   value, unit);
  };
  line("driver", {}, "fakegpu");
  line("client-id", {}, file.client_id());
  if (!file.client_name().empty()) line("client-name", {}, file.client_name());
  const ClientUse use = use_of(file);
  for (uint32_t type = 0; type < kEngines; ++type) {
    const EngineUse& engine = use.engines[type];
    if (engine.rings == 0) continue;
    line("engine", engine_name(type), engine.gpu_time, " ns");
    if (engine.rings > 1) line("engine-capacity", engine_name(type), engine.rings);
  }
  const auto regions = memory_of(file);
  for (uint32_t i = 0; i < kRegions; ++i) {
    line("total", kRegionNames[i], regions[i].total >> 10, " KiB");
    line("shared", kRegionNames[i], regions[i].shared >> 10, " KiB");
    line("active", kRegionNames[i], regions[i].active >> 10, " KiB");
    line("resident", kRegionNames[i], regions[i].total >> 10, " KiB");
  }
  return text;
}

}  // namespace fakegpu::drv
