// SPDX-License-Identifier: MIT
// Files that take their pages from one arena, as the opens of one FUSE inode do.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

class SharedArena : public testing::Test {
 protected:
  // A client's BO as whoever maps `file` sees it.
  static base::Mapping map(Client& file, Client& owner, const Client::Buffer& buffer) {
    const auto backing = owner.file().bo_backing(buffer.handle);
    const auto arena = file.file().pages();
    EXPECT_TRUE(backing && arena);
    auto mapping = base::Mapping::map_shared(arena->fd.get(), backing->offset, backing->size,
                                             PROT_READ | PROT_WRITE);
    EXPECT_TRUE(mapping);
    return std::move(*mapping);
  }

  VirtualMachine machine_;
};

TEST_F(SharedArena, ShowsTheBuffersOfBothToWhoMapsEither) {
  Client first(machine_);
  Client second(machine_, {1, 0, 0}, &first);
  Client stranger(machine_);
  auto one = first.buffer();
  auto two = second.buffer();
  *one.as<uint32_t>() = 0x111;
  *two.as<uint32_t>() = 0x222;
  uint32_t seen[4];
  std::memcpy(&seen[0], map(second, first, one).data(), 4);
  std::memcpy(&seen[1], map(first, second, two).data(), 4);
  std::memcpy(&seen[2], map(stranger, first, one).data(), 4);
  std::memcpy(&seen[3], map(stranger, second, two).data(), 4);
  EXPECT_EQ(seen[0], 0x111u);
  EXPECT_EQ(seen[1], 0x222u);
  EXPECT_EQ(seen[2], 0u);
  EXPECT_EQ(seen[3], 0u);
}

TEST_F(SharedArena, LeavesHandlesToEachFile) {
  Client first(machine_);
  Client second(machine_, {1, 0, 0}, &first);
  const auto buffer = first.buffer();
  EXPECT_FALSE(second.file().bo_backing(buffer.handle));
  drm_gem_close close = {buffer.handle, 0};
  EXPECT_EQ(second.call(DRM_IOCTL_GEM_CLOSE, close), -EINVAL);
}

TEST_F(SharedArena, GoesOnForTheOtherWhenEitherFileIsClosed) {
  const auto before = machine_.machine().census();
  for (const bool close_first : {true, false}) {
    Client first(machine_);
    Client second(machine_, {1, 0, 0}, &first);
    Client& closing = close_first ? first : second;
    Client& staying = close_first ? second : first;
    auto gone = closing.buffer();
    auto kept = staying.buffer();
    *gone.as<uint32_t>() = 0x111;
    *kept.as<uint32_t>() = 0x222;
    closing.close();
    // Its pages went back, and nobody else's.
    EXPECT_EQ(*gone.as<uint32_t>(), 0u);
    EXPECT_EQ(*kept.as<uint32_t>(), 0x222u);
    const auto ib = staying.ib(write_dword(kept.va, 0x333));
    EXPECT_EQ(staying.submit({.context = staying.context(), .ibs = {ib}}), 0);
    machine_.run();
    EXPECT_EQ(*kept.as<uint32_t>(), 0x333u);
    // A third may join whoever is left.
    Client third(machine_, {1, 0, 0}, &staying);
    uint32_t seen;
    std::memcpy(&seen, map(third, staying, kept).data(), 4);
    EXPECT_EQ(seen, 0x333u);
  }
  machine_.run();
  const auto after = machine_.machine().census();
  EXPECT_EQ(after.bos, before.bos);
  EXPECT_EQ(after.heap_bytes[0], before.heap_bytes[0]);
}

TEST_F(SharedArena, ANewBufferDropsStraysAndKeepsTheBuffersOfBoth) {
  Client first(machine_);
  Client second(machine_, {1, 0, 0}, &first);
  auto one = first.buffer();
  auto two = second.buffer();
  *one.as<uint32_t>() = 0x111;
  *two.as<uint32_t>() = 0x222;
  constexpr uint64_t kStrayAt = 32 << 20;
  constexpr uint64_t kStrayBytes = 2 << 20;
  const auto strays = base::Mapping::map_shared(second.file().pages()->fd.get(), kStrayAt,
                                                kStrayBytes, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(strays);
  std::memset(strays->data(), 0xee, kStrayBytes);
  const auto three = first.buffer();
  EXPECT_EQ(strays->bytes().front(), std::byte{0});
  EXPECT_EQ(strays->bytes().back(), std::byte{0});
  EXPECT_EQ(*one.as<uint32_t>(), 0x111u);
  EXPECT_EQ(*two.as<uint32_t>(), 0x222u);
}

}  // namespace
}  // namespace fakegpu::tests
