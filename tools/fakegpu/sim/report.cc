// SPDX-License-Identifier: MIT
#include "report.h"

#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fakegpu::sim {

namespace {

using Unit = Metric::Unit;

constexpr size_t kPoliciesAbreast = 5;  // so that a line has at most 100 columns
constexpr size_t kNameWidth = 19;

Spread over_seeds(const PolicyRuns& runs, const std::function<double(const RunStatistics&)>& of) {
  std::vector<double> values;
  for (const RunStatistics& run : runs.runs) values.push_back(of(run));
  return spread(values);
}

Spread of_client(const PolicyRuns& runs, size_t client, const Metric& metric) {
  return over_seeds(runs,
                    [&](const RunStatistics& run) { return metric.of(run.clients[client], run); });
}

Spread of_ring(const PolicyRuns& runs, size_t ring) {
  return over_seeds(runs, [ring](const RunStatistics& run) {
    return ring < run.rings.size() ? 100 * run.rings[ring].utilisation : 0;
  });
}

std::string show(double value, Unit unit) {
  switch (unit) {
    case Unit::kCount:
      return fmt::format("{:.0f}", value);
    case Unit::kPercent:
      return fmt::format("{:.1f}%", value);
    case Unit::kRatio:
      return fmt::format("{:.2f}", value);
    case Unit::kNanos:
      break;
  }
  if (value >= 1e10) return fmt::format("{:.1f}s", value / 1e9);
  if (value >= 1e4) return fmt::format("{:.2f}ms", value / 1e6);
  return fmt::format("{:.0f}ns", value);
}

// The mean, and if the seeds differ half of what is between the greatest and the least.
std::string show(const Spread& values, Unit unit) {
  const std::string mean = show(values.mean, unit);
  if (values.max == values.min) return mean;
  const double half = (values.max - values.min) / 2;
  return values.mean != 0 ? fmt::format("{} ~{:.0f}%", mean, 100 * half / values.mean) : mean;
}

using Cell = std::function<std::string(const PolicyRuns&)>;

void add_row(std::string& out, const std::string& name, std::span<const PolicyRuns> policies,
             const Cell& cell) {
  out += fmt::format("{:{}}", name.substr(0, kNameWidth), kNameWidth);
  for (const PolicyRuns& policy : policies) out += fmt::format(" {:>15}", cell(policy));
  out += '\n';
}

bool has_any(std::span<const PolicyRuns> policies, const Metric& metric) {
  for (const PolicyRuns& runs : policies)
    for (const RunStatistics& run : runs.runs)
      for (const ClientStatistics& client : run.clients)
        if (metric.of(client, run) != 0) return true;
  return false;
}

void add_block(std::string& out, std::span<const PolicyRuns> policies) {
  add_row(out, "", policies, [](const PolicyRuns& runs) { return runs.policy; });
  const RunStatistics& first = policies.front().runs.front();
  for (const Metric& metric : metrics()) {
    if (metric.rare && !has_any(policies, metric)) continue;
    out += fmt::format("{}\n", metric.title);
    for (size_t client = 0; client < first.clients.size(); ++client)
      add_row(out, "  " + first.clients[client].name, policies, [&](const PolicyRuns& runs) {
        return show(of_client(runs, client, metric), metric.unit);
      });
  }
  add_row(out, "Jain's index", policies, [](const PolicyRuns& runs) {
    return fmt::format(
        "{:.3f}", over_seeds(runs, [](const RunStatistics& run) { return run.fairness; }).mean);
  });
  for (size_t ring = 0; ring < first.rings.size(); ++ring)
    add_row(out, first.rings[ring].name + " busy", policies,
            [&](const PolicyRuns& runs) { return show(of_ring(runs, ring), Unit::kPercent); });
}

nlohmann::ordered_json json_of(const Spread& values) {
  return {{"mean", values.mean}, {"min", values.min}, {"max", values.max}};
}

}  // namespace

std::string to_table(const Scenario& scenario, const std::vector<PolicyRuns>& all) {
  std::string out = fmt::format("{}\n{} ms simulated, {} seeds, {} credits\n\n", scenario.title,
                                scenario.duration / base::kNanosPerMilli, scenario.seeds.size(),
                                scenario.credits);
  for (size_t at = 0; at < all.size(); at += kPoliciesAbreast)
    add_block(out, std::span(all).subspan(at, std::min(kPoliciesAbreast, all.size() - at)));
  return out;
}

std::string to_json(const Scenario& scenario, const std::vector<PolicyRuns>& all) {
  nlohmann::ordered_json out = {{"title", scenario.title},
                                {"duration_ns", scenario.duration},
                                {"seeds", scenario.seeds},
                                {"credits", scenario.credits}};
  for (const PolicyRuns& runs : all) {
    nlohmann::ordered_json& policy = out["policies"][runs.policy];
    const RunStatistics& first = runs.runs.front();
    for (size_t client = 0; client < first.clients.size(); ++client)
      for (const Metric& metric : metrics())
        policy["clients"][first.clients[client].name][metric.key] =
            json_of(of_client(runs, client, metric));
    policy["fairness"] =
        json_of(over_seeds(runs, [](const RunStatistics& run) { return run.fairness; }));
    for (size_t ring = 0; ring < first.rings.size(); ++ring)
      policy["rings"][first.rings[ring].name]["busy_percent"] = json_of(of_ring(runs, ring));
  }
  return out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_csv(const std::vector<PolicyRuns>& all) {
  std::string out = "policy,client,metric,mean,min,max\n";
  for (const PolicyRuns& runs : all) {
    const RunStatistics& first = runs.runs.front();
    for (size_t client = 0; client < first.clients.size(); ++client) {
      std::string name = "\"";
      for (const char c : first.clients[client].name) name += c == '"' ? "\"\"" : std::string(1, c);
      for (const Metric& metric : metrics()) {
        const Spread values = of_client(runs, client, metric);
        out += fmt::format("{},{}\",{},{},{},{}\n", runs.policy, name, metric.key, values.mean,
                           values.min, values.max);
      }
    }
  }
  return out;
}

}  // namespace fakegpu::sim
