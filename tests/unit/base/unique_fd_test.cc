// SPDX-License-Identifier: MIT
#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace fakegpu::base {
namespace {

constexpr size_t kPage = 4096;

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd memfd(uint64_t size) {
  auto fd = create_sealed_memfd("test", size);
  EXPECT_TRUE(fd);
  return std::move(*fd);
}

TEST(UniqueFd, ClosesWhatItOwns) {
  int raw;
  {
    UniqueFd fd = memfd(kPage);
    raw = fd.get();
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, MovesAndReleasesWithoutClosing) {
  UniqueFd a = memfd(kPage);
  const int raw = a.get();
  UniqueFd b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(b.get(), raw);
  EXPECT_EQ(b.release(), raw);
  EXPECT_FALSE(b);
  EXPECT_TRUE(is_open(raw));
  b.reset(raw);
  b = memfd(kPage);
  EXPECT_NE(b.get(), -1);
  EXPECT_FALSE(is_open(raw) && b.get() != raw);
}

TEST(UniqueFd, DuplicateIsTheSameFileAndCloseOnExec) {
  UniqueFd fd = memfd(kPage);
  auto copy = fd.duplicate();
  ASSERT_TRUE(copy);
  EXPECT_NE(copy->get(), fd.get());
  EXPECT_EQ(::fcntl(copy->get(), F_GETFD), FD_CLOEXEC);
  struct stat a, b;
  ASSERT_EQ(::fstat(fd.get(), &a), 0);
  ASSERT_EQ(::fstat(copy->get(), &b), 0);
  EXPECT_EQ(a.st_ino, b.st_ino);
}

TEST(UniqueFd, DuplicateOfNothingFails) {
  const auto copy = UniqueFd().duplicate();
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().code(), EBADF);
}

TEST(SealedMemfd, CanNeitherShrinkNorGrowNorBeUnsealed) {
  UniqueFd fd = memfd(2 * kPage);
  EXPECT_EQ(::ftruncate(fd.get(), kPage), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(fd.get(), 4 * kPage), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
  struct stat info;
  ASSERT_EQ(::fstat(fd.get(), &info), 0);
  EXPECT_EQ(info.st_size, static_cast<off_t>(2 * kPage));
}

TEST(SealedMemfd, IsSparseAndCloseOnExec) {
  UniqueFd fd = memfd(uint64_t{1} << 36);
  struct stat info;
  ASSERT_EQ(::fstat(fd.get(), &info), 0);
  EXPECT_EQ(info.st_blocks, 0);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(SealedMemfd, ImpossibleSizeIsAnError) {
  const auto fd = create_sealed_memfd("test", UINT64_MAX);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code(), EINVAL);
}

TEST(PublishedMemory, IsWrittenHereAndOnlyReadByWhoeverGetsTheDescriptor) {
  auto memory = create_published_memory("test", kPage);
  ASSERT_TRUE(memory);
  const auto reader = Mapping::map_shared(memory->fd.get(), 0, kPage, PROT_READ);
  ASSERT_TRUE(reader);
  memory->mapping.data()[7] = std::byte{0x5a};
  EXPECT_EQ(reader->data()[7], std::byte{0x5a});
  EXPECT_EQ(::mprotect(reader->data(), kPage, PROT_READ | PROT_WRITE), -1);

  const std::string path = "/proc/self/fd/" + std::to_string(memory->fd.get());
  const UniqueFd reopened(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(reopened);
  for (const int fd : {memory->fd.get(), reopened.get()}) {
    const auto writable = Mapping::map_shared(fd, 0, kPage, PROT_READ | PROT_WRITE);
    ASSERT_FALSE(writable);
    EXPECT_EQ(writable.error().code(), EPERM);
    EXPECT_EQ(::pwrite(fd, "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(fd, 0), -1);
    EXPECT_EQ(::ftruncate(fd, 2 * kPage), -1);
    EXPECT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage), -1);
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  }
  EXPECT_EQ(reader->data()[7], std::byte{0x5a});
}

TEST(Mapping, TwoMappingsOfOneFileShareBytes) {
  UniqueFd fd = memfd(2 * kPage);
  auto whole = Mapping::map_shared(fd.get(), 0, 2 * kPage, PROT_READ | PROT_WRITE);
  auto second = Mapping::map_shared(fd.get(), kPage, kPage, PROT_READ);
  ASSERT_TRUE(whole && second);
  EXPECT_EQ(whole->size(), 2 * kPage);
  whole->bytes()[kPage + 5] = std::byte{0x5a};
  EXPECT_EQ(second->bytes()[5], std::byte{0x5a});
}

// True if the address range belongs to some mapping.
bool is_mapped(void* at) {
  return ::msync(at, kPage, MS_ASYNC) == 0;
}

TEST(Mapping, UnmapsOnDestructionAndOnlyOnce) {
  UniqueFd fd = memfd(kPage);
  void* at;
  {
    auto mapping = Mapping::map_shared(fd.get(), 0, kPage, PROT_READ);
    ASSERT_TRUE(mapping);
    at = mapping->data();
    Mapping moved = std::move(*mapping);
    EXPECT_FALSE(*mapping);
    EXPECT_EQ(moved.data(), at);
    EXPECT_TRUE(is_mapped(at));
  }
  EXPECT_FALSE(is_mapped(at));
}

TEST(Mapping, BadArgumentsAreErrors) {
  UniqueFd fd = memfd(kPage);
  EXPECT_EQ(Mapping::map_shared(fd.get(), 0, 0, PROT_READ).error().code(), EINVAL);
  EXPECT_EQ(Mapping::map_shared(-1, 0, kPage, PROT_READ).error().code(), EBADF);
  EXPECT_EQ(Mapping::map_shared(fd.get(), 1, kPage, PROT_READ).error().code(), EINVAL);
}

TEST(Mapping, ReservationHoldsAddressesAndTakesMappingsInside) {
  auto room = Mapping::reserve(size_t{1} << 40);
  ASSERT_TRUE(room);
  EXPECT_EQ(room->size(), size_t{1} << 40);
  UniqueFd fd = memfd(kPage);
  void* at = ::mmap(room->data() + kPage, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                    fd.get(), 0);
  ASSERT_EQ(at, room->data() + kPage);
  room->data()[kPage] = std::byte{1};
  EXPECT_EQ(room->data()[kPage], std::byte{1});
}

}  // namespace
}  // namespace fakegpu::base
