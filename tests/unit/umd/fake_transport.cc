// SPDX-License-Identifier: MIT
#include "fake_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "device.h"

namespace fakegpu::umd::test {

namespace {

constexpr uint64_t kMemoryBytes = 64 << 20;

template <typename T>
std::vector<T> array(uint64_t address, uint32_t count) {
  const T* at = reinterpret_cast<const T*>(address);
  return {at, at + count};
}

}  // namespace

unsigned FakeTransport::State::count(uint32_t command) const {
  return static_cast<unsigned>(std::count(calls.begin(), calls.end(), command));
}

FakeTransport::FakeTransport(std::shared_ptr<State> state)
    : state_(std::move(state)), memory_(::memfd_create("fake", MFD_CLOEXEC)) {
  EXPECT_EQ(::ftruncate(memory_.get(), kMemoryBytes), 0);
}

int FakeTransport::query(drm_fakegpu_query& query) {
  const auto answer = [&](const auto& info) {
    std::memcpy(reinterpret_cast<void*>(query.data), &info,
                std::min<size_t>(query.size, sizeof(info)));
    query.size = sizeof(info);
    return 0;
  };
  switch (query.item) {
    case DRM_FAKEGPU_QUERY_DEVICE:
      return answer(state_->info);
    case DRM_FAKEGPU_QUERY_RING:
      if (query.index >= state_->info.ring_count) return -EINVAL;
      return answer(drm_fakegpu_ring_info{.name = {}, .type = query.index});
    case DRM_FAKEGPU_QUERY_HEAP:
      if (query.index >= state_->info.heap_count) return -EINVAL;
      // The other way round than the numbers of the types.
      return answer(drm_fakegpu_heap_info{.type = 1 - query.index, .size_bytes = query.index});
    default:
      return -EINVAL;
  }
}

int FakeTransport::ioctl(uint32_t command, void* arg, Pointers pointers) {
  state_->calls.push_back(command);
  state_->pointers.push_back(pointers);
  if (auto& results = state_->results[command]; !results.empty()) {
    const int result = results.front();
    results.pop_front();
    return result;
  }
  switch (command) {
    case DRM_IOCTL_VERSION: {
      auto& version = *static_cast<drm_version*>(arg);
      std::memcpy(version.name, state_->driver_name.data(),
                  std::min(version.name_len, state_->driver_name.size()));
      return 0;
    }
    case DRM_IOCTL_FAKEGPU_QUERY:
      return query(*static_cast<drm_fakegpu_query*>(arg));
    case DRM_IOCTL_FAKEGPU_BO_CREATE: {
      auto& create = *static_cast<drm_fakegpu_bo_create*>(arg);
      create.size = (create.size + 4095) & ~uint64_t{4095};
      create.handle = ++state_->last_handle;
      state_->bos[create.handle] = next_offset_;
      next_offset_ += create.size;
      return 0;
    }
    case DRM_IOCTL_GEM_CLOSE:
      return state_->bos.erase(static_cast<drm_gem_close*>(arg)->handle) ? 0 : -ENOENT;
    case DRM_IOCTL_FAKEGPU_BO_MMAP: {
      auto& where = *static_cast<drm_fakegpu_bo_mmap*>(arg);
      where.offset = state_->bos.at(where.handle);
      return 0;
    }
    case DRM_IOCTL_FAKEGPU_VM_CREATE:
      ++state_->live_vms;
      static_cast<drm_fakegpu_vm_create*>(arg)->vm_id = ++state_->last_handle;
      return 0;
    case DRM_IOCTL_FAKEGPU_VM_DESTROY:
      --state_->live_vms;
      return 0;
    case DRM_IOCTL_FAKEGPU_VM_BIND:
      state_->binds.push_back(*static_cast<drm_fakegpu_vm_bind*>(arg));
      return 0;
    case DRM_IOCTL_FAKEGPU_VM_UNBIND:
      state_->unbinds.push_back(static_cast<drm_fakegpu_vm_unbind*>(arg)->va);
      return 0;
    case DRM_IOCTL_FAKEGPU_CTX_CREATE: {
      auto& create = *static_cast<drm_fakegpu_ctx_create*>(arg);
      ++state_->live_contexts;
      create.ctx_id = ++state_->last_handle;
      if (state_->fence_slot != DRM_FAKEGPU_NO_FENCE_SLOT) create.fence_slot = state_->fence_slot;
      return 0;
    }
    case DRM_IOCTL_FAKEGPU_WAIT_SEQNO:
      return -ETIME;
    case DRM_IOCTL_FAKEGPU_CTX_DESTROY:
      --state_->live_contexts;
      return 0;
    case DRM_IOCTL_SYNCOBJ_CREATE:
      ++state_->live_syncobjs;
      static_cast<drm_syncobj_create*>(arg)->handle = ++state_->last_handle;
      return 0;
    case DRM_IOCTL_SYNCOBJ_DESTROY:
      --state_->live_syncobjs;
      return 0;
    case DRM_IOCTL_FAKEGPU_SUBMIT: {
      auto& submit = *static_cast<drm_fakegpu_submit*>(arg);
      state_->submissions.push_back(
          {submit, array<drm_fakegpu_ib>(submit.ibs, submit.ib_count),
           array<drm_fakegpu_sync>(submit.in_syncs, submit.in_sync_count),
           array<drm_fakegpu_sync>(submit.out_syncs, submit.out_sync_count),
           array<drm_fakegpu_bo_use>(submit.bos, submit.bo_count)});
      submit.seqno = state_->submissions.size();
      return 0;
    }
    default:
      return -ENOTTY;
  }
}

int FakeTransport::fd_ioctl(int, uint32_t, void*, Pointers) {
  return -ENOTTY;
}

int FakeTransport::bo_pages(const BoRange& bo, BoPages* out) {
  state_->mapped.push_back(bo);
  out->fd = memory_.get();
  out->offset = bo.offset;
  return 0;
}

int FakeTransport::fence_pages(uint64_t, FencePages* out) {
  ++state_->fence_pages_asked;
  if (!state_->fence_page) return -EOPNOTSUPP;
  out->fd = OwnedFd(::dup(state_->fence_page.get()));
  out->size = 4096;
  return 0;
}

int FakeTransport::read_events(std::span<std::byte> to, bool) {
  if (state_->events.empty()) return -EAGAIN;
  const size_t bytes = std::min(to.size(), state_->events.size());
  std::memcpy(to.data(), state_->events.data(), bytes);
  state_->events.erase(state_->events.begin(),
                       state_->events.begin() + static_cast<ptrdiff_t>(bytes));
  return static_cast<int>(bytes);
}

FakeDevice::FakeDevice() {
  EXPECT_EQ(open_transport(std::make_unique<FakeTransport>(state), &dev), 0);
}

FakeDevice::~FakeDevice() {
  fakegpu_device_close(dev);
}

}  // namespace fakegpu::umd::test
