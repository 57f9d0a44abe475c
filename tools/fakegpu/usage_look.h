// SPDX-License-Identifier: MIT
// What the device tells of its use at one moment, and how that is shown.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <fakegpu/fakegpu.hpp>
#include <nlohmann/json.hpp>
#include <vector>

namespace fakegpu::tools {

constexpr uint32_t kEngines = 3;  // DRM_FAKEGPU_RING_*
constexpr const char* kEngineNames[kEngines] = {"gfx", "compute", "dma"};

class UsageLook {
 public:
  explicit UsageLook(const Device& device);

  // With `before`, an earlier one, also the shares of the time between: of an engine's rings for
  // clients, of its own for a ring.
  nlohmann::json to_json(const UsageLook* before) const;
  // The same as two tables; without `before` sums in place of shares.
  void print(const UsageLook* before) const;

 private:
  const drm_fakegpu_client* find(uint64_t client_id) const;
  double since(const UsageLook& before) const;
  // In percent.
  double share(const drm_fakegpu_client& client, uint32_t engine, const UsageLook& before) const;
  double share(size_t ring, const UsageLook& before) const;

  std::chrono::steady_clock::time_point when_;
  std::vector<drm_fakegpu_client> clients_;
  std::vector<drm_fakegpu_ring_info> rings_;
  std::array<unsigned, kEngines> capacity_ = {};
};

}  // namespace fakegpu::tools
