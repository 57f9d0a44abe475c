// SPDX-License-Identifier: MIT
#include "node_claims.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <span>

#include <fakegpu_drm.h>

#include "ioctl/plan.h"
#include "owned.h"

namespace fakegpu::umd {

namespace {

constexpr size_t kMaxStruct = 128;

std::string link_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

int flags_of(const ioctl::Row& row, std::span<const std::byte> arg) {
  if (row.type != DRM_IOCTL_BASE || row.nr != _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD))
    return O_RDWR | O_CLOEXEC;
  struct drm_prime_handle prime;
  std::memcpy(&prime, arg.data(), sizeof(prime));
  // DRM_CLOEXEC and DRM_RDWR are open()'s flags.
  return static_cast<int>(prime.flags & (DRM_CLOEXEC | DRM_RDWR));
}

// By its name where the node's directory has such names, so that it can be mapped.
int open_by_name(int node, const Claim& claim) {
  std::array<char, 40> name;
  std::snprintf(name.data(), name.size(), "fd-%016llx%016llx",
                static_cast<unsigned long long>(claim.token[0]),
                static_cast<unsigned long long>(claim.token[1]));
  return open_beside(node, name.data(), claim.flags);
}

int attach(int node, const Claim& claim) {
  OwnedFd fd(::open(link_of(node).c_str(), claim.flags));
  if (!fd) return -errno;
  struct drm_fakegpu_attach arg = {.token = {claim.token[0], claim.token[1]}};
  int result;
  do {
    result = ::ioctl(fd.get(), DRM_IOCTL_FAKEGPU_ATTACH, &arg);
  } while (result < 0 && errno == EINTR);
  return result == 0 ? fd.release() : -errno;
}

}  // namespace

const ioctl::Row* claimed_row(uint32_t command) {
  const ioctl::Row* const row = ioctl::find_row(command);
  if (row == nullptr || row->fds.gives < 0 || row->direction != _IOC_DIR(command)) return nullptr;
  // Only DRM's calls may have another size.
  return row->type == DRM_IOCTL_BASE || row->size == _IOC_SIZE(command) ? row : nullptr;
}

int open_beside(int node, const std::string& name, int flags) {
  std::array<char, PATH_MAX> path;
  const ssize_t length = ::readlink(link_of(node).c_str(), path.data(), path.size());
  if (length < 0) return -errno;
  const std::string_view node_path(path.data(), static_cast<size_t>(length));
  const size_t slash = node_path.rfind('/');
  if (slash == std::string_view::npos || node_path[0] != '/') return -ENOENT;
  const int fd =
      ::open((std::string(node_path.substr(0, slash + 1)) + name).c_str(), flags | O_NOFOLLOW);
  return fd >= 0 ? fd : -errno;
}

uint64_t identify_file(int node) {
  struct drm_fakegpu_identify identify = {};
  int result;
  do {
    result = ::ioctl(node, DRM_IOCTL_FAKEGPU_IDENTIFY, &identify);
  } while (result < 0 && errno == EINTR);
  return result == 0 ? identify.file_id : 0;
}

int make_claim(int node, const ioctl::Row& row, std::span<std::byte> arg, bool table_full,
               Claim* claim) {
  alignas(8) std::array<std::byte, kMaxStruct> bytes = {};
  const auto whole = std::span(bytes).first(row.size + sizeof(drm_fakegpu_fd_claim));
  drm_fakegpu_fd_claim tail = {.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC,
                               .flags = table_full ? DRM_FAKEGPU_FD_CLAIM_FULL : 0,
                               .token = {}};
  std::memcpy(whole.data(), arg.data(), row.size);
  std::memcpy(whole.data() + row.size, &tail, sizeof(tail));
  claim->flags = flags_of(row, arg);
  int result = ::ioctl(node, _IOC(row.direction, row.type, row.nr, whole.size()), whole.data());
  if (result < 0) result = -errno;
  std::memcpy(arg.data(), whole.data(), row.size);
  std::memcpy(&tail, whole.data() + row.size, sizeof(tail));
  std::memcpy(claim->token, tail.token, sizeof(claim->token));
  return result;
}

int open_claim(int node, const Claim& claim) {
  const int fd = open_by_name(node, claim);
  return fd >= 0 || fd == -EMFILE ? fd : attach(node, claim);
}

int claim_ioctl(int node, const ioctl::Row& row, uint32_t command, void* arg,
                ioctl::UserMemory& memory) {
  alignas(8) std::array<std::byte, kMaxStruct> bytes = {};
  const auto whole = std::span(bytes).first(row.size);
  const auto known = whole.first(std::min<size_t>(_IOC_SIZE(command), row.size));
  const auto address = reinterpret_cast<uintptr_t>(arg);
  if (!memory.fetch(address, known)) return -EFAULT;

  // Holds the place, so that a full table is noticed when the kernel would notice it.
  OwnedFd place(::fcntl(node, F_DUPFD_CLOEXEC, 0));
  if (!place && errno != EMFILE) return -errno;
  Claim claim;
  const int result = make_claim(node, row, whole, !place, &claim);
  place = OwnedFd();
  OwnedFd given;
  if (result >= 0) {
    const int fd = open_claim(node, claim);
    if (fd < 0) return fd;
    given = OwnedFd(fd);
    std::memcpy(whole.data() + row.fds.gives, &fd, sizeof(fd));
  } else if (row.type != DRM_IOCTL_BASE) {
    return result;
  }
  if (!memory.store(address, known)) return -EFAULT;
  (void)given.release();
  return result;
}

}  // namespace fakegpu::umd
