// SPDX-License-Identifier: MIT
#include "engine.h"

#include <stdexcept>

#include <fmt/core.h>

#include "client.h"

namespace fakegpu::sim {

namespace {

// The driver's own limits on one client would only bound what a scenario may ask; it is bounded by
// its windows.
drv::Options options_of(const Scenario& scenario, const std::string& policy) {
  drv::Options options;
  options.policy = policy;
  options.hw_submission = scenario.credits;
  options.queue_time = scenario.queue_time;
  options.lockup_timeout = {scenario.lockup_timeout, scenario.lockup_timeout,
                            scenario.lockup_timeout};
  options.recovery = scenario.recovery;
  options.file_waits = UINT32_MAX;
  return options;
}

hw::Profile profile_of(const Scenario& scenario) {
  hw::Profile profile;
  profile.gfx_rings = scenario.gfx_rings;
  profile.compute_rings = scenario.compute_rings;
  profile.sdma_rings = scenario.sdma_rings;
  profile.cost.packet = scenario.packet_cost;
  return profile;
}

uint64_t mix(uint64_t seed, uint64_t client, uint64_t instance, uint64_t queue) {
  for (const uint64_t part : {client, instance, queue}) seed = Random(seed + part).next();
  return seed;
}

class Simulation {
 public:
  Simulation(const Scenario& scenario, const RunSettings& settings, const WorkloadSource& source)
      : scenario_(scenario),
        settings_(settings),
        executor_(settings.seed, base::kNanosPerSecond),
        tracer_(executor_) {
    tracer_.set_sink(settings.trace);
    auto machine = drv::Machine::create(profile_of(scenario), options_of(scenario, settings.policy),
                                        executor_, executor_, tracer_);
    if (!machine) throw std::runtime_error(machine.error().message());
    machine_ = std::move(*machine);
    world_ =
        std::make_unique<World>(World{executor_, *machine_, executor_.now(), scenario.wake, false});
    try {
      add_clients(source);
    } catch (...) {
      close();
      throw;
    }
  }
  ~Simulation() { close(); }

  RunStatistics run() {
    const std::vector<drm_fakegpu_ring_info> before = ring_infos();
    world_->begin = executor_.now();
    for (const auto& client : clients_)
      for (const auto& queue : client->queues()) queue->start();
    post_faults();
    const Nanos end = world_->begin + scenario_.duration;
    uint64_t steps = 0;
    while (executor_.next_event() >= 0 && executor_.next_event() <= end) {
      executor_.step();
      if ((++steps & 0xfff) == 0) check_size();
    }
    executor_.run_until(end);
    for (const auto& client : clients_) client->end();
    sum_up(before);
    return std::move(result_);
  }

 private:
  void add_clients(const WorkloadSource& source) {
    result_.clients.resize(scenario_.clients.size());
    const std::vector<drm_fakegpu_ring_info> rings = first_client_rings();
    for (size_t c = 0; c < scenario_.clients.size(); ++c) {
      const ClientSpec& spec = scenario_.clients[c];
      result_.clients[c].name = spec.name;
      first_.push_back(clients_.size());
      for (unsigned i = 0; i < spec.count; ++i) {
        clients_.push_back(std::make_unique<Client>(*world_, asker_.get()));
        for (size_t q = 0; q < spec.queues.size(); ++q)
          clients_.back()->add_queue(
              spec.queues[q],
              source ? source(c, i, q)
                     : make_workload(spec.queues[q], mix(settings_.seed, c, i, q)),
              result_.clients[c], find_ring(rings, spec.queues[q]));
      }
    }
    connect();
  }

  // Of those that come at the same time as a job, the job is first.
  void post_faults() {
    for (const FaultSpec& fault : scenario_.faults)
      executor_.post_at(world_->begin + fault.at, [this, &fault] {
        if (world_->over) return;
        const auto armed = machine_->faults().arm_text(fault.what);
        if (!armed) throw std::runtime_error(armed.error().message());
      });
  }

  void connect() {
    for (size_t c = 0; c < scenario_.clients.size(); ++c) {
      const ClientSpec& spec = scenario_.clients[c];
      for (unsigned i = 0; i < spec.count; ++i)
        for (size_t q = 0; q < spec.queues.size(); ++q)
          for (const QueueSpec::After& after : spec.queues[q].after) {
            const bool single = scenario_.clients[after.client].count == 1;
            Client& producer = *clients_[first_[after.client] + (single ? 0 : i)];
            clients_[first_[c] + i]->queues()[q]->go_after(*producer.queues()[after.queue]);
          }
    }
  }

  // Whose arena all use, and who asks the device.
  std::vector<drm_fakegpu_ring_info> first_client_rings() {
    asker_ = std::make_unique<Client>(*world_, nullptr);
    return ring_infos();
  }

  std::vector<drm_fakegpu_ring_info> ring_infos() {
    std::vector<drm_fakegpu_ring_info> infos(scenario_.gfx_rings + scenario_.compute_rings +
                                             scenario_.sdma_rings);
    for (uint32_t i = 0; i < infos.size(); ++i) {
      drm_fakegpu_query query = {};
      query.item = DRM_FAKEGPU_QUERY_RING;
      query.index = i;
      query.data = reinterpret_cast<uintptr_t>(&infos[i]);
      query.size = sizeof(infos[i]);
      asker_->call(DRM_IOCTL_FAKEGPU_QUERY, query);
    }
    return infos;
  }

  static uint32_t find_ring(const std::vector<drm_fakegpu_ring_info>& rings,
                            const QueueSpec& queue) {
    for (uint32_t i = 0; i < rings.size(); ++i)
      if (rings[i].type == queue.ring_type && rings[i].instance == queue.ring_instance) return i;
    throw std::runtime_error(fmt::format("queue {}: the GPU has no such ring", queue.name));
  }

  void check_size() const {
    uint64_t submitted = 0;
    for (const ClientStatistics& client : result_.clients) submitted += client.submitted;
    if (submitted > settings_.max_jobs)
      throw std::runtime_error(fmt::format(
          "the scenario submits more than {} jobs in {} ms: stopped", settings_.max_jobs,
          (executor_.now() - world_->begin) / base::kNanosPerMilli));
  }

  void sum_up(const std::vector<drm_fakegpu_ring_info>& before) {
    std::vector<double> shares;
    for (const auto& client : clients_) {
      double share = 0;
      for (const auto& queue : client->queues()) share += queue->weighted_time();
      shares.push_back(share);
    }
    result_.fairness = jain(shares);
    for (const ClientStatistics& client : result_.clients) result_.finished += client.finished;
    const std::vector<drm_fakegpu_ring_info> after = ring_infos();
    for (size_t i = 0; i < after.size(); ++i)
      if (after[i].emitted != before[i].emitted)
        result_.rings.push_back(
            {after[i].name, static_cast<double>(after[i].busy_ns - before[i].busy_ns) /
                                static_cast<double>(scenario_.duration)});
  }

  void close() {
    world_->over = true;
    machine_->shutdown();
    for (const auto& client : clients_) client->close();
    if (asker_) asker_->close();
    executor_.run();
    clients_.clear();
    asker_.reset();
    machine_.reset();
  }

  const Scenario& scenario_;
  const RunSettings& settings_;
  base::VirtualExecutor executor_;
  base::Tracer tracer_;
  std::unique_ptr<drv::Machine> machine_;
  std::unique_ptr<World> world_;
  RunStatistics result_;
  std::unique_ptr<Client> asker_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<size_t> first_;  // instance of each client of the scenario, in clients_
};

}  // namespace

RunStatistics run(const Scenario& scenario, const RunSettings& settings,
                  const WorkloadSource& source) {
  return Simulation(scenario, settings, source).run();
}

}  // namespace fakegpu::sim
