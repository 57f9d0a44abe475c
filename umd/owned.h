// SPDX-License-Identifier: MIT
// Owners for descriptors and mappings, and the guard of the C boundary. The UMD may not include the
// KMD's base room, so it has its own.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace fakegpu::umd {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A shared mapping, unmapped on destruction.
class OwnedMapping {
 public:
  OwnedMapping() = default;
  OwnedMapping(OwnedMapping&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  OwnedMapping& operator=(OwnedMapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~OwnedMapping() {
    if (at_) ::munmap(at_, size_);
  }

  // `protection`: as mmap()'s. 0 or negative errno.
  int map(int fd, uint64_t offset, uint64_t size, int protection = PROT_READ | PROT_WRITE) {
    void* at = ::mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (at == MAP_FAILED) return -errno;
    OwnedMapping mapped;
    mapped.at_ = at;
    mapped.size_ = size;
    *this = std::move(mapped);
    return 0;
  }

  void* data() const { return at_; }

 private:
  void* at_ = nullptr;
  size_t size_ = 0;
};

// Runs the body of a C function: no exception may cross into C.
template <typename F>
int guarded(F&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

}  // namespace fakegpu::umd
