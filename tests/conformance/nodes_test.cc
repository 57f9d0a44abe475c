// SPDX-License-Identifier: MIT
// The nodes of one device, where it has nodes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

namespace fs = std::filesystem;

constexpr unsigned long kSwSyncInc = _IOW('W', 1, uint32_t);  // sw_sync.c

std::string render_path() {
  return fs::path(card_path()).parent_path() / "renderD128";
}

TEST(NodeKinds, TheLibraryOpensEach) {
  for (const std::string& path : {device_path(), card_path(), render_path()}) {
    const Client client(path);
    EXPECT_TRUE(client.has_node()) << path;
    EXPECT_NE(client.make_bo(), 0u) << path;
  }
}

TEST(NodeKinds, ADrmRenderNodeIsOne) {
  const Client client(render_path());
  drm_auth arg = {};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_MAGIC, arg), -EACCES);
  EXPECT_EQ(client.call_at(DRM_IOCTL_SET_MASTER, 0), -EACCES);
}

TEST(NodeKinds, ShareOneDevice) {
  const Client a(device_path());
  const Client b(card_path());
  const uint64_t before = b.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes;
  a.make_bo(4 * kPage);
  EXPECT_EQ(b.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes, before + 4 * kPage);
}

TEST(NodeKinds, DrmsNumbersAreTakenWhereTheyAreFree) {
  struct stat card = {};
  struct stat render = {};
  ASSERT_EQ(::stat(card_path().c_str(), &card), 0);
  ASSERT_EQ(::stat(render_path().c_str(), &render), 0);
  // Files have none.
  const bool devices = S_ISCHR(card.st_mode);
  EXPECT_EQ(card.st_rdev, devices ? makedev(226, 0) : 0);
  EXPECT_EQ(render.st_rdev, devices ? makedev(226, 128) : 0);
}

TEST(NodeKinds, SwSyncIsNoDrmDevice) {
  const base::UniqueFd node(::open(sw_sync_path().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(node);
  uint32_t steps = 3;
  EXPECT_EQ(::ioctl(node.get(), kSwSyncInc, &steps), 0);
  drm_version version = {};
  EXPECT_EQ(::ioctl(node.get(), DRM_IOCTL_VERSION, &version), -1);
  EXPECT_EQ(errno, ENOTTY);
  const base::UniqueFd device(::open(device_path().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(device);
  EXPECT_EQ(::ioctl(device.get(), kSwSyncInc, &steps), -1);
  EXPECT_EQ(errno, ENOTTY);
}

}  // namespace
}  // namespace fakegpu::conformance
