// SPDX-License-Identifier: MIT
// A transport with no driver behind it: it remembers the calls and gives out handles.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fakegpu/fakegpu.h>

#include "transport.h"

namespace fakegpu::umd::test {

class FakeTransport final : public Transport {
 public:
  // What a test may set, and look at while the device owns the transport.
  struct State {
    std::string driver_name = "fakegpu";
    drm_fakegpu_device_info info = {.name = "fake",
                                    .ring_count = 3,
                                    .heap_count = 2,
                                    .va_start = 0x10000,
                                    .va_end = 0x40000000,
                                    .page_size = 4096,
                                    .max_ibs = 16,
                                    .max_syncobjs = 16,
                                    .max_ib_dwords = 1 << 16};
    // Results to give instead of running the call, in order; per command word.
    std::map<uint32_t, std::deque<int>> results;
    std::vector<uint32_t> calls;
    std::vector<Pointers> pointers;
    std::vector<drm_fakegpu_vm_bind> binds;
    std::vector<uint64_t> unbinds;
    std::vector<BoRange> mapped;
    std::map<uint32_t, uint64_t> bos;  // handle: offset in the memfd
    struct Submission {
      drm_fakegpu_submit call;
      std::vector<drm_fakegpu_ib> ibs;
      std::vector<drm_fakegpu_sync> in, out;
      std::vector<drm_fakegpu_bo_use> bos;
    };
    std::vector<Submission> submissions;
    std::vector<std::byte> events;
    // As CTX_CREATE gives it. None: the driver does not know the field, and leaves it alone.
    uint32_t fence_slot = DRM_FAKEGPU_NO_FENCE_SLOT;
    OwnedFd fence_page;  // of one page; empty: no way to it
    unsigned fence_pages_asked = 0;
    uint32_t last_handle = 0;
    uint32_t live_vms = 0, live_contexts = 0, live_syncobjs = 0;
    bool closed = false;

    unsigned count(uint32_t command) const;
  };

  explicit FakeTransport(std::shared_ptr<State> state);
  ~FakeTransport() override { state_->closed = true; }

  const char* name() const override { return "fake"; }
  int ioctl(uint32_t command, void* arg, Pointers pointers) override;
  int fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) override;
  int open_sw_sync() override { return -EOPNOTSUPP; }
  int bo_pages(const BoRange& bo, BoPages* out) override;
  int fence_pages(uint64_t features, FencePages* out) override;
  int read_events(std::span<std::byte> to, bool block) override;
  int64_t now_ns() const override { return 1000; }

 private:
  int query(drm_fakegpu_query& query);

  std::shared_ptr<State> state_;
  OwnedFd memory_;
  uint64_t next_offset_ = 0;
};

// A device on a fake transport, and what a test needs of it.
struct FakeDevice {
  FakeDevice();
  ~FakeDevice();

  std::shared_ptr<FakeTransport::State> state = std::make_shared<FakeTransport::State>();
  fakegpu_device* dev = nullptr;
};

}  // namespace fakegpu::umd::test
