// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "clients.h"

namespace fakegpu::tools {

std::string Report::to_json() const {
  return nlohmann::json{{"name", name},       {"priority", priority},
                        {"jobs", jobs},       {"gpu_time_ns", gpu_time_ns},
                        {"wait_ns", wait_ns}, {"latency_ns", latency_ns},
                        {"error", error}}
      .dump();
}

Report Report::from_json(const std::string& line) {
  const auto json = nlohmann::json::parse(line);
  Report report;
  json.at("name").get_to(report.name);
  json.at("priority").get_to(report.priority);
  json.at("jobs").get_to(report.jobs);
  json.at("gpu_time_ns").get_to(report.gpu_time_ns);
  json.at("wait_ns").get_to(report.wait_ns);
  json.at("latency_ns").get_to(report.latency_ns);
  json.at("error").get_to(report.error);
  return report;
}

}  // namespace fakegpu::tools
