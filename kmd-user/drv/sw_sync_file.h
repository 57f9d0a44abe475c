// SPDX-License-Identifier: MIT
// An open sw_sync node: a timeline that its opener moves by hand. Real counterpart:
// sw_sync_debugfs_fops in drivers/dma-buf/sw_sync.c.
#pragma once

#include <string_view>

#include "fence/sw_sync.h"
#include "object_file.h"

namespace fakegpu::drv {

class SwSyncFile final : public ObjectFile {
 public:
  // `name`: of the opener, as its fences give it as their timeline.
  SwSyncFile(Device& device, std::string_view name);
  // What is pending signals -ENOENT.
  ~SwSyncFile() override;

 private:
  std::optional<int> serve(ObjectCall& call) override;
  int create_fence(ObjectCall& call);
  int inc(ObjectCall& call);
  int get_deadline(ObjectCall& call);

  fence::SwTimelineRef timeline_;
};

}  // namespace fakegpu::drv
