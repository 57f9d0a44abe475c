// SPDX-License-Identifier: MIT
// The scenarios that ship, as their files are.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "scenario.h"

namespace fakegpu::sim {

inline std::vector<std::filesystem::path> shipped() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SCENARIOS))
    files.push_back(entry.path());
  return files;
}

inline Scenario load(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return parse_scenario(text.str(), path.string());
}

inline Scenario load_shipped(const std::string& name) {
  return load(std::string(SCENARIOS) + "/" + name + ".toml");
}

}  // namespace fakegpu::sim
