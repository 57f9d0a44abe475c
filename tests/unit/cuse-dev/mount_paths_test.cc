// SPDX-License-Identifier: MIT
#include "mount_paths.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fakegpu::cuse_dev {
namespace {

namespace fs = std::filesystem;

class MountPaths : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "mount-paths.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return folder_ / name; }
  fs::path folder_;
};

TEST_F(MountPaths, AMountPointIsMadeWithItsParent) {
  ASSERT_TRUE(prepare_mount_point(path("a/b"), "fakegpu"));
  EXPECT_TRUE(fs::is_directory(path("a/b")));
  EXPECT_TRUE(prepare_mount_point(path("a/b"), "fakegpu"));
}

TEST_F(MountPaths, AServedMountPointIsLeftAlone) {
  fs::create_directory(path("fs"));
  std::ofstream(path("fs/fakegpu"));
  const auto prepared = prepare_mount_point(path("fs"), "fakegpu");
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code(), EBUSY);
}

TEST_F(MountPaths, ABindTargetIsAnEmptyFileAndNothingElse) {
  ASSERT_TRUE(prepare_bind_target(path("node")));
  EXPECT_TRUE(fs::is_regular_file(path("node")));
  EXPECT_TRUE(prepare_bind_target(path("node")));
  std::ofstream(path("node")) << "precious";
  EXPECT_EQ(prepare_bind_target(path("node")).error().code(), EEXIST);
  fs::create_symlink(path("node"), path("link"));
  EXPECT_EQ(prepare_bind_target(path("link")).error().code(), EEXIST);
  EXPECT_EQ(prepare_bind_target(path("none/node")).error().code(), ENOENT);
}

TEST_F(MountPaths, ALinkReplacesOnlyItsLike) {
  ASSERT_TRUE(make_link("/target", path("link")));
  EXPECT_TRUE(make_link("/target", path("link")));
  EXPECT_EQ(fs::read_symlink(path("link")), "/target");
  EXPECT_EQ(make_link("/other", path("link")).error().code(), EEXIST);
  std::ofstream(path("file")) << "precious";
  EXPECT_EQ(make_link("/target", path("file")).error().code(), EEXIST);
  remove_link("/target", path("file"));
  remove_link("/other", path("link"));
  EXPECT_TRUE(fs::exists(path("file")));
  EXPECT_TRUE(fs::is_symlink(path("link")));
  remove_link("/target", path("link"));
  EXPECT_FALSE(fs::is_symlink(path("link")));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
