// SPDX-License-Identifier: MIT
#include "demo.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>

#include "daemon.h"

namespace fakegpu::tools {

namespace {

constexpr const char* kClients[] = {"filter", "interactive", "hog"};

// A client process and the pipe that its report comes through.
struct Running {
  pid_t pid;
  int pipe;
};

Running start(const std::string& name, const ClientOptions& options) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe: " + std::string(std::strerror(errno)));
  const std::string seconds = std::to_string(options.seconds);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork: " + std::string(std::strerror(errno)));
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/proc/self/exe", "fakegpu", "demo-client", name.c_str(), "--device",
            options.device.c_str(), "--seconds", seconds.c_str(), "--image", options.image.c_str(),
            "--out", options.out.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

Report finish(const std::string& name, Running& client) {
  std::string text;
  char buffer[65536];
  ssize_t got;
  while ((got = ::read(client.pipe, buffer, sizeof(buffer))) > 0)
    text.append(buffer, static_cast<size_t>(got));
  ::close(client.pipe);
  int status = 0;
  ::waitpid(client.pid, &status, 0);
  if (text.empty())
    return {.name = name, .error = fmt::format("ended without a report (status {})", status)};
  return Report::from_json(text);
}

double percentile_ms(std::vector<int64_t> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return static_cast<double>(values[at]) / 1e6;
}

const char* priority_word(int priority) {
  return priority > 0 ? "high" : priority < 0 ? "low" : "normal";
}

void print_table(const std::vector<Report>& reports) {
  uint64_t total = 0;
  for (const Report& report : reports) total += report.gpu_time_ns;
  fmt::print("{:12} {:8} {:>6} {:>10} {:>21} {:>21}\n", "client", "priority", "jobs", "GPU time",
             "wait p50 / p99 ms", "latency p50 / p99 ms");
  for (const Report& report : reports) {
    const double share =
        total ? 100.0 * static_cast<double>(report.gpu_time_ns) / static_cast<double>(total) : 0;
    fmt::print("{:12} {:8} {:6} {:9.1f}% {:10.2f} /{:9.2f} {:10.2f} /{:9.2f}\n", report.name,
               priority_word(report.priority), report.jobs, share,
               percentile_ms(report.wait_ns, 0.5), percentile_ms(report.wait_ns, 0.99),
               percentile_ms(report.latency_ns, 0.5), percentile_ms(report.latency_ns, 0.99));
  }
}

}  // namespace

int run_demo_client(const std::string& name, const ClientOptions& options) {
  // A process that came from /proc/self/exe would be called "exe" wherever clients are listed.
  ::prctl(PR_SET_NAME, name.c_str());
  Report report{.name = name};
  try {
    report = name == "filter"        ? run_filter(options)
             : name == "interactive" ? run_interactive(options)
                                     : run_hog(options);
  } catch (const std::exception& error) {
    report.error = error.what();
  }
  fmt::print("{}\n", report.to_json());
  return report.error.empty() ? 0 : 1;
}

int run_demo(DemoOptions options) {
  std::unique_ptr<Daemon> daemon;
  if (options.client.device.empty()) options.client.device = existing_device();
  if (options.client.device.empty()) {
    daemon = std::make_unique<Daemon>(options.transport);
    options.client.device = daemon->where();
  }
  {
    const Device device(options.client.device.c_str());
    fmt::print("device {} ({}), {} rings\n", options.client.device, device.transport(),
               device.info().ring_count);
  }
  std::fflush(stdout);

  std::vector<Running> running;
  for (const char* name : kClients) running.push_back(start(name, options.client));
  std::vector<Report> reports;
  for (size_t i = 0; i < running.size(); ++i) reports.push_back(finish(kClients[i], running[i]));

  print_table(reports);
  int status = 0;
  for (const Report& report : reports) {
    if (report.error.empty()) continue;
    fmt::print(stderr, "{}: {}\n", report.name, report.error);
    status = 1;
  }
  if (status == 0)
    fmt::print("the filtered picture equals the CPU's; written to {}\n", options.client.out);
  return status;
}

}  // namespace fakegpu::tools
