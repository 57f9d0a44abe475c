// SPDX-License-Identifier: MIT
// An open file that is not the device's: what a descriptor from an ioctl refers to (the kernel's
// anonymous inodes), and sw_sync. Unlike DRM's, its calls are told apart by the whole command word,
// and copy nothing back on an error.
#pragma once

#include <optional>
#include <span>

#include "device.h"
#include "drv/file.h"

namespace fakegpu::drv {

// One call on such a file.
struct ObjectCall {
  uint8_t nr;
  std::span<std::byte> arg;
  const Request& request;
  ioctl::UserMemory& memory;
  Reply& reply;  // taken by a call that returns nothing

  template <typename T>
  T& as() {
    return *reinterpret_cast<T*>(arg.data());
  }
};

class ObjectFile : public File {
 public:
  // `type`: of the command words that it knows; 0: none.
  ObjectFile(Device& device, uint8_t type);
  ~ObjectFile() override;

  Device& device() { return device_; }

  // drv::File. It reads nothing, and is always ready unless a derived class knows better.
  ioctl::Plan plan(uint32_t command, const Caller& caller, std::span<const std::byte> arg) override;
  Outcome ioctl(const Request& request, ioctl::UserMemory& memory, Reply reply) override;
  bool interrupt(uint64_t) override { return false; }
  std::optional<int> read(uint64_t id, std::span<std::byte> bytes, bool nonblock,
                          ReadReply reply) override;
  short poll(base::UniqueFunction<void()> wake) override;

 protected:
  // What is checked before arrays are fetched: 0 or a negative errno. No lock is needed.
  virtual int check(uint8_t, std::span<const std::byte>) { return 0; }
  // The call itself, without the device lock: 0 or a negative errno; nothing: the reply follows.
  virtual std::optional<int> serve(ObjectCall&) { return -ENOTTY; }

 private:
  const ioctl::Row* find(uint32_t command) const;

  Device& device_;
  const uint8_t type_;
};

// The file that `taken` is if it is a T of this device, or nullptr.
template <typename T>
T* object_of(const TakenFd& taken, const Device& device) {
  T* const file = dynamic_cast<T*>(taken.file);
  return file != nullptr && &file->device() == &device ? file : nullptr;
}

// The descriptor that the call names; -EOPNOTSUPP without a table.
inline TakenFd take_fd(const Request& request, int32_t fd) {
  if (request.descriptors == nullptr) return {.error = -EOPNOTSUPP};
  return request.descriptors->take(fd);
}
inline int reserve_fd(const Request& request, bool close_on_exec) {
  return request.descriptors != nullptr ? request.descriptors->reserve(close_on_exec) : -EOPNOTSUPP;
}

}  // namespace fakegpu::drv
