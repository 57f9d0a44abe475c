// SPDX-License-Identifier: MIT
// Owners for file descriptors and memory mappings. A raw `int fd` parameter is a borrow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/result.h"

namespace fakegpu::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  // A second descriptor for the same open file, close-on-exec.
  Result<UniqueFd> duplicate() const;

 private:
  int fd_ = -1;
};

// An mmap'ed range, unmapped on destruction.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  // Shared mapping of `size` bytes of `fd` from `offset`; `prot` as in mmap(2).
  static Result<Mapping> map_shared(int fd, uint64_t offset, size_t size, int prot);
  // Address space without pages: any access faults until something is mapped into it.
  static Result<Mapping> reserve(size_t size);

  std::span<std::byte> bytes() const { return bytes_; }
  std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  explicit operator bool() const { return !bytes_.empty(); }

 private:
  explicit Mapping(std::span<std::byte> bytes) : bytes_(bytes) {}

  std::span<std::byte> bytes_;
};

// A memfd of `size` bytes that can neither shrink nor grow (SHRINK, GROW and SEAL are sealed), so
// that nobody who holds it can make a mapping of it fault. Sparse; close-on-exec.
Result<UniqueFd> create_sealed_memfd(const char* name, uint64_t size);

// Memory that only this process writes: whoever gets `fd` can map it for reading and nothing else
// (FUTURE_WRITE is sealed as well).
struct PublishedMemory {
  UniqueFd fd;
  Mapping mapping;  // all of it, writable
};
Result<PublishedMemory> create_published_memory(const char* name, size_t size);

}  // namespace fakegpu::base
