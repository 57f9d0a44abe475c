// SPDX-License-Identifier: MIT
// Closes the driver's files as soon as their last descriptor is gone: the fences of a sw_sync that
// is closed signal although nobody calls the driver any more.
#pragma once

#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "drv/native_descriptors.h"

namespace fakegpu::umd {

class Sweeper {
 public:
  ~Sweeper() { stop(); }

  // `descriptors` outlives stop().
  base::Result<> start(drv::NativeDescriptors& descriptors);
  void stop();

 private:
  base::UniqueFd wake_;
  std::thread thread_;
};

}  // namespace fakegpu::umd
