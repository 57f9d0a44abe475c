// SPDX-License-Identifier: MIT
// A buffer object of the driver with its CPU mapping and its place in an address space.
#pragma once

#include <memory>
#include <mutex>

#include <fakegpu/memory.h>

#include "device.h"
#include "owned.h"
#include "vm.h"

namespace fakegpu::umd {

class Bo {
 public:
  // `device` outlives the BO.
  static int create(Device& device, uint64_t size, uint64_t alignment, uint32_t heap,
                    uint32_t flags, std::unique_ptr<Bo>* out);
  ~Bo();

  uint32_t handle() const { return handle_; }
  uint64_t size() const { return size_; }
  uint64_t alignment() const { return alignment_; }

  // Counted; all give the same address.
  int map(void** cpu);
  int unmap();

  // Where it is in `vm`, which is the same in every call: bound at the first, unbound at the end.
  int address_in(const std::shared_ptr<Vm>& vm, uint64_t* va);

 private:
  explicit Bo(Device& device) : device_(device) {}
  int map_now();

  Device& device_;
  uint32_t handle_ = 0;
  uint64_t size_ = 0;
  uint64_t alignment_ = 0;
  bool shareable_ = false;

  std::mutex mutex_;
  OwnedMapping mapping_;
  unsigned mapped_ = 0;
  std::shared_ptr<Vm> vm_;
  uint64_t va_ = 0;
};

}  // namespace fakegpu::umd

// The BO goes before the device.
struct fakegpu_bo {
  std::shared_ptr<fakegpu::umd::Device> device;
  std::unique_ptr<fakegpu::umd::Bo> core;
};
