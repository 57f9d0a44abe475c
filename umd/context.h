// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <fakegpu/context.h>

#include "device.h"
#include "vm.h"

// Its parts go in the reverse of this order.
struct fakegpu_context {
  std::shared_ptr<fakegpu::umd::Device> device;
  std::shared_ptr<fakegpu::umd::Vm> vm;
  uint32_t id = 0;
  uint32_t fence_slot = DRM_FAKEGPU_NO_FENCE_SLOT;  // of ring 0; the other rings' follow

  ~fakegpu_context();
};
