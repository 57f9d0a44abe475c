// SPDX-License-Identifier: MIT
// The kernel's end of a FUSE or CUSE connection, over a socket pair that keeps messages apart as
// /dev/fuse does.
#pragma once

#include <linux/fuse.h>
#include <linux/ioctl.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "loop.h"
#include "transport.h"

namespace fakegpu::cuse_dev {

// A call that the table has, by its number, with a command word that carries no struct.
inline constexpr uint32_t kNoStruct = _IO('d', 0xbf);

// A caller's memory: arrays of bytes at addresses.
class CallerMemory {
 public:
  template <typename T>
  void put(uint64_t address, const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    areas_[address].assign(bytes.begin(), bytes.end());
  }
  template <typename T>
  T get(uint64_t address) {
    T value;
    std::memcpy(&value, areas_.at(address).data(), sizeof(value));
    return value;
  }
  // Whole areas from their beginning, as the kernel would; false: -EFAULT.
  bool copy_in(uint64_t address, std::span<std::byte> to);
  bool copy_out(uint64_t address, std::span<const std::byte> from);

 private:
  std::map<uint64_t, std::vector<std::byte>> areas_;
};

class FakeKernel {
 public:
  struct Answer {
    uint64_t unique;
    int error;
    std::vector<std::byte> body;
    template <typename T>
    T as() const {
      T value = {};
      std::memcpy(&value, body.data(), std::min(sizeof(value), body.size()));
      return value;
    }
  };
  struct IoctlAnswer {
    int result;  // as the caller sees it
    unsigned trips;
  };

  FakeKernel();
  base::UniqueFd take_device_end() { return std::move(device_end_); }
  void hang_up() { kernel_end_.reset(); }

  uint64_t send(uint32_t opcode, uint64_t node, std::span<const std::byte> payload);
  template <typename T>
  uint64_t send_struct(uint32_t opcode, uint64_t node, const T& payload) {
    return send(opcode, node, std::as_bytes(std::span(&payload, 1)));
  }
  void interrupt(uint64_t unique);
  // Waits; fails the test after a long time.
  Answer receive();
  // What is there already.
  std::optional<Answer> receive_now();

  void send_init(uint32_t opcode, uint32_t flags, uint32_t flags2);
  uint64_t open(uint64_t node);
  uint64_t send_ioctl(uint64_t handle, uint32_t command, uint64_t arg,
                      std::span<const std::byte> in, uint32_t out_bytes);
  // Unrestricted, with all trips. `between` runs before each, with the trip's number from 1.
  IoctlAnswer ioctl(uint64_t handle, uint32_t command, uint64_t arg, CallerMemory& memory,
                    const std::function<void(unsigned trip)>& between = nullptr);

  static constexpr int32_t kTid = 4242;
  static constexpr uint32_t kUid = 1000;
  static constexpr uint32_t kGid = 100;
  int32_t tid = kTid;

 private:
  std::optional<Answer> receive_within(int milliseconds);

  base::UniqueFd kernel_end_;
  base::UniqueFd device_end_;
  uint64_t next_unique_ = 2;
};

// A transport served by a loop in a thread of its own, as in the daemon.
class ServedTransport final : public Transport::Owner {
 public:
  ServedTransport(Loop& loop, Transport& transport, drv::Machine& machine);
  // Stops the loop, and the transport in the loop's thread.
  ~ServedTransport() override { stop(); }
  void stop();
  void transport_lost(Transport&) override { lost = true; }
  std::atomic<bool> lost = false;

 private:
  Loop& loop_;
  std::thread thread_;
};

}  // namespace fakegpu::cuse_dev
