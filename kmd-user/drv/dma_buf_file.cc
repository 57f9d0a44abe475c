// SPDX-License-Identifier: MIT
#include "dma_buf_file.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>

#include <utility>

#include "fence/unwrap.h"
#include "sync_file_file.h"

namespace fakegpu::drv {

namespace {

using Usage = fence::Resv::Usage;

}  // namespace

// Tells when nothing up to a usage is pending any more, what came meanwhile included.
class DmaBufFile::Watch final : public fence::Callback {
 public:
  using Done = base::UniqueFunction<void()>;

  Watch(const fence::Resv& resv, Usage usage) : resv_(resv), usage_(usage) {}

  bool is_done() const { return resv_.test_signaled(usage_); }
  // `done` may destroy this. False: nothing is pending, and it will not be called.
  bool start(Done done) {
    if (!linked() && !follow()) return false;
    done_ = std::move(done);
    return true;
  }

 private:
  // Listens to any of what is pending.
  bool follow() {
    for (fence::Resv::Entry& entry : resv_.pending(usage_)) {
      if (entry.fence->add_callback(*this) != 0) continue;
      fence_ = std::move(entry.fence);
      return true;
    }
    return false;
  }
  void fence_signaled(fence::Fence&) override {
    // Perhaps the last reference to the fence that is calling.
    const fence::FenceRef keep = std::move(fence_);
    if (follow()) return;
    Done done = std::move(done_);
    done();
  }

  const fence::Resv& resv_;
  const Usage usage_;
  fence::FenceRef fence_;
  Done done_;
};

// A DMA_BUF_IOCTL_SYNC that waits to begin.
class DmaBufFile::Access {
 public:
  Access(const fence::Resv& resv, Usage usage) : watch(resv, usage) {}

  Watch watch;
  Reply reply;
};

DmaBufFile::DmaBufFile(Device& device, mm::BoRef bo, bool writable)
    : ObjectFile(device, DMA_BUF_BASE),
      bo_(std::move(bo)),
      writable_(writable),
      readable_(std::make_unique<Watch>(bo_->resv(), fence::Resv::usage_rw(false))),
      exclusive_(std::make_unique<Watch>(bo_->resv(), fence::Resv::usage_rw(true))) {
  DeviceLock::Guard guard(device.lock());
  bo_->add_user();
}

DmaBufFile::~DmaBufFile() {
  DeviceLock::Guard guard(device().lock());
  device().counts().waits -= accesses_.size();
  device().remove_accessed(*this);
  accesses_.clear();
  readable_.reset();
  exclusive_.reset();
  bo_->remove_user();
  bo_.reset();
}

base::Result<File::Backing> DmaBufFile::pages() {
  base::UniqueFd fd(::fcntl(bo_->map_fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return base::fail_errno("duplicate BO descriptor");
  return Backing{std::move(fd), bo_->map_offset(), bo_->size(), writable_};
}

short DmaBufFile::poll(base::UniqueFunction<void()> wake) {
  DeviceLock::Guard guard(device().lock());
  const bool watching = static_cast<bool>(wake);
  if (watching) wake_ = std::move(wake);
  const auto look = [&](Watch& watch) {
    if (!watching) return watch.is_done();
    return !watch.start([this] {
      if (wake_) device().lock().defer(std::exchange(wake_, nullptr));
    });
  };
  const bool readable = look(*readable_);
  const bool exclusive = look(*exclusive_);
  return static_cast<short>((readable ? POLLIN : 0) | (exclusive ? POLLOUT : 0));
}

bool DmaBufFile::interrupt(uint64_t id) {
  DeviceLock::Guard guard(device().lock());
  return finish(id, -EINTR);
}

void DmaBufFile::unplug() {
  while (!accesses_.empty()) finish(accesses_.begin()->first, -ENODEV);
}

int DmaBufFile::check(uint8_t nr, std::span<const std::byte> arg) {
  // SYNC's flags are 64 bits wide, the others' 32; in all they come first.
  const bool is_sync = nr == _IOC_NR(DMA_BUF_IOCTL_SYNC);
  const uint64_t known = is_sync ? DMA_BUF_SYNC_VALID_FLAGS_MASK : DMA_BUF_SYNC_RW;
  uint64_t flags = 0;
  std::memcpy(&flags, arg.data(), is_sync ? sizeof(uint64_t) : sizeof(uint32_t));
  return (flags & ~known) == 0 && (flags & DMA_BUF_SYNC_RW) != 0 ? 0 : -EINVAL;
}

std::optional<int> DmaBufFile::serve(ObjectCall& call) {
  switch (call.nr) {
    case _IOC_NR(DMA_BUF_IOCTL_SYNC):
      return sync(call);
    case _IOC_NR(DMA_BUF_IOCTL_EXPORT_SYNC_FILE):
      return export_sync_file(call);
    case _IOC_NR(DMA_BUF_IOCTL_IMPORT_SYNC_FILE):
      return import_sync_file(call);
    default:
      return -ENOTTY;
  }
}

// Memory is coherent, so that to begin is to wait for others, and to end is nothing.
std::optional<int> DmaBufFile::sync(ObjectCall& call) {
  const uint64_t flags = call.as<dma_buf_sync>().flags;
  if (flags & DMA_BUF_SYNC_END) return 0;
  DeviceLock::Guard guard(device().lock());
  const Usage usage = fence::Resv::usage_rw((flags & DMA_BUF_SYNC_WRITE) != 0);
  if (bo_->resv().test_signaled(usage)) return 0;
  if (device().unplugged()) return -ENODEV;
  if (accesses_.size() >= device().options().file_waits) return -ENOMEM;
  const uint64_t id = call.request.id;
  auto access = std::make_unique<Access>(bo_->resv(), usage);
  if (!access->watch.start([this, id] { finish(id, 0); })) return 0;
  access->reply = std::move(call.reply);
  accesses_.emplace(id, std::move(access));
  device().add_accessed(*this);
  ++device().counts().waits;
  return std::nullopt;
}

bool DmaBufFile::finish(uint64_t id, int result) {
  auto node = accesses_.extract(id);
  if (node.empty()) return false;
  --device().counts().waits;
  if (accesses_.empty()) device().remove_accessed(*this);
  // The rest of it goes under the lock: it may be linked into a fence.
  device().lock().defer(
      [reply = std::move(node.mapped()->reply), result]() mutable { reply(result, {}); });
  return true;
}

int DmaBufFile::export_sync_file(ObjectCall& call) {
  auto& arg = call.as<dma_buf_export_sync_file>();
  if (const int error = reserve_fd(call.request, true)) return error;
  fence::SyncFileRef sync_file;
  {
    DeviceLock::Guard guard(device().lock());
    const Usage usage = fence::Resv::usage_rw((arg.flags & DMA_BUF_SYNC_WRITE) != 0);
    fence::FenceRef fence = bo_->resv().singleton(device().contexts(), usage);
    if (!fence) fence = fence::make_stub(device().now());
    sync_file = base::make_ref<fence::SyncFile>(std::move(fence));
  }
  arg.fd = install_sync_file(call.request, device(), std::move(sync_file));
  return 0;
}

int DmaBufFile::import_sync_file(ObjectCall& call) {
  const auto& arg = call.as<dma_buf_import_sync_file>();
  const TakenFd taken = take_fd(call.request, arg.fd);
  const auto* file = object_of<SyncFileFile>(taken, device());
  if (file == nullptr) return -EINVAL;
  const Usage usage = arg.flags & DMA_BUF_SYNC_WRITE ? Usage::kWrite : Usage::kRead;
  DeviceLock::Guard guard(device().lock());
  std::vector<fence::FenceRef> fences;
  fence::Unwrap leaves(file->fence());
  while (fence::Fence* leaf = leaves.next()) fences.emplace_back(leaf);
  bo_->resv().reserve(fences.size());
  for (fence::FenceRef& fence : fences) bo_->resv().add(std::move(fence), usage);
  return 0;
}

}  // namespace fakegpu::drv
