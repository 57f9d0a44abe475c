// SPDX-License-Identifier: MIT
// A GPU address space of the driver and the allocation of its addresses.
#pragma once

#include <memory>
#include <mutex>

#include <fakegpu/memory.h>

#include "device.h"
#include "va_allocator.h"

namespace fakegpu::umd {

class Vm {
 public:
  // `device` outlives the address space.
  static int create(Device& device, std::shared_ptr<Vm>* out);
  ~Vm();

  uint32_t id() const { return id_; }

  struct Bind {
    uint32_t handle;
    uint64_t offset;
    uint64_t size;
    uint64_t alignment;  // of an address to be chosen
    uint32_t flags;
  };
  // At *va, or if that is 0 where there is room.
  int bind(const Bind& bind, uint64_t* va);
  int unbind(uint64_t va);

 private:
  Vm(Device& device, uint32_t id);

  Device& device_;
  const uint32_t id_;
  std::mutex mutex_;
  VaAllocator addresses_;
};

}  // namespace fakegpu::umd

// The address space goes before the device.
struct fakegpu_vm {
  std::shared_ptr<fakegpu::umd::Device> device;
  std::shared_ptr<fakegpu::umd::Vm> core;
};
