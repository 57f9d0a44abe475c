// SPDX-License-Identifier: MIT
// A buffer object of the driver with its CPU mapping and its place in an address space.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include <fakegpu/memory.h>

#include "device.h"
#include "owned.h"
#include "vm.h"

namespace fakegpu::umd {

class Bo : public std::enable_shared_from_this<Bo> {
 public:
  // `device` outlives the BO.
  static int create(Device& device, uint64_t size, uint64_t alignment, uint32_t heap,
                    uint32_t flags, std::shared_ptr<Bo>* out);
  // The BO of a dma-buf: one that the device has already if it is that.
  static int import_fd(Device& device, int fd, std::shared_ptr<Bo>* out);
  ~Bo();

  // A dma-buf for it.
  int export_fd(int* fd);

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
  int describe();
  int map_now();
  void close_handle();

  Device& device_;
  uint32_t handle_ = 0;
  uint64_t size_ = 0;
  uint64_t alignment_ = 0;
  bool shareable_ = false;
  bool shared_ = false;  // in the device's table

  std::mutex mutex_;
  OwnedMapping mapping_;
  unsigned mapped_ = 0;
  std::shared_ptr<Vm> vm_;
  uint64_t va_ = 0;
};

// Whose handle is whose: importing a BO that this open file has already gives its handle again, and
// that is closed once. Real counterpart: handle_table in libdrm_amdgpu.
class BoTable {
 public:
  // Held from asking for a handle to knowing whose it is, and while one is closed.
  std::mutex mutex;
  std::unordered_map<uint32_t, Bo*> bos;
};

}  // namespace fakegpu::umd

// The BO goes before the device.
struct fakegpu_bo {
  std::shared_ptr<fakegpu::umd::Device> device;
  std::shared_ptr<fakegpu::umd::Bo> core;
};
