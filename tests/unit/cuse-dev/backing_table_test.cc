// SPDX-License-Identifier: MIT
#include "backing_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <vector>

namespace fakegpu::cuse_dev {
namespace {

// Which file a descriptor refers to.
ino_t inode_of(int fd) {
  struct stat status = {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return status.st_ino;
}

// A file that has an arena, or is too poor for one, and nothing else.
class ArenaFile final : public drv::File {
 public:
  enum class Wealth { kArena, kPoor };
  explicit ArenaFile(Wealth wealth = Wealth::kArena) {
    if (wealth == Wealth::kArena) arena_ = *base::create_sealed_memfd("arena", kSize);
  }
  ino_t arena() const { return inode_of(arena_.get()); }

  ioctl::Plan plan(uint32_t, const drv::Caller&, std::span<const std::byte>) override {
    return {.error = -ENOTTY};
  }
  drv::Outcome ioctl(const drv::Request&, ioctl::UserMemory&, drv::Reply) override {
    return -ENOTTY;
  }
  bool interrupt(uint64_t) override { return false; }
  std::optional<int> read(uint64_t, std::span<std::byte>, bool, drv::ReadReply) override {
    return -EAGAIN;
  }
  short poll(base::UniqueFunction<void()>) override { return 0; }
  base::Result<Backing> pages() override {
    if (!arena_) return base::fail(ENOMEM, "no arena");
    return Backing{*arena_.duplicate(), 0, kSize};
  }
  base::Result<Backing> bo_backing(uint32_t) override { return base::fail(ENOENT, "no BO"); }
  base::Result<Backing> fence_page(Sleepers) override { return base::fail(ENOENT, "no page"); }
  void on_close(const void*, base::UniqueFunction<void()>) override {}
  void cancel_on_close(const void*) override {}

 private:
  static constexpr uint64_t kSize = 4096;
  base::UniqueFd arena_;
};

constexpr uint64_t kNode = 7;
constexpr uid_t kUid = 1000;

class BackingTableTest : public testing::Test {
 protected:
  std::vector<ino_t> registered_;
  std::vector<int32_t> unregistered_;
  int register_error_ = 0;
  BackingTable table_{[this](int file) -> base::Result<int32_t> {
                        if (register_error_ != 0) return base::fail(register_error_, "as told");
                        registered_.push_back(inode_of(file));
                        return static_cast<int32_t>(registered_.size());
                      },
                      [this](int32_t id) { unregistered_.push_back(id); }};
  ArenaFile first_;
  ArenaFile second_;
  ArenaFile third_;
};

TEST_F(BackingTableTest, OpensOfOneInodeHaveOneBackingFileUntilTheLastIsClosed) {
  EXPECT_EQ(table_.sibling(kNode, kUid).value(), nullptr);
  EXPECT_EQ(table_.add(kNode, kUid, first_).value(), 1);
  EXPECT_EQ(table_.sibling(kNode, kUid).value(), &first_);
  EXPECT_EQ(table_.add(kNode, kUid, second_).value(), 1);
  table_.remove(kNode, first_);
  EXPECT_EQ(table_.sibling(kNode, kUid).value(), &second_);
  EXPECT_EQ(table_.add(kNode, kUid, third_).value(), 1);
  table_.remove(kNode, second_);
  EXPECT_TRUE(unregistered_.empty());
  table_.remove(kNode, third_);
  EXPECT_EQ(unregistered_, std::vector<int32_t>{1});
  EXPECT_EQ(registered_, std::vector<ino_t>{first_.arena()});
}

TEST_F(BackingTableTest, AnInodeThatWasClosedStartsAfresh) {
  EXPECT_EQ(table_.add(kNode, kUid, first_).value(), 1);
  table_.remove(kNode, first_);
  EXPECT_EQ(table_.sibling(kNode, kUid + 1).value(), nullptr);
  EXPECT_EQ(table_.add(kNode, kUid + 1, second_).value(), 2);
  EXPECT_EQ(registered_, (std::vector{first_.arena(), second_.arena()}));
}

TEST_F(BackingTableTest, InodesShareNothing) {
  EXPECT_EQ(table_.add(kNode, kUid, first_).value(), 1);
  EXPECT_EQ(table_.sibling(kNode + 1, kUid).value(), nullptr);
  EXPECT_EQ(table_.add(kNode + 1, kUid + 1, second_).value(), 2);
  table_.remove(kNode, first_);
  EXPECT_EQ(unregistered_, std::vector<int32_t>{1});
  EXPECT_EQ(table_.sibling(kNode + 1, kUid + 1).value(), &second_);
}

TEST_F(BackingTableTest, AnotherUserIsRefusedWhileTheInodeIsOpen) {
  EXPECT_EQ(table_.add(kNode, kUid, first_).value(), 1);
  for (const uid_t other : {uid_t{0}, kUid + 1}) {
    const auto refused = table_.sibling(kNode, other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), EBUSY);
  }
  EXPECT_EQ(table_.sibling(kNode, kUid).value(), &first_);
}

TEST_F(BackingTableTest, AFailedRegistrationLeavesNothing) {
  ArenaFile poor(ArenaFile::Wealth::kPoor);
  EXPECT_EQ(table_.add(kNode, kUid, poor).error().code(), ENOMEM);
  register_error_ = EPERM;
  EXPECT_EQ(table_.add(kNode, kUid, first_).error().code(), EPERM);
  EXPECT_EQ(table_.sibling(kNode, kUid + 1).value(), nullptr);
  table_.remove(kNode, first_);
  EXPECT_TRUE(unregistered_.empty());
}

}  // namespace
}  // namespace fakegpu::cuse_dev
