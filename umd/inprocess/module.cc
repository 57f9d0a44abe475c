// SPDX-License-Identifier: MIT
// The module's entrance: one machine per settings string and process, from its first open to its
// last close.
#include "inprocess/module.h"

#include <unistd.h>

#include <map>
#include <mutex>

#include "base/real_executor.h"
#include "base/trace.h"
#include "drv/machine.h"
#include "inprocess/inprocess_transport.h"
#include "inprocess/settings.h"

namespace fakegpu::umd {

namespace {

// A machine and what runs it, in the order of construction.
class Host {
 public:
  static base::Result<std::shared_ptr<Host>> create(const Settings& settings) {
    auto host = std::shared_ptr<Host>(new Host(settings.workers));
    drv::Options options;
    options.owner_uid = ::geteuid();
    options.features = settings.features;
    auto machine = drv::Machine::create(settings.profile, std::move(options), host->clock_,
                                        host->executor_, host->tracer_);
    if (!machine) return tl::unexpected(std::move(machine).error());
    host->machine_ = std::move(*machine);
    return host;
  }
  ~Host() {
    if (machine_) machine_->shutdown();
    // No task of the machine may run any more when it goes.
    executor_.stop();
  }

  drv::Machine& machine() { return *machine_; }
  base::Clock& clock() { return clock_; }
  base::RealExecutor& executor() { return executor_; }

 private:
  // A caller that waits runs the GPU's work itself.
  explicit Host(unsigned workers)
      : tracer_(clock_), executor_(workers, base::RealExecutor::Wake::kLazy) {}

  base::MonotonicClock clock_;
  base::Tracer tracer_;
  base::RealExecutor executor_;
  std::unique_ptr<drv::Machine> machine_;
};

int host_for(const std::string& settings, std::shared_ptr<Host>* out) {
  // Never destroyed: a device may be closed by a destructor that runs after those of this library.
  static std::mutex& mutex = *new std::mutex;
  static auto& hosts = *new std::map<std::string, std::weak_ptr<Host>>;
  const auto parsed = parse_settings(settings);
  if (!parsed) return -EINVAL;
  std::lock_guard lock(mutex);
  std::weak_ptr<Host>& known = hosts[settings];
  *out = known.lock();
  if (*out) return 0;
  auto host = Host::create(*parsed);
  if (!host) return host.error().negated();
  *out = std::move(*host);
  known = *out;
  return 0;
}

int open(const std::string& settings, std::unique_ptr<Transport>* out, Node node) {
  std::shared_ptr<Host> host;
  const int result = host_for(settings, &host);
  if (result != 0) return result;
  Host& h = *host;
  Shell shell = {h.clock(), [&h] { return h.executor().run_one(); }, Idle::kSleep, std::move(host)};
  return make_inprocess_transport(h.machine(), std::move(shell), out, node);
}

}  // namespace

}  // namespace fakegpu::umd

extern "C" __attribute__((visibility("default")))
const fakegpu::umd::InprocessModule fakegpu_inprocess_module = {FAKEGPU_VERSION,
                                                                &fakegpu::umd::open};
