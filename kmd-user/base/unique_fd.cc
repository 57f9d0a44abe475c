// SPDX-License-Identifier: MIT
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fakegpu::base {

namespace {

Result<UniqueFd> create_memfd(const char* name, uint64_t size) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno("size memfd");
  return fd;
}

Result<> seal(const UniqueFd& fd, int seals) {
  if (::fcntl(fd.get(), F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("seal memfd");
  return {};
}

}  // namespace

void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) ::close(old);
}

Result<UniqueFd> UniqueFd::duplicate() const {
  UniqueFd copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("duplicate descriptor");
  return copy;
}

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<Mapping> Mapping::map_shared(int fd, uint64_t offset, size_t size, int prot) {
  if (size == 0) return fail(EINVAL, "map fd {}: size 0", fd);
  void* at = ::mmap(nullptr, size, prot, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) return fail_errno("mmap");
  return Mapping({static_cast<std::byte*>(at), size});
}

Result<Mapping> Mapping::reserve(size_t size) {
  void* at = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return fail_errno("reserve address space");
  return Mapping({static_cast<std::byte*>(at), size});
}

Result<UniqueFd> create_sealed_memfd(const char* name, uint64_t size) {
  auto fd = create_memfd(name, size);
  if (!fd) return fd;
  FAKEGPU_TRY(seal(*fd, 0));
  return fd;
}

Result<PublishedMemory> create_published_memory(const char* name, size_t size) {
  auto fd = create_memfd(name, size);
  if (!fd) return tl::unexpected(std::move(fd).error());
  // A mapping made before the seal stays writable.
  auto mapping = Mapping::map_shared(fd->get(), 0, size, PROT_READ | PROT_WRITE);
  if (!mapping) return tl::unexpected(std::move(mapping).error());
  FAKEGPU_TRY(seal(*fd, F_SEAL_FUTURE_WRITE));
  return PublishedMemory{std::move(*fd), std::move(*mapping)};
}

}  // namespace fakegpu::base
