// SPDX-License-Identifier: MIT
// The daemon without its process: a machine, the threads that execute for it, and the transports
// that let clients in.
#pragma once

#include <memory>
#include <vector>

#include "base/real_executor.h"
#include "base/trace.h"
#include "drv/machine.h"
#include "loop.h"
#include "options.h"
#include "trace_file.h"
#include "transport.h"

namespace fakegpu::cuse_dev {

// The transports that `options` asks for, ready to be started, the wanted ones in order. An error
// if one that was named, or all that may be chosen from, cannot be had.
base::Result<std::vector<std::unique_ptr<Transport>>> make_transports(const Options& options,
                                                                      Loop& loop);

class Server final : public Transport::Owner {
 public:
  // Builds the machine and starts `transports` on `loop`, which outlives the server. What was
  // started is undone on an error.
  static base::Result<std::unique_ptr<Server>> create(
      const Options& options, Loop& loop, std::vector<std::unique_ptr<Transport>> transports);

  // After loop.run() has returned, in its thread. Releases every waiter (-ENODEV), stops the
  // threads, closes all files.
  ~Server() override;

  // The last transport was lost, and the loop was stopped for that.
  bool lost() const { return lost_; }

  drv::Machine& machine() { return *machine_; }

  void transport_lost(Transport& transport) override;

 private:
  Server(Loop& loop, std::vector<std::unique_ptr<Transport>> transports);

  Loop& loop_;
  base::MonotonicClock clock_;
  base::Tracer tracer_;
  std::unique_ptr<TraceFile> trace_;
  std::unique_ptr<base::RealExecutor> executor_;
  std::unique_ptr<drv::Machine> machine_;
  std::vector<std::unique_ptr<Transport>> transports_;
  size_t serving_ = 0;
  bool lost_ = false;
};

}  // namespace fakegpu::cuse_dev
