// SPDX-License-Identifier: MIT
#include "replay_command.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>

#include <fmt/core.h>

#include "sim/replay.h"

namespace fakegpu::tools {

namespace {

using sim::Nanos;

constexpr std::string_view kTypes[] = {"gfx", "compute", "sdma"};

sim::Script load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path);
  auto file = sim::read_record_file(in);
  if (!file) throw std::runtime_error(path + ": " + file.error().message());
  auto script = sim::Script::compile(file->records);
  if (!script) throw std::runtime_error(path + ": " + script.error().message());
  return std::move(*script);
}

void set_rings(const std::string& word, sim::ReplaySettings& settings) {
  const size_t equals = word.find('=');
  const auto type = std::ranges::find(kTypes, std::string_view(word).substr(0, equals));
  uint32_t count = 0;
  const char* const end = word.data() + word.size();
  if (type == std::end(kTypes) || equals == std::string::npos ||
      std::from_chars(word.data() + equals + 1, end, count).ptr != end || count < 1 || count > 64)
    throw std::runtime_error(fmt::format("--rings {}: TYPE=1 to 64, of gfx, compute, sdma", word));
  settings.rings[type - std::begin(kTypes)] = count;
}

sim::ReplaySettings settings_of(const ReplayOptions& options) {
  sim::ReplaySettings settings;
  for (const std::string& word : options.rings) set_rings(word, settings);
  if (options.credits > 0) settings.credits = options.credits;
  if (options.queue_time_us >= 0) settings.depth = static_cast<Nanos>(options.queue_time_us * 1e3);
  settings.closed_loop = options.closed_loop;
  return settings;
}

double ms(Nanos span) {
  return static_cast<double>(span) / 1e6;
}

double percentile(std::vector<Nanos>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return ms(values[static_cast<size_t>(at)]);
}

struct ClientFigures {
  size_t jobs = 0;
  size_t unfinished = 0;
  Nanos gpu_time = 0;
  std::vector<Nanos> waits;
  std::vector<Nanos> latencies;
};

void print(const std::string& title, const sim::Script& script, const sim::ReplayResult& result) {
  std::map<uint64_t, ClientFigures> clients;
  Nanos total = 0;
  for (size_t i = 0; i < result.jobs.size(); ++i) {
    const sim::ReplayedJob& job = result.jobs[i];
    ClientFigures& client = clients[script.entities[script.jobs[i].entity].client];
    ++client.jobs;
    if (job.started < 0 || job.finished < 0) {
      ++client.unfinished;
      continue;
    }
    client.waits.push_back(job.started - job.queued);
    client.latencies.push_back(job.finished - job.queued);
    if (job.ended < 0) continue;
    client.gpu_time += script.jobs[i].occupancy;
    total += script.jobs[i].occupancy;
  }
  fmt::print("{}: {:.3f} ms\n", title, ms(result.end - result.begin));
  fmt::print("  {:>8} {:>7} {:>9} {:>9} {:>21} {:>21}\n", "client", "jobs", "not run", "GPU time",
             "wait p50 / p99 ms", "latency p50 / p99 ms");
  for (auto& [id, client] : clients)
    fmt::print(
        "  {:8} {:7} {:9} {:8.1f}% {:10.3f} /{:9.3f} {:10.3f} /{:9.3f}\n", id, client.jobs,
        client.unfinished,
        total ? 100.0 * static_cast<double>(client.gpu_time) / static_cast<double>(total) : 0.0,
        percentile(client.waits, 0.5), percentile(client.waits, 0.99),
        percentile(client.latencies, 0.5), percentile(client.latencies, 0.99));
  const Nanos length = std::max<Nanos>(result.end - result.begin, 1);
  std::map<uint32_t, unsigned> instances;
  for (const sim::ReplayedRing& ring : result.rings)
    fmt::print("  {}{}: {} jobs, busy {:.1f}%\n", kTypes[ring.type], instances[ring.type]++,
               ring.runs.size(),
               100.0 * static_cast<double>(ring.busy) / static_cast<double>(length));
}

// What of the settings is not the recording's.
std::string title(const ReplayOptions& options, const std::string& policy) {
  std::string text = policy;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  for (const std::string& rings : options.rings) add(rings);
  if (options.credits > 0) add(fmt::format("{} credits", options.credits));
  if (options.queue_time_us >= 0) add(fmt::format("{} us of queue time", options.queue_time_us));
  if (options.closed_loop) add("closed loop");
  return text.empty() ? "as recorded" : text;
}

int verify(const sim::Script& script) {
  if (script.lost > 0) {
    fmt::print(stderr, "{} records were lost: it cannot be replayed exactly\n", script.lost);
    return 1;
  }
  const auto result = sim::replay(script, {.stop_at_end = true});
  if (!result) throw std::runtime_error(result.error().message());
  size_t runs = 0;
  for (const auto& ring : script.runs) runs += ring.size();
  const std::string difference = sim::first_difference(script, *result);
  if (difference.empty()) {
    fmt::print("{} jobs run in the recorded order, at the recorded times\n", runs);
    return 0;
  }
  fmt::print(stderr, "{}\n", difference);
  return 1;
}

}  // namespace

int run_replay(const ReplayOptions& options) {
  const sim::ReplaySettings common = settings_of(options);
  if (options.verify && !(common.as_recorded() && options.policies.empty())) {
    fmt::print(stderr, "fakegpu sim: --verify is about the recorded settings\n");
    return 2;
  }
  const sim::Script script = load(options.file);
  if (options.verify) return verify(script);
  if (script.lost > 0)
    fmt::print(stderr, "{} records were lost: the figures are approximate\n", script.lost);
  std::vector<std::string> policies = options.policies;
  if (policies.empty()) policies.emplace_back();
  for (const std::string& policy : policies) {
    sim::ReplaySettings settings = common;
    settings.policy = policy;
    const auto result = sim::replay(script, settings);
    if (!result) throw std::runtime_error(result.error().message());
    print(title(options, policy), script, *result);
  }
  return 0;
}

}  // namespace fakegpu::tools
