// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "base/unique_function.h"
#include "drv/file.h"
#include "retry_book.h"

namespace fakegpu::cuse_dev {

// One open() of a node; what fuse_file_info::fh holds.
struct OpenFile {
  // What it is:
  //
  //   fresh --any call but ATTACH and IDENTIFY, read, poll--> device
  //     `-----ATTACH--> object   (where a name of its own was opened it starts as this)
  enum class Stage : uint8_t { kFresh, kDevice, kObject };

  uint64_t id;  // DRM_IOCTL_FAKEGPU_IDENTIFY
  std::unique_ptr<drv::File> file;
  Stage stage = Stage::kFresh;
  bool drm = true;  // before it is an object, its calls are DRM's (else sw_sync's)
  RetryBook retries;
  // Called before `file` goes, by close() or by ATTACH, unless the whole connection does.
  base::UniqueFunction<void(drv::File&)> leaving;

  // After this it can become nothing else.
  void use() {
    if (stage == Stage::kFresh) stage = Stage::kDevice;
  }
};

}  // namespace fakegpu::cuse_dev
