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
#include "inprocess/sweeper.h"

namespace fakegpu::umd {

namespace {

// Of one machine; the half of RLIMIT_NOFILE is less, as a rule.
constexpr unsigned kMaxDescriptors = 65536;

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
    auto descriptors = drv::NativeDescriptors::create(kMaxDescriptors, drv::Options().file_objects);
    if (!descriptors) return tl::unexpected(std::move(descriptors).error());
    host->descriptors_ = std::move(*descriptors);
    FAKEGPU_TRY(host->sweeper_.start(*host->descriptors_));
    return host;
  }
  ~Host() {
    if (machine_) machine_->shutdown();
    // No task of the machine may run any more when it goes, and no file of it be open.
    executor_.stop();
    sweeper_.stop();
    descriptors_.reset();
  }

  drv::Machine& machine() { return *machine_; }
  base::Clock& clock() { return clock_; }
  base::RealExecutor& executor() { return executor_; }
  drv::NativeDescriptors& descriptors() { return *descriptors_; }

 private:
  // A caller that waits runs the GPU's work itself.
  explicit Host(unsigned workers)
      : tracer_(clock_), executor_(workers, base::RealExecutor::Wake::kLazy) {}

  base::MonotonicClock clock_;
  base::Tracer tracer_;
  base::RealExecutor executor_;
  std::unique_ptr<drv::Machine> machine_;
  std::unique_ptr<drv::NativeDescriptors> descriptors_;
  Sweeper sweeper_;
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
  Shell shell = {h.clock(), [&h] { return h.executor().run_one(); }, Idle::kSleep, std::move(host),
                 &h.descriptors()};
  return make_inprocess_transport(h.machine(), std::move(shell), out, node);
}

}  // namespace

}  // namespace fakegpu::umd

extern "C" __attribute__((visibility("default")))
const fakegpu::umd::InprocessModule fakegpu_inprocess_module = {FAKEGPU_VERSION,
                                                                &fakegpu::umd::open};
