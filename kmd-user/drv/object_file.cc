// SPDX-License-Identifier: MIT
#include "object_file.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

constexpr size_t kMaxStruct = 128;

constexpr uint32_t word_of(const ioctl::Row& row) {
  return _IOC(row.direction, row.type, row.nr, row.size);
}

}  // namespace

ObjectFile::ObjectFile(Device& device, uint8_t type) : device_(device), type_(type) {
  DeviceLock::Guard guard(device_.lock());
  ++device_.counts().objects;
}

ObjectFile::~ObjectFile() {
  DeviceLock::Guard guard(device_.lock());
  --device_.counts().objects;
}

const ioctl::Row* ObjectFile::find(uint32_t command) const {
  if (type_ == 0 || _IOC_TYPE(command) != type_) return nullptr;
  const ioctl::Row* row = ioctl::find_row(command);
  return row != nullptr && word_of(*row) == command ? row : nullptr;
}

ioctl::Plan ObjectFile::plan(uint32_t command, const Caller&, std::span<const std::byte> arg) {
  const ioctl::Row* row = find(command);
  if (row == nullptr) return {.error = -ENOTTY};
  std::array<std::byte, kMaxStruct> whole{};
  std::memcpy(whole.data(), arg.data(), std::min<size_t>(arg.size(), row->size));
  const std::span<const std::byte> known(whole.data(), row->size);
  if (const int error = check(row->nr, known)) return {.error = error};
  return ioctl::plan_arrays(*row, known);
}

Outcome ObjectFile::ioctl(const Request& request, ioctl::UserMemory& memory, Reply reply) {
  const ioctl::Row* row = find(request.command);
  if (row == nullptr) return -ENOTTY;
  alignas(8) std::array<std::byte, kMaxStruct> whole{};
  const std::span<std::byte> arg(whole.data(), row->size);
  const ioctl::StructCopy copy = ioctl::struct_copy(request.command);
  if (copy.in_bytes != 0 && !memory.fetch(request.arg, arg)) return -EFAULT;
  std::optional<int> result = check(row->nr, arg);
  ObjectCall call{row->nr, arg, request, memory, reply};
  if (result == 0) result = serve(call);
  if (result == 0 && copy.out_bytes != 0 && !memory.store(request.arg, arg)) return -EFAULT;
  return result;
}

std::optional<int> ObjectFile::read(uint64_t, std::span<std::byte>, bool, ReadReply) {
  return -EINVAL;
}

short ObjectFile::poll(base::UniqueFunction<void()>) {
  return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

}  // namespace fakegpu::drv
