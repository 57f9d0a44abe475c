// SPDX-License-Identifier: MIT
// An exported BO: poll, DMA_BUF_IOCTL_*, and pages to map. Real counterpart: dma_buf_fops and
// drm_gem_prime_dmabuf_ops. Every export of a BO refers to the BO itself: descriptors of one BO
// are one dma-buf.
#pragma once

#include <map>
#include <memory>

#include "mm/bo.h"
#include "object_file.h"

namespace fakegpu::drv {

class DmaBufFile final : public ObjectFile {
 public:
  // `bo` is shareable. `writable`: it may be mapped for writing (DRM_RDWR).
  DmaBufFile(Device& device, mm::BoRef bo, bool writable);
  // Calls that wait for access are dropped.
  ~DmaBufFile() override;

  const mm::BoRef& bo() const { return bo_; }

  // drv::File. POLLIN: no writer is pending, so that it may be read; POLLOUT: nobody is.
  base::Result<Backing> pages() override;
  short poll(base::UniqueFunction<void()> wake) override;
  bool interrupt(uint64_t id) override;

  // Ends what waits with -ENODEV. Under the device lock.
  void unplug();

 private:
  class Watch;
  class Access;

  int check(uint8_t nr, std::span<const std::byte> arg) override;
  std::optional<int> serve(ObjectCall& call) override;
  std::optional<int> sync(ObjectCall& call);
  int export_sync_file(ObjectCall& call);
  int import_sync_file(ObjectCall& call);
  // False: no such call waits.
  bool finish(uint64_t id, int result);

  mm::BoRef bo_;
  const bool writable_;
  std::unique_ptr<Watch> readable_;   // for POLLIN
  std::unique_ptr<Watch> exclusive_;  // for POLLOUT
  base::UniqueFunction<void()> wake_;
  std::map<uint64_t, std::unique_ptr<Access>> accesses_;  // by the id of the call that waits
};

}  // namespace fakegpu::drv
