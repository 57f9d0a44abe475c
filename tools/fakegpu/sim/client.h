// SPDX-License-Identifier: MIT
// A simulated client: an open file of the driver, and its queues, each a context with a ring of
// IBs. Submits what workloads say by SUBMIT, hears of finished jobs by the file's events, and waits
// through the driver. Everything in virtual time, in one thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "base/virtual_executor.h"
#include "drv/machine.h"
#include "statistics.h"
#include "workload.h"

namespace fakegpu::sim {

class Client;

// What the clients of one run share.
struct World {
  base::VirtualExecutor& executor;
  drv::Machine& machine;
  Nanos begin;  // of the run; batches count from it
  Nanos wake;   // from a fence's signal to its client's reaction
  bool over = false;
};

class Queue {
 public:
  // All outlive it. `index`: among the client's.
  Queue(Client& client, size_t index, const QueueSpec& spec, std::unique_ptr<Workload> workload,
        ClientStatistics& statistics, uint32_t ring);
  Queue(const Queue&) = delete;

  // Its batches go after those of `producer`: of the same index or, if both are periodic, of the
  // period that has begun. Before start().
  void go_after(Queue& producer);
  void start() { turn_at(0); }
  // Of the oldest unfinished job.
  void job_finished(int error);
  // Counts what is left, and deadlines that have passed.
  void end();

  double weighted_time() const { return static_cast<double>(gpu_time_) / weight_; }

 private:
  struct Job {
    Nanos wanted, length, deadline;  // deadline: of a batch's last; 0: none
    Nanos batch;                     // length of the batch so far
    bool first, last;
  };
  struct Dependency {
    Queue* producer;
    uint32_t syncobj;  // the producer's timeline, in this client's file
  };

  Nanos now() const;
  void turn_at(Nanos time);
  size_t behind(size_t at) const { return at + 1 == jobs_.size() ? 0 : at + 1; }
  void turn();
  void show_timeline();
  uint64_t needed(const Queue& producer) const;
  bool producers_have_submitted();
  // False: the context, or the device, takes no more, and nothing was submitted.
  bool submit_batch();
  bool submit_job(const Job& job, size_t in_count);
  void make_context();
  void wait_for_last();
  void tell_deadline(Nanos deadline);

  Client& client_;
  const size_t index_;
  const QueueSpec& spec_;
  std::unique_ptr<Workload> workload_;
  ClientStatistics& statistics_;
  const uint32_t ring_;
  const double weight_;
  uint32_t context_ = 0;
  uint32_t timeline_ = 0;  // syncobj with a point for each batch; 0: nobody needs one
  uint64_t ibs_va_ = 0;
  uint32_t ib_dwords_ = 0;
  base::Mapping ibs_;

  std::vector<Job> jobs_;  // a ring; as many as may be unfinished
  uint64_t submitted_ = 0;
  uint64_t finished_ = 0;
  size_t submit_at_ = 0;  // their places
  size_t finish_at_ = 0;
  uint64_t last_seqno_ = 0;
  uint64_t batches_ = 0;
  std::optional<Batch> batch_;  // the next to be submitted
  Nanos batch_started_ = 0;     // the one that executes
  bool turn_posted_ = false;
  bool full_ = false;     // waits for a job to finish
  bool lost_ = false;     // the context: a job of it was ended, or the memory of its GPU
  bool gone_ = false;     // the device is wedged
  bool starved_ = false;  // waits for a producer's submission
  std::vector<Dependency> dependencies_;
  std::vector<drm_fakegpu_sync> in_;
  std::vector<Queue*> consumers_;
  Nanos gpu_time_ = 0;
};

class Client {
 public:
  // `memory_of`: shares its arena, to spare descriptors; may be null.
  Client(World& world, Client* memory_of);
  ~Client();
  Client(const Client&) = delete;

  Queue& add_queue(const QueueSpec& spec, std::unique_ptr<Workload> workload,
                   ClientStatistics& statistics, uint32_t ring);
  const std::vector<std::unique_ptr<Queue>>& queues() const { return queues_; }
  void end();
  void close() { file_.reset(); }

  World& world() { return world_; }
  drv::File& file() { return *file_; }
  uint32_t vm() const { return vm_; }
  // A call that must succeed at once; throws std::runtime_error if not.
  template <typename T>
  void call(unsigned long command, T& arg, drv::Descriptors* descriptors = nullptr) {
    must(static_cast<uint32_t>(command), try_call(command, arg, descriptors));
  }
  // One that ends at once, maybe with a negative errno.
  template <typename T>
  int try_call(unsigned long command, T& arg, drv::Descriptors* descriptors = nullptr) {
    return try_call(static_cast<uint32_t>(command), &arg, descriptors);
  }
  // A wait: `reply` follows unless it is over already (true).
  template <typename T>
  bool wait(unsigned long command, T& arg, drv::Reply reply) {
    return wait(static_cast<uint32_t>(command), &arg, std::move(reply));
  }
  // A mapped BO in the client's address space.
  uint64_t allocate(uint64_t bytes, base::Mapping& mapping);

 private:
  int try_call(uint32_t command, void* arg, drv::Descriptors* descriptors);
  static void must(uint32_t command, int result);
  bool wait(uint32_t command, void* arg, drv::Reply reply);
  void listen();

  World& world_;
  ioctl::DirectMemory memory_;
  std::unique_ptr<drv::File> file_;
  std::vector<std::unique_ptr<Queue>> queues_;
  uint32_t vm_ = 0;
  uint64_t next_va_ = 0x100000;
  uint64_t last_id_ = 0;
};

}  // namespace fakegpu::sim
