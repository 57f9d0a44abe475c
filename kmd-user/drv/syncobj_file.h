// SPDX-License-Identifier: MIT
// An exported syncobj (drm_syncobj_file_fops): opaque, without calls of its own; whoever imports it
// gets another handle to the same box.
#pragma once

#include "fence/syncobj.h"
#include "object_file.h"

namespace fakegpu::drv {

class SyncobjFile final : public ObjectFile {
 public:
  SyncobjFile(Device& device, fence::SyncobjRef syncobj)
      : ObjectFile(device, 0), syncobj_(std::move(syncobj)) {}
  ~SyncobjFile() override {
    DeviceLock::Guard guard(device().lock());
    syncobj_.reset();
  }

  const fence::SyncobjRef& syncobj() const { return syncobj_; }

 private:
  fence::SyncobjRef syncobj_;
};

}  // namespace fakegpu::drv
