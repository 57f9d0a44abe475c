// SPDX-License-Identifier: MIT
// The descriptor of a sync_file: poll and SYNC_IOC_*. Real counterpart: sync_file_fops.
#pragma once

#include "fence/sync_file.h"
#include "object_file.h"

namespace fakegpu::drv {

class SyncFileFile final : public ObjectFile {
 public:
  SyncFileFile(Device& device, fence::SyncFileRef sync_file);
  ~SyncFileFile() override;

  // Under the device lock.
  const fence::FenceRef& fence() const { return sync_file_->fence(); }

  // POLLIN once the fence has signalled, with an error too.
  short poll(base::UniqueFunction<void()> wake) override;

 private:
  class Waker;

  std::optional<int> serve(ObjectCall& call) override;
  int merge(ObjectCall& call);
  int file_info(ObjectCall& call);
  int set_deadline(ObjectCall& call);

  fence::SyncFileRef sync_file_;
  std::unique_ptr<Waker> waker_;
};

// SYNC_IOC_MERGE's and EXPORT_SYNC_FILE's last step: puts a file behind the reserved descriptor.
int32_t install_sync_file(const Request& request, Device& device, fence::SyncFileRef sync_file);

}  // namespace fakegpu::drv
