// SPDX-License-Identifier: MIT
// Clients that do random things to a device which is recorded. Under virtual time from one thread,
// or each from a thread of its own.
#pragma once

#include <fcntl.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "device.h"
#include "drv/faults.h"
#include "file_impl.h"
#include "hw/gpu.h"
#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"
#include "sched/policy.h"
#include "sim/record_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"
#include "sw_sync_file.h"

namespace fakegpu::tests {

class RecordedDevice {
 public:
  RecordedDevice(drv::Options options, base::Clock& clock, base::Executor& executor,
                 hw::Profile profile = small_profile())
      : clock_(clock), tracer_(clock) {
    gpu_ = std::move(*hw::Gpu::create(profile, clock, executor, tracer_));
    faults_ = std::make_unique<drv::Faults>(gpu_->faults(), clock);
    device_ = std::move(*drv::Device::create(gpu_->function(0), std::move(options), clock, executor,
                                             tracer_, *faults_));
  }

  drv::Device& device() { return *device_; }
  const base::Clock& clock() const { return clock_; }
  std::unique_ptr<drv::File> open() {
    return std::make_unique<drv::FileImpl>(*device_, drv::Caller{1, 0, 0}, true, nullptr);
  }

  void start_recording(uint32_t capacity = 1u << 20) {
    recorder_ = std::make_unique<Client>(open(), drv::Caller{1, 0, 0});
    drm_fakegpu_record arg = {0, capacity};
    EXPECT_EQ(recorder_->call(DRM_IOCTL_FAKEGPU_RECORD, arg), 0);
  }
  // What was recorded since the last call.
  std::vector<sim::Record> take() {
    std::vector<sim::Record> records;
    std::vector<std::byte> bytes(1 << 16);
    for (;;) {
      const auto got = recorder_->file().read(1, bytes, true, nullptr);
      if (!got || *got <= 0) return records;
      const auto some = sim::records_of(std::span(bytes).first(static_cast<size_t>(*got)));
      records.insert(records.end(), some.begin(), some.end());
    }
  }
  void stop_recording() { recorder_.reset(); }

  void set_policy(size_t ring, std::string_view name) {
    drv::DeviceLock::Guard guard(device_->lock());
    device_->rings()[ring]->scheduler().set_policy(std::move(*sched::make_policy(name)));
  }

 private:
  const base::Clock& clock_;
  base::Tracer tracer_;
  std::unique_ptr<hw::Gpu> gpu_;
  std::unique_ptr<drv::Faults> faults_;
  std::unique_ptr<drv::Device> device_;
  std::unique_ptr<Client> recorder_;
};

// What clients share: syncobjs, a BO, and fences of sw_sync that are still to signal.
struct Shared {
  static constexpr uint32_t kSyncobjs = 3;

  FakeDescriptors table;
  std::unique_ptr<drv::File> timeline;
  std::vector<int32_t> syncobjs;
  int32_t bo = -1;
};

class RandomClient {
 public:
  struct Habits {
    base::Nanos longest_work = 200 * base::kNanosPerMicro;
    bool hangs = false;
    bool switches = false;  // policies
  };

  RandomClient(RecordedDevice& device, Shared& shared, uint64_t seed, Habits habits)
      : device_(device), shared_(shared), random_(seed), habits_(habits) {
    open();
  }
  ~RandomClient() { client_.reset(); }

  // Opens its file again. Uses the shared table, and so not while others do.
  void open() {
    client_.reset();
    contexts_.clear();
    syncobjs_.clear();
    jobs_.clear();
    client_ = std::make_unique<Client>(device_.open(), drv::Caller{1, 0, 0});
    client_->use(shared_.table);
    for (int i = 0; i < 2; ++i) contexts_.push_back(client_->context(any_priority()));
    for (int i = 0; i < 2; ++i) syncobjs_.push_back(client_->syncobj());
    share_syncobjs();
    share_bo();
    import_sw_fences();
    target_ = client_->buffer();
    nop_ = client_->ib(write_dword(target_.va, 1));
    for (int i = 1; i <= 4; ++i) work_.push_back(client_->ib(work(i)));
    packets::sdma::WriteLinear write;
    const uint32_t value = 7;
    write.destination = target_.va;
    write.data = {&value, 1};
    sdma_ = client_->ib(words(write), true);
    hang_ = client_->ib(words(packets::pm4::Hang{}));
  }

  void step() {
    const uint64_t verb = pick(40);
    if (verb < 22) {
      submit(verb == 0 && habits_.hangs && pick(6) == 0);
    } else if (verb < 26) {
      wait_for_seqno();
    } else if (verb < 30) {
      wait_for_syncobj();
    } else if (verb < 32) {
      drm_fakegpu_ctx_set_priority arg = {any_context(), any_priority()};
      client_->call(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, arg);
    } else if (verb < 34) {
      replace_context();
    } else if (verb < 36) {
      ioctl::SwSyncInc arg = {1};
      ioctl::DirectMemory memory;
      shared_.timeline->ioctl({ioctl::kSwSyncIocInc, reinterpret_cast<uintptr_t>(&arg), {}, 1},
                              memory, nullptr);
    } else if (verb < 37 && habits_.switches) {
      const auto names = sched::policy_names();
      device_.set_policy(pick(3), names[pick(names.size())]);
    }
  }
  uint64_t pick(uint64_t below) { return random_() % below; }
  // Submissions that had to wait for room.
  size_t waits() const { return waits_; }

 private:
  static constexpr uint32_t kSdma = 5;
  static constexpr uint32_t kRings = 7;

  packets::Words work(int part) const {
    packets::pm4::Work packet;
    packet.units = 1;
    packet.unit_ns = static_cast<uint32_t>(habits_.longest_work * part / 4);
    return words(packet);
  }
  int32_t any_priority() { return static_cast<int32_t>(pick(3)) - 1; }
  uint32_t any_context() { return contexts_[pick(contexts_.size())]; }

  void share_syncobjs() {
    if (shared_.syncobjs.empty()) {
      for (uint32_t i = 0; i < Shared::kSyncobjs; ++i) {
        const uint32_t handle = client_->syncobj();
        ioctl::SyncobjHandle arg = {handle, 0, -1, 0, 0};
        EXPECT_EQ(client_->call(_IOWR('d', 0xc1, ioctl::SyncobjHandle), arg), 0);
        shared_.syncobjs.push_back(arg.fd);
      }
    }
    for (const int32_t fd : shared_.syncobjs) {
      ioctl::SyncobjHandle arg = {0, 0, fd, 0, 0};
      EXPECT_EQ(client_->call(_IOWR('d', 0xc2, ioctl::SyncobjHandle), arg), 0);
      syncobjs_.push_back(arg.handle);
    }
  }
  void share_bo() {
    if (shared_.bo < 0) {
      const auto buffer = client_->buffer(4096, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
      drm_prime_handle arg = {buffer.handle, DRM_CLOEXEC, -1};
      EXPECT_EQ(client_->call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg), 0);
      shared_.bo = arg.fd;
    }
    drm_prime_handle arg = {0, 0, shared_.bo};
    EXPECT_EQ(client_->call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg), 0);
    bo_ = arg.handle;
  }
  void import_sw_fences() {
    for (uint32_t i = 0; i < 2; ++i) {
      ioctl::SwSyncCreateFence fence = {};
      fence.value = 1 + static_cast<uint32_t>(pick(30));
      ioctl::DirectMemory memory;
      EXPECT_EQ(shared_.timeline->ioctl({ioctl::kSwSyncIocCreateFence,
                                         reinterpret_cast<uintptr_t>(&fence),
                                         {},
                                         1,
                                         &shared_.table},
                                        memory, nullptr),
                0);
      const uint32_t handle = client_->syncobj();
      ioctl::SyncobjHandle arg = {handle, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
                                  fence.fence, 0, 0};
      EXPECT_EQ(client_->call(_IOWR('d', 0xc2, ioctl::SyncobjHandle), arg), 0);
      shared_.table.close(fence.fence);
      syncobjs_.push_back(handle);
    }
  }

  drm_fakegpu_sync any_sync() {
    // Mostly timelines, for containers to wait for.
    return {syncobjs_[pick(syncobjs_.size())], 0, pick(3) == 0 ? 0 : 1 + pick(6)};
  }

  void submit(bool hang) {
    Client::Submit what{.context = any_context()};
    what.ring = static_cast<uint32_t>(pick(pick(3) ? 3 : kRings));
    if (what.ring >= kSdma) {
      what.ibs = {sdma_};
    } else if (hang) {
      what.ibs = {hang_};
    } else if (pick(6) != 0) {
      what.ibs = {pick(3) ? work_[pick(work_.size())] : nop_};
    }
    for (uint64_t i = pick(3); i > 0; --i) what.in.push_back(any_sync());
    if (pick(2)) {
      what.out.push_back(any_sync());
      // Points go up; one that does not is put where it orders nothing, which is allowed too.
      if (what.out.back().point) what.out.back().point = ++point_ * (1 + pick(2));
    }
    if (pick(4) == 0)
      what.bos = {{bo_, pick(2) ? DRM_FAKEGPU_BO_USE_READ : DRM_FAKEGPU_BO_USE_WRITE}};
    if (pick(4) == 0) return submit_and_wait(what);
    if (client_->submit(what, &seqno_) != 0) {
      // Without what may not be there yet.
      what.in.clear();
      if (client_->submit(what, &seqno_) != 0) return;
    }
    jobs_.push_back({what.context, what.ring, seqno_});
    if (jobs_.size() > 16) jobs_.erase(jobs_.begin());
  }

  // For room, if there is none; nobody looks at the answer.
  void submit_and_wait(const Client::Submit& what) {
    drm_fakegpu_submit arg = {};
    arg.ctx_id = what.context;
    arg.ring = what.ring;
    arg.flags = DRM_FAKEGPU_SUBMIT_WAIT;
    arg.ib_count = static_cast<uint32_t>(what.ibs.size());
    arg.ibs = reinterpret_cast<uintptr_t>(what.ibs.data());
    arg.out_sync_count = static_cast<uint32_t>(what.out.size());
    arg.out_syncs = reinterpret_cast<uintptr_t>(what.out.data());
    const bool answered =
        client_->start(DRM_IOCTL_FAKEGPU_SUBMIT, arg, [](int, std::span<const std::byte>) {})
            .has_value();
    waits_ += !answered;
  }

  void wait_for_seqno() {
    if (jobs_.empty()) return;
    const Job& job = jobs_[pick(jobs_.size())];
    drm_fakegpu_wait_seqno arg = {};
    arg.ctx_id = job.context;
    arg.ring = job.ring;
    arg.seqno = job.seqno;
    arg.timeout_nsec = device_.clock().now() + static_cast<int64_t>(pick(2'000'000));
    client_->start(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, arg, [](int, std::span<const std::byte>) {});
  }
  void wait_for_syncobj() {
    const uint32_t handles[2] = {syncobjs_[pick(syncobjs_.size())],
                                 syncobjs_[pick(syncobjs_.size())]};
    ioctl::SyncobjWait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(handles);
    arg.count_handles = 2;
    arg.timeout_nsec = device_.clock().now() + static_cast<int64_t>(pick(2'000'000));
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    if (pick(2)) {
      arg.flags |= ioctl::kSyncobjWaitDeadline;
      arg.deadline_nsec = static_cast<uint64_t>(device_.clock().now()) + pick(1'000'000);
    }
    client_->start(DRM_IOCTL_SYNCOBJ_WAIT, arg, [](int, std::span<const std::byte>) {});
  }
  void replace_context() {
    const size_t at = pick(contexts_.size());
    drm_fakegpu_ctx_destroy arg = {contexts_[at], 0};
    EXPECT_EQ(client_->call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), 0);
    std::erase_if(jobs_, [&](const Job& job) { return job.context == contexts_[at]; });
    contexts_[at] = client_->context(any_priority());
  }

  struct Job {
    uint32_t context;
    uint32_t ring;
    uint64_t seqno;
  };

  RecordedDevice& device_;
  Shared& shared_;
  std::mt19937_64 random_;
  Habits habits_;
  std::unique_ptr<Client> client_;
  std::vector<uint32_t> contexts_;
  std::vector<uint32_t> syncobjs_;
  std::vector<Job> jobs_;
  Client::Buffer target_ = {};
  drm_fakegpu_ib nop_ = {};
  drm_fakegpu_ib sdma_ = {};
  drm_fakegpu_ib hang_ = {};
  std::vector<drm_fakegpu_ib> work_;
  uint32_t bo_ = 0;
  uint64_t point_ = 0;
  uint64_t seqno_ = 0;
  size_t waits_ = 0;
};

}  // namespace fakegpu::tests
