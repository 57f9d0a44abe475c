// SPDX-License-Identifier: MIT
// What every conformance test stands on: an open file of the device under test, whatever the
// transport, and raw ioctls on it. A test body never asks which transport it runs over.
#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstdint>
#include <fakegpu/fakegpu.hpp>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fakegpu_drm.h>

namespace fakegpu::conformance {

// The device under test, for fakegpu_device_open().
const std::string& device_path();
// Its primary node, for the same, and the path of its sw_sync node, empty if there is none.
const std::string& card_path();
const std::string& sw_sync_path();
void set_paths(std::string device, std::string card, std::string sw_sync);
// Another device, which shares nothing with it, and who serves that: started at the first use.
const std::string& other_device_path();
pid_t other_daemon_pid();
struct OtherDevice {
  std::string path;
  pid_t daemon;
};
void set_other(std::function<OtherDevice()> start);
// A device of the caller's alone, for what it does not survive: its path.
std::string start_fresh_device();
void set_fresh(std::function<std::string()> start);
// The process that serves the device under test; 0: this one.
pid_t daemon_pid();
void set_daemon(pid_t process);

inline constexpr uint64_t kPage = 4096;
inline constexpr int64_t kMilli = 1'000'000;
inline constexpr uint32_t kNoHandle = 0x7fff'fffe;  // a handle that nobody gets
inline constexpr uint32_t kHuge = UINT32_MAX;       // a count that nobody has memory for
// Addresses that a client cannot access: near null, and the kernel's half.
inline constexpr uint64_t kBadAddresses[] = {0x8, 0xffff'8000'0000'0000};

// The same call with another struct size, or other direction bits.
constexpr unsigned long resized(unsigned long request, size_t size) {
  return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}
constexpr unsigned long redirected(unsigned long request, unsigned direction) {
  return _IOC(direction, _IOC_TYPE(request), _IOC_NR(request), _IOC_SIZE(request));
}

template <typename T>
uint64_t address_of(const T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

// Events of a poll() for POLLIN that waits so long, in milliseconds; -1: for ever.
short poll_events(int fd, int timeout = 0);

// An open file.
class Client {
 public:
  Client() : Client(device_path()) {}
  explicit Client(const std::string& path) : device_(path.c_str()) {}

  const Device& device() const { return device_; }
  // The device is a file that open(), ioctl() and poll() work on.
  bool has_node() const {
    const std::string_view transport = device_.transport();
    return transport != "inprocess" && transport != "socket";
  }
  int64_t deadline(int64_t from_now_ns) const { return device_.deadline_ns(from_now_ns); }

  // One ioctl, not repeated: 0 or a negative errno.
  template <typename T>
  int call(unsigned long request, T& arg) const {
    return fakegpu_device_ioctl_once(device_, request, &arg);
  }
  int call_at(unsigned long request, uint64_t address) const {
    return fakegpu_device_ioctl_once(device_, request, reinterpret_cast<void*>(address));
  }

  // The same on a descriptor that the device gave out.
  template <typename T>
  int fd_call(int fd, unsigned long request, T& arg) const {
    return fakegpu_fd_ioctl(device_, fd, request, &arg);
  }
  // A new sw_sync; expects success.
  Fd sw_sync() const;
  // A raw HANDLE_TO_FD: the descriptor or a negative errno.
  int handle_to_fd(uint32_t handle, uint32_t flags = 0, uint64_t point = 0, uint32_t pad = 0) const;
  // A raw FD_TO_HANDLE: 0 or a negative errno; `handle` in and out.
  int fd_to_handle(int fd, uint32_t& handle, uint32_t flags = 0, uint64_t point = 0,
                   uint32_t pad = 0) const;

  // Each makes an object by a raw ioctl and expects success.
  uint32_t make_syncobj(uint32_t flags = 0) const;
  uint32_t make_bo(uint64_t size = kPage, uint32_t heap = DRM_FAKEGPU_HEAP_VRAM) const;
  uint32_t make_vm() const;
  uint32_t make_context(uint32_t vm) const;

  int wait(std::span<const uint32_t> handles, int64_t timeout, uint32_t flags,
           uint32_t* first = nullptr) const;
  int timeline_wait(std::span<const uint32_t> handles, std::span<const uint64_t> points,
                    int64_t timeout, uint32_t flags, uint32_t* first = nullptr) const;
  int signal(std::span<const uint32_t> handles) const;
  int reset(std::span<const uint32_t> handles) const;
  int timeline_signal(std::span<const uint32_t> handles, std::span<const uint64_t> points) const;
  int query(std::span<const uint32_t> handles, std::span<uint64_t> points,
            uint32_t flags = 0) const;

  // What the heaps say of this file's use.
  drm_fakegpu_heap_info heap(uint32_t index) const;

 private:
  Device device_;
};

// A context and a page of memory that both the CPU and the packets of `ring_type` reach.
class Worker {
 public:
  Worker(const Client& client, uint32_t ring_type, uint32_t instance = 0);

  const Client& client() const { return client_; }
  const Context& context() const { return context_; }
  const CommandBuffer& packets() const { return packets_; }
  uint32_t ring() const { return ring_; }
  // The page, as the CPU sees it now.
  uint32_t load(size_t dword) const { return __atomic_load_n(&memory_[dword], __ATOMIC_ACQUIRE); }
  void store(size_t dword, uint32_t value) const {
    __atomic_store_n(&memory_[dword], value, __ATOMIC_RELEASE);
  }
  uint64_t va(size_t dword = 0) const { return va_ + 4 * dword; }

  // The packets as an IB.
  drm_fakegpu_ib finish() const;
  // A submission of the packets, to be changed by the caller before it goes.
  drm_fakegpu_submit submission(const drm_fakegpu_ib& ib) const;
  // Submits the packets by a raw ioctl; the fence goes to `outs`.
  int submit(std::initializer_list<drm_fakegpu_sync> ins,
             std::initializer_list<drm_fakegpu_sync> outs, uint32_t flags = 0,
             uint64_t user_data = 0) const;

 private:
  const Client& client_;
  uint32_t ring_;
  Context context_;
  Bo bo_;
  std::span<uint32_t> memory_;
  uint64_t va_;
  CommandBuffer packets_;
};

// A job that runs until open(), so that what it signals is submitted and not done. On a compute
// ring, where jobs may take long.
class Gate {
 public:
  explicit Gate(const Client& client, uint32_t instance = 0);
  ~Gate() { open(); }
  // Submits it once more, behind the others.
  int submit(std::initializer_list<drm_fakegpu_sync> outs) const {
    return worker_.submit({}, outs);
  }
  void open() const { worker_.store(0, 1); }

 private:
  Worker worker_;
};

}  // namespace fakegpu::conformance
