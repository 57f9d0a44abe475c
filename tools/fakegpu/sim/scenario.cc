// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "drv/machine.h"
#include "hw/fault_injector.h"
#include "ioctl/fault_text.h"
#include "queue_reader.h"
#include "toml_reader.h"

namespace fakegpu::sim {

namespace {

using base::kNanosPerSecond;

constexpr unsigned kMaxClients = 1024;

ClientSpec read_client(const toml::table& table, const std::string& file) {
  TomlReader in(table, file);
  ClientSpec client;
  client.name = in.text("name", "");
  if (client.name.empty() || client.name.find('.') != std::string::npos)
    in.fail("name", "expected a name without a dot");
  client.count = static_cast<unsigned>(in.integer("count", 1, 1, kMaxClients));
  const toml::array* queues = in.array("queue");
  if (!queues || queues->empty() || queues->size() > 64)
    in.fail("a client needs [[client.queue]], at most 64");
  in.tables("queue", [&](const toml::table& queue) {
    client.queues.push_back(read_queue(queue, file, queues->size()));
    for (size_t i = 0; i + 1 < client.queues.size(); ++i)
      if (client.queues[i].name == client.queues.back().name)
        TomlReader(queue, file).fail("name", "expected one that no other queue of the client has");
  });
  in.finish();
  return client;
}

QueueSpec::After find_queue(const Scenario& scenario, const std::string& name, const TomlReader& in,
                            const toml::node& node) {
  const size_t dot = name.find('.');
  for (size_t c = 0; c < scenario.clients.size(); ++c)
    for (size_t q = 0; q < scenario.clients[c].queues.size(); ++q)
      if (dot != std::string::npos && scenario.clients[c].name == name.substr(0, dot) &&
          scenario.clients[c].queues[q].name == name.substr(dot + 1))
        return {c, q};
  in.fail(node.source(),
          fmt::format("after: there is no queue \"{}\"; expected \"client.queue\"", name));
}

// 0: not seen, 1: on the way to here, 2: done.
bool finds_cycle(const Scenario& scenario, size_t client, size_t queue,
                 std::vector<std::vector<int>>& seen) {
  int& mark = seen[client][queue];
  if (mark != 0) return mark == 1;
  mark = 1;
  for (const QueueSpec::After& after : scenario.clients[client].queues[queue].after)
    if (finds_cycle(scenario, after.client, after.queue, seen)) return true;
  mark = 2;
  return false;
}

void read_dependencies(const toml::table& client_table, size_t c, const std::string& file,
                       Scenario& scenario) {
  ClientSpec& client = scenario.clients[c];
  size_t q = 0;
  TomlReader(client_table, file).tables("queue", [&](const toml::table& table) {
    TomlReader in(table, file);
    if (const toml::array* after = in.array("after"))
      for (const toml::node& node : *after) {
        const QueueSpec::After target = find_queue(scenario, *node.value<std::string>(), in, node);
        const unsigned count = scenario.clients[target.client].count;
        if (count != 1 && count != client.count)
          in.fail(node.source(), "after: expected a client of count 1 or of the same count");
        client.queues[q].after.push_back(target);
        std::vector<std::vector<int>> seen;
        for (const ClientSpec& other : scenario.clients) seen.emplace_back(other.queues.size());
        if (finds_cycle(scenario, c, q, seen))
          in.fail(node.source(), "after: a cycle, in which every queue waits for itself");
      }
    ++q;
  });
}

void read_policies(TomlReader& in, Scenario& scenario) {
  const auto names = drv::policy_names();
  scenario.policies.assign(names.begin(), names.end());
  const toml::array* chosen = in.array("policies");
  if (!chosen) return;
  scenario.policies.clear();
  for (const toml::node& node : *chosen) {
    const std::string name = node.value_exact<std::string>().value_or("");
    if (std::find(names.begin(), names.end(), name) == names.end())
      in.fail(node.source(), fmt::format("policies: expected some of {}", fmt::join(names, ", ")));
    if (std::find(scenario.policies.begin(), scenario.policies.end(), name) !=
        scenario.policies.end())
      in.fail(node.source(), fmt::format("policies: {} twice", name));
    scenario.policies.push_back(name);
  }
  if (scenario.policies.empty()) in.fail("policies", "expected at least one");
}

void read_seeds(TomlReader& in, Scenario& scenario) {
  if (in.has("seeds") && in.find("seeds")->is_integer()) {
    scenario.seeds.clear();
    for (int64_t seed = 1, count = in.integer("seeds", 1, 1, 1000); seed <= count; ++seed)
      scenario.seeds.push_back(static_cast<uint64_t>(seed));
    return;
  }
  const toml::array* list = in.array("seeds");
  if (!list) return;
  scenario.seeds.clear();
  for (const toml::node& node : *list) {
    const auto seed = node.value_exact<int64_t>();
    if (!seed || *seed < 0) in.fail(node.source(), "seeds: expected integers of at least 0");
    scenario.seeds.push_back(static_cast<uint64_t>(*seed));
  }
  if (scenario.seeds.empty() || scenario.seeds.size() > 1000)
    in.fail("seeds", "expected 1 to 1000 of them");
}

void read_gpu(TomlReader& in, Scenario& scenario) {
  const toml::node* node = in.find("gpu");
  if (!node) return;
  if (!node->is_table()) in.fail("gpu", "expected a table");
  TomlReader gpu(*node->as_table(), in.file());
  scenario.gfx_rings = static_cast<unsigned>(gpu.integer("gfx_rings", 1, 0, 4));
  scenario.compute_rings = static_cast<unsigned>(gpu.integer("compute_rings", 4, 0, 8));
  scenario.sdma_rings = static_cast<unsigned>(gpu.integer("sdma_rings", 2, 0, 4));
  scenario.packet_cost = gpu.duration("packet_cost", 0, 0, base::kNanosPerMilli);
  gpu.finish();
}

// What the simulated chip can be told; of the driver's faults clients would have to know.
FaultSpec read_fault(const toml::table& table, const std::string& file) {
  TomlReader in(table, file);
  FaultSpec spec;
  spec.at = in.duration("at", 0, 0, kLongest);
  spec.what = in.text("inject", "");
  drm_fakegpu_fault fault;
  std::string why;
  const auto any_ring = [](std::string_view) { return uint32_t{0}; };
  if (!ioctl::parse_fault(spec.what, any_ring, &fault, &why)) in.fail("inject", why);
  const auto kinds = hw::fault_descriptions();
  if (std::ranges::find(kinds, std::string_view(fault.name), &base::FaultDescription::name) ==
      kinds.end())
    in.fail("inject", fmt::format("the chip has no fault \"{}\"", fault.name));
  in.finish();
  return spec;
}

// Where nothing breaks a long job is no hang.
void read_recovery(TomlReader& in, Scenario& scenario) {
  in.tables("fault", [&](const toml::table& table) {
    scenario.faults.push_back(read_fault(table, in.file()));
  });
  const Nanos fallback = scenario.faults.empty() ? 0 : drv::LockupTimeout().gfx;
  scenario.lockup_timeout = in.duration("lockup_timeout", fallback, 0, kLongest);
  const auto names = drv::recovery_names();
  scenario.recovery = in.text("recovery", std::string(names.front()));
  if (std::ranges::find(names, scenario.recovery) == names.end())
    in.fail("recovery", fmt::format("expected one of {}", fmt::join(names, ", ")));
}

void check_rings(const toml::table& client, size_t c, const std::string& file,
                 const Scenario& scenario) {
  size_t q = 0;
  TomlReader(client, file).tables("queue", [&](const toml::table& table) {
    const QueueSpec& queue = scenario.clients[c].queues[q++];
    const unsigned rings = queue.ring_type == DRM_FAKEGPU_RING_GFX    ? scenario.gfx_rings
                           : queue.ring_type == DRM_FAKEGPU_RING_SDMA ? scenario.sdma_rings
                                                                      : scenario.compute_rings;
    if (queue.ring_instance >= rings)
      TomlReader(table, file)
          .fail("instance", fmt::format("expected one of the {} rings of [gpu]", rings));
  });
}

}  // namespace

Nanos parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) return -1;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const double scale = unit == "ns"   ? 1
                       : unit == "us" ? 1e3
                       : unit == "ms" ? 1e6
                       : unit == "s"  ? 1e9
                                      : 0;
  const double nanos = std::round(value * scale);
  return scale == 0 || nanos > static_cast<double>(kLongest) ? -1 : static_cast<Nanos>(nanos);
}

Scenario parse_scenario(std::string_view text, std::string_view file) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw ScenarioError(
        fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
  }
  const std::string name(file);
  TomlReader in(root, name);
  Scenario scenario;
  scenario.title = in.text("title", name);
  scenario.duration = in.duration("duration", kNanosPerSecond, kShortest, kLongest);
  read_seeds(in, scenario);
  read_policies(in, scenario);
  scenario.credits = static_cast<unsigned>(in.integer("credits", 16, 1, 256));
  scenario.queue_time = in.duration("queue_time", scenario.queue_time, 0, kLongest);
  scenario.wake = in.duration("wake", scenario.wake, kShortest, kLongest);
  read_gpu(in, scenario);
  read_recovery(in, scenario);
  unsigned clients = 0;
  in.tables("client", [&](const toml::table& table) {
    scenario.clients.push_back(read_client(table, name));
    clients += scenario.clients.back().count;
    if (clients > kMaxClients)
      in.fail(table.source(), fmt::format("expected at most {} clients", kMaxClients));
    for (size_t i = 0; i + 1 < scenario.clients.size(); ++i)
      if (scenario.clients[i].name == scenario.clients.back().name)
        TomlReader(table, name).fail("name", "expected one that no other client has");
  });
  if (scenario.clients.empty()) in.fail("a scenario needs a [[client]]");
  size_t c = 0;
  in.tables("client", [&](const toml::table& table) {
    check_rings(table, c, name, scenario);
    read_dependencies(table, c, name, scenario);
    ++c;
  });
  in.finish();
  return scenario;
}

}  // namespace fakegpu::sim
