// SPDX-License-Identifier: MIT
#include "server.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace fakegpu::cuse_dev {
namespace {

unsigned worker_count(unsigned asked) {
  if (asked != 0) return asked;
  // One processor is for the clients and the thread that serves them.
  const unsigned processors = std::thread::hardware_concurrency();
  return std::clamp(processors, 2u, 5u) - 1;
}

}  // namespace

Server::Server(Loop& loop, std::vector<std::unique_ptr<Transport>> transports)
    : loop_(loop), tracer_(clock_), transports_(std::move(transports)) {}

base::Result<std::unique_ptr<Server>> Server::create(
    const Options& options, Loop& loop, std::vector<std::unique_ptr<Transport>> transports) {
  std::unique_ptr<Server> server(new Server(loop, std::move(transports)));
  if (!options.trace_file.empty()) {
    auto trace = TraceFile::create(options.trace_file);
    if (!trace) return tl::unexpected(std::move(trace).error());
    server->trace_ = std::move(*trace);
    server->tracer_.set_sink(server->trace_.get());
  }
  drv::Options driver = options.driver;
  driver.owner_uid = geteuid();
  driver.channel_path.clear();
  // The driver tells every client the same. Those of the socket get descriptors, and never mmap
  // theirs.
  driver.mmap = true;
  size_t nodes = 0;
  for (const auto& transport : server->transports_) {
    if (transport->name() == "socket") {
      driver.channel_path = transport->where();
      continue;
    }
    ++nodes;
    driver.mmap = driver.mmap && transport->can_mmap();
  }
  driver.mmap = driver.mmap && nodes != 0;
  server->executor_ = std::make_unique<base::RealExecutor>(worker_count(options.workers));
  auto machine = drv::Machine::create(options.profile, std::move(driver), server->clock_,
                                      *server->executor_, server->tracer_);
  if (!machine) return tl::unexpected(std::move(machine).error());
  server->machine_ = std::move(*machine);
  for (const std::string& fault : options.faults)
    FAKEGPU_TRY(server->machine_->faults().arm_text(fault));
  for (const auto& transport : server->transports_) {
    FAKEGPU_TRY(transport->start(*server->machine_, *server));
    ++server->serving_;
    base::log(base::LogLevel::kInfo, "{}: {}", transport->name(), transport->where());
  }
  return server;
}

Server::~Server() {
  // In this order: waiters are released while their files and transports are whole; then no other
  // thread is left that could touch a file; then files go, and the machine after them.
  if (machine_) machine_->shutdown();
  if (executor_) executor_->stop();
  for (const auto& transport : transports_) transport->stop();
  machine_.reset();
  transports_.clear();
}

void Server::transport_lost(Transport& transport) {
  base::log(base::LogLevel::kError, "{}: {} is gone", transport.name(), transport.where());
  if (--serving_ != 0) return;
  lost_ = true;
  loop_.stop();
}

}  // namespace fakegpu::cuse_dev
