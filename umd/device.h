// SPDX-License-Identifier: MIT
// An open device behind the C handles: its transport, what was asked of it at the start, and its
// default address space.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <fakegpu/device.h>

#include "fence_page.h"
#include "transport.h"

namespace fakegpu::umd {

class BoTable;
class Vm;

class Device {
 public:
  // Asks for the identity and the rings. -ENXIO: what answers is not fakegpu.
  static int open(std::unique_ptr<Transport> transport, std::shared_ptr<Device>* out);
  ~Device();

  Transport& transport() { return *transport_; }
  const Transport& transport() const { return *transport_; }
  const drm_fakegpu_device_info& info() const { return info_; }

  struct Ring {
    uint32_t type;
    uint32_t instance;
  };
  const std::vector<Ring>& rings() const { return rings_; }

  // Repeats after -EINTR and -EAGAIN.
  int call(unsigned long command, void* arg, Pointers pointers = Pointers::kTrusted);

  int query(uint32_t item, uint32_t index, void* data, uint32_t size);

  // Made at the first use.
  int default_vm(std::shared_ptr<Vm>* out);

  // The BOs that others may hold too.
  BoTable& shared_bos() { return *shared_bos_; }

  // Mapped at the first use; empty if this transport has none.
  const FencePage& fence_page();

 private:
  explicit Device(std::unique_ptr<Transport> transport);
  int identify();

  std::unique_ptr<Transport> transport_;
  drm_fakegpu_device_info info_ = {};
  std::vector<Ring> rings_;
  std::mutex vm_mutex_;
  std::shared_ptr<Vm> default_vm_;
  std::unique_ptr<BoTable> shared_bos_;
  std::once_flag fence_page_once_;
  FencePage fence_page_;
};

// A handle of a new device on `transport`; for tests and simulations that bring their own.
int open_transport(std::unique_ptr<Transport> transport, struct fakegpu_device** out);

}  // namespace fakegpu::umd

struct fakegpu_device {
  std::shared_ptr<fakegpu::umd::Device> core;
};
