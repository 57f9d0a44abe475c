// SPDX-License-Identifier: MIT
// A machine under virtual time with one thread, for tests of the driver: ioctls by plain call, time
// by run_*(), memory by pointer.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <fakegpu_drm.h>

#include "base/virtual_executor.h"
#include "drv/descriptors.h"
#include "drv/machine.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::tests {

inline hw::Profile small_profile() {
  hw::Profile profile;
  profile.vram_bytes = 64ull << 20;
  profile.system_bytes = 64ull << 20;
  profile.cost = hw::CostModel::modelled();
  return profile;
}

class VirtualMachine {
 public:
  explicit VirtualMachine(uint64_t seed = 1, drv::Options options = {},
                          hw::Profile profile = small_profile(), base::TraceSink* trace = nullptr)
      : executor_(seed, base::kNanosPerSecond), tracer_(executor_) {
    tracer_.set_sink(trace);
    auto machine = drv::Machine::create(profile, std::move(options), executor_, executor_, tracer_);
    EXPECT_TRUE(machine) << (machine ? "" : machine.error().message());
    if (machine) machine_ = std::move(*machine);
  }
  ~VirtualMachine() {
    if (!machine_) return;
    machine_->shutdown();
    executor_.run();
  }

  drv::Machine& machine() { return *machine_; }
  base::VirtualExecutor& executor() { return executor_; }
  base::Nanos now() const { return executor_.now(); }
  void run() { executor_.run(); }

 private:
  base::VirtualExecutor executor_;
  base::Tracer tracer_;
  std::unique_ptr<drv::Machine> machine_;
};

// One open file and the calls that tests make on it.
class Client {
 public:
  // `memory_of`: a client whose arena this one uses too.
  explicit Client(VirtualMachine& machine, drv::Caller caller = {1, 0, 0},
                  Client* memory_of = nullptr)
      : caller_(caller) {
    auto file = machine.machine().open(caller, true, memory_of ? memory_of->file_.get() : nullptr);
    EXPECT_TRUE(file);
    file_ = std::move(*file);
  }
  Client(std::unique_ptr<drv::File> file, drv::Caller caller)
      : caller_(caller), file_(std::move(file)) {}

  // Its calls name descriptors of this table, which outlives it. Without one they cannot.
  void use(drv::Descriptors& descriptors) { descriptors_ = &descriptors; }

  // Its file is passed to somebody else, who makes the calls from now on.
  void pass_to(drv::Caller caller) { caller_ = caller; }

  drv::File& file() { return *file_; }
  void close() { file_.reset(); }

  // An ioctl that answers at once.
  template <typename T>
  int call(unsigned long command, T& arg) {
    const auto result = start(command, arg, nullptr);
    EXPECT_TRUE(result) << "the call is pending";
    return result.value_or(-EINPROGRESS);
  }
  // An ioctl that may pend: `reply` gets its answer.
  template <typename T>
  std::optional<int> start(unsigned long command, T& arg, drv::Reply reply) {
    return file_->ioctl({static_cast<uint32_t>(command), reinterpret_cast<uintptr_t>(&arg), caller_,
                         ++last_id_, descriptors_},
                        memory_, std::move(reply));
  }
  uint64_t last_id() const { return last_id_; }

  uint32_t vm() {
    if (!vm_) {
      drm_fakegpu_vm_create arg = {};
      EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg), 0);
      vm_ = arg.vm_id;
    }
    return vm_;
  }

  uint32_t context(int32_t priority = DRM_FAKEGPU_PRIORITY_NORMAL) {
    drm_fakegpu_ctx_create arg = {};
    arg.vm_id = vm();
    arg.priority = priority;
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg), 0);
    return arg.ctx_id;
  }

  uint32_t syncobj(uint32_t flags = 0) {
    drm_syncobj_create arg = {0, flags};
    EXPECT_EQ(call(DRM_IOCTL_SYNCOBJ_CREATE, arg), 0);
    return arg.handle;
  }

  struct Buffer {
    uint32_t handle;
    uint64_t va;
    base::Mapping bytes;
    template <typename T>
    T* as() {
      return reinterpret_cast<T*>(bytes.data());
    }
  };
  // A BO, bound into the file's VM and mapped.
  Buffer buffer(uint64_t size = 4096, uint32_t heap = DRM_FAKEGPU_HEAP_VRAM, uint32_t flags = 0) {
    drm_fakegpu_bo_create bo = {};
    bo.size = size;
    bo.heap = heap;
    bo.flags = flags;
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), 0);
    drm_fakegpu_vm_bind bind = {};
    bind.vm_id = vm();
    bind.handle = bo.handle;
    bind.va = next_va_;
    bind.size = bo.size;
    next_va_ += (bo.size + 0xfffff) & ~0xfffffull;
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_VM_BIND, bind), 0);
    auto backing = file_->bo_backing(bo.handle);
    EXPECT_TRUE(backing);
    auto mapping = base::Mapping::map_shared(backing->fd.get(), backing->offset, backing->size,
                                             PROT_READ | PROT_WRITE);
    EXPECT_TRUE(mapping);
    return {bo.handle, bind.va, std::move(*mapping)};
  }

  // An IB with these dwords, in a buffer that lives as long as the client. SDMA's are padded.
  drm_fakegpu_ib ib(packets::Words words, bool sdma = false) {
    while (sdma && words.size() % 8 != 0) words.push_back(0);
    ibs_.push_back(buffer(words.size() * 4));
    std::memcpy(ibs_.back().bytes.data(), words.data(), words.size() * 4);
    return {ibs_.back().va, static_cast<uint32_t>(words.size()), 0};
  }

  struct Submit {
    uint32_t context;
    uint32_t ring = 0;
    std::vector<drm_fakegpu_ib> ibs;
    std::vector<drm_fakegpu_sync> in = {};
    std::vector<drm_fakegpu_sync> out = {};
    uint32_t flags = 0;
    uint64_t user_data = 0;
    std::vector<drm_fakegpu_bo_use> bos = {};
  };
  int submit(const Submit& what, uint64_t* seqno = nullptr) {
    drm_fakegpu_submit arg = {};
    arg.ctx_id = what.context;
    arg.ring = what.ring;
    arg.flags = what.flags;
    arg.user_data = what.user_data;
    arg.ib_count = static_cast<uint32_t>(what.ibs.size());
    arg.ibs = reinterpret_cast<uintptr_t>(what.ibs.data());
    arg.in_sync_count = static_cast<uint32_t>(what.in.size());
    arg.in_syncs = reinterpret_cast<uintptr_t>(what.in.data());
    arg.out_sync_count = static_cast<uint32_t>(what.out.size());
    arg.out_syncs = reinterpret_cast<uintptr_t>(what.out.data());
    arg.bo_count = static_cast<uint32_t>(what.bos.size());
    arg.bos = reinterpret_cast<uintptr_t>(what.bos.data());
    const int result = call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
    if (seqno) *seqno = arg.seqno;
    return result;
  }

  // A binary wait with timeout 0.
  int poll_syncobj(uint32_t handle) {
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    return call(DRM_IOCTL_SYNCOBJ_WAIT, arg);
  }

 private:
  drv::Caller caller_;
  ioctl::DirectMemory memory_;
  std::unique_ptr<drv::File> file_;
  drv::Descriptors* descriptors_ = nullptr;
  uint64_t last_id_ = 0;
  uint32_t vm_ = 0;
  uint64_t next_va_ = 0x100000;
  std::vector<Buffer> ibs_;
};

template <typename... Packets>
packets::Words words(const Packets&... packets) {
  packets::Words out;
  (packets.encode(out), ...);
  return out;
}

// Stores `value` at `address`.
inline packets::Words write_dword(uint64_t address, uint32_t value) {
  packets::pm4::WriteData packet;
  packet.address = address;
  packet.data = {&value, 1};
  return words(packet);
}

}  // namespace fakegpu::tests
