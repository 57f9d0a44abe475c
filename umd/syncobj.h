// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "device.h"

struct fakegpu_syncobj {
  std::shared_ptr<fakegpu::umd::Device> device;
  uint32_t handle = 0;

  ~fakegpu_syncobj();
};
