// SPDX-License-Identifier: MIT
#include "sim.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "engine.h"
#include "report.h"

namespace fakegpu::sim {

namespace {

namespace fs = std::filesystem;

// In the build tree or as installed; empty: neither is there.
fs::path shipped() {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& folder : {here / "sim", fs::path(FAKEGPU_SCENARIOS)})
    if (fs::is_directory(folder)) return folder;
  return {};
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path)) throw ScenarioError(path.string() + ": cannot be read");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Scenario load(const std::string& name) {
  fs::path path = name;
  if (!fs::exists(path) && name.find('/') == std::string::npos) {
    path = shipped() / (name + ".toml");
    if (!fs::exists(path))
      throw ScenarioError("there is no scenario " + name + "; --list tells those that ship");
  }
  return parse_scenario(read_file(path), path.string());
}

int list() {
  std::vector<fs::path> files;
  if (!shipped().empty())
    for (const fs::directory_entry& entry : fs::directory_iterator(shipped()))
      if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files)
    fmt::print("{:26} {}\n", file.stem().string(), load(file.string()).title);
  return files.empty() ? 1 : 0;
}

void apply(const SimOptions& options, Scenario& scenario) {
  if (!options.policies.empty()) scenario.policies = options.policies;
  if (!options.seeds.empty()) scenario.seeds = options.seeds;
  if (options.credits) scenario.credits = options.credits;
  if (options.duration.empty()) return;
  scenario.duration = parse_duration(options.duration);
  if (scenario.duration <= 0)
    throw ScenarioError("--duration: expected one like \"250ms\", not \"" + options.duration +
                        "\"");
}

void write(const std::string& path, const std::string& text) {
  if (path == "-") {
    fmt::print("{}", text);
    return;
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int run_sim(const SimOptions& options) {
  Scenario scenario;
  try {
    if (options.list) return list();
    scenario = load(options.scenario);
    apply(options, scenario);
  } catch (const ScenarioError& error) {
    fmt::print(stderr, "fakegpu sim: {}\n", error.what());
    return 2;
  }
  // A hang that the scenario asks for is no news; the trace has it.
  base::set_log_sink([](base::LogLevel, std::string_view) {});
  base::TextTrace trace;
  bool traced = options.trace.empty();
  std::vector<PolicyRuns> all;
  for (const std::string& policy : scenario.policies) {
    all.push_back({policy, {}});
    for (const uint64_t seed : scenario.seeds) {
      RunSettings settings{.policy = policy, .seed = seed};
      if (!std::exchange(traced, true)) settings.trace = &trace;
      all.back().runs.push_back(run(scenario, settings));
    }
  }
  if (!options.trace.empty()) write(options.trace, trace.text());
  if (!options.json.empty()) write(options.json, to_json(scenario, all));
  if (!options.csv.empty()) write(options.csv, to_csv(all));
  if (options.json != "-" && options.csv != "-" && options.trace != "-")
    fmt::print("{}", to_table(scenario, all));
  return 0;
}

}  // namespace fakegpu::sim
