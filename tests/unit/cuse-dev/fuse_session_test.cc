// SPDX-License-Identifier: MIT
#include "fuse_session.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "base/process.h"
#include "fake_driver.h"
#include "fake_kernel.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr uint32_t kPassthroughFlags2 = 1u << 5;

class FuseTest : public testing::Test {
 protected:
  void connect(const FuseSession::Options& options = {}, uint32_t flags2 = 0) {
    auto loop = make_loop(LoopKind::kAuto);
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
    kernel_.send_init(FUSE_INIT, FUSE_INIT_EXT, flags2);
    auto session = FuseSession::create_on(*loop_, options, kernel_.take_device_end());
    ASSERT_TRUE(session) << session.error().message();
    session_ = std::move(*session);
    init_reply_ = kernel_.receive();
    ASSERT_EQ(init_reply_.error, 0);
    served_ = std::make_unique<ServedTransport>(*loop_, *session_, machine_);
  }

  FakeKernel::Answer lookup(std::string name) {
    name.push_back('\0');
    kernel_.send(FUSE_LOOKUP, FUSE_ROOT_ID, std::as_bytes(std::span(name)));
    return kernel_.receive();
  }

  Behaviour behaviour_;
  FakeMachine machine_{behaviour_};
  FakeKernel kernel_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Transport> session_;
  std::unique_ptr<ServedTransport> served_;
  FakeKernel::Answer init_reply_;
};

// fuse_init_out as of 7.40.
uint32_t max_stack_depth(const FakeKernel::Answer& reply) {
  uint32_t depth;
  std::memcpy(&depth, reply.body.data() + 36, sizeof(depth));
  return depth;
}

TEST_F(FuseTest, AsksForPassthroughIfItIsOffered) {
  connect({}, kPassthroughFlags2);
  const auto init = init_reply_.as<fuse_init_out>();
  EXPECT_NE(init.flags & FUSE_INIT_EXT, 0u);
  EXPECT_EQ(init.flags2, kPassthroughFlags2);
  EXPECT_EQ(max_stack_depth(init_reply_), 1u);
  // Offered, but this connection cannot register files: as without CAP_SYS_ADMIN.
  EXPECT_FALSE(session_->can_mmap());
  const auto node = lookup("fakegpu").as<fuse_entry_out>().nodeid;
  kernel_.send_struct(FUSE_OPEN, node, fuse_open_in{.flags = 2});
  EXPECT_EQ(kernel_.receive().as<fuse_open_out>().open_flags, uint32_t{FOPEN_DIRECT_IO});
}

TEST_F(FuseTest, DoesNotAskWithoutAnOffer) {
  connect();
  EXPECT_EQ(init_reply_.as<fuse_init_out>().flags2 & kPassthroughFlags2, 0u);
  EXPECT_EQ(max_stack_depth(init_reply_), 0u);
}

TEST_F(FuseTest, DoesNotAskIfTheFileIsToBeBound) {
  auto loop = make_loop(LoopKind::kAuto);
  kernel_.send_init(FUSE_INIT, FUSE_INIT_EXT, kPassthroughFlags2);
  auto session =
      FuseSession::create_on(**loop, {.bind = "/nonexistent"}, kernel_.take_device_end());
  ASSERT_TRUE(session);
  EXPECT_EQ(max_stack_depth(kernel_.receive()), 0u);
}

TEST_F(FuseTest, EachLookupGivesANewNodeThatMayNotBeCached) {
  connect();
  const auto first = lookup("fakegpu").as<fuse_entry_out>();
  const auto second = lookup("fakegpu").as<fuse_entry_out>();
  EXPECT_NE(first.nodeid, second.nodeid);
  EXPECT_NE(first.nodeid, uint64_t{FUSE_ROOT_ID});
  EXPECT_EQ(first.entry_valid, 0u);
  EXPECT_EQ(first.entry_valid_nsec, 0u);
  EXPECT_EQ(first.attr.mode, uint32_t{S_IFREG | 0666});
  EXPECT_EQ(first.attr.ino, second.attr.ino);
  EXPECT_EQ(lookup("other").error, -ENOENT);
}

TEST_F(FuseTest, TheNodesOfOneDeviceAreFilesOfOneDirectory) {
  connect();
  const struct {
    const char* name;
    bool render;
  } devices[] = {{"fakegpu", true}, {"card0", false}, {"renderD128", true}, {"card0", false}};
  std::set<uint64_t> nodes;
  std::set<uint64_t> inodes;
  for (const auto& [name, render] : devices) {
    const auto entry = lookup(name).as<fuse_entry_out>();
    EXPECT_TRUE(nodes.insert(entry.nodeid).second) << name;
    inodes.insert(entry.attr.ino);
    kernel_.open(entry.nodeid);
    EXPECT_EQ(machine_.render, render) << name;
  }
  EXPECT_EQ(inodes.size(), 3u);
  EXPECT_EQ(machine_.sw_sync_name, "");
  kernel_.tid = static_cast<uint32_t>(::getpid());
  kernel_.open(lookup("sw_sync").as<fuse_entry_out>().nodeid);
  EXPECT_EQ(machine_.sw_sync_name, base::command_of(::getpid())) << "the opener's command";
}

TEST_F(FuseTest, TheModeIsTheFiles) {
  connect({.mode = 0600});
  EXPECT_EQ(lookup("fakegpu").as<fuse_entry_out>().attr.mode, uint32_t{S_IFREG | 0600});
  kernel_.send_struct(FUSE_GETATTR, FUSE_ROOT_ID, fuse_getattr_in{});
  EXPECT_EQ(kernel_.receive().as<fuse_attr_out>().attr.mode, uint32_t{S_IFDIR | 0755});
}

TEST_F(FuseTest, TakesTruncationAndRefusesAChangeOfMode) {
  connect();
  const auto node = lookup("fakegpu").as<fuse_entry_out>().nodeid;
  fuse_setattr_in change = {};
  change.valid = FATTR_SIZE;
  kernel_.send_struct(FUSE_SETATTR, node, change);
  EXPECT_EQ(kernel_.receive().error, 0);
  change.valid = FATTR_MODE;
  kernel_.send_struct(FUSE_SETATTR, node, change);
  EXPECT_EQ(kernel_.receive().error, -EPERM);
}

TEST_F(FuseTest, ListsTheFiles) {
  connect();
  kernel_.send_struct(FUSE_OPENDIR, FUSE_ROOT_ID, fuse_open_in{});
  const auto handle = kernel_.receive().as<fuse_open_out>().fh;
  fuse_read_in read = {};
  read.fh = handle;
  read.size = 4096;
  kernel_.send_struct(FUSE_READDIR, FUSE_ROOT_ID, read);
  const auto listing = kernel_.receive();
  const std::string_view bytes(reinterpret_cast<const char*>(listing.body.data()),
                               listing.body.size());
  for (const char* name : {"fakegpu", "card0", "renderD128", "sw_sync"})
    EXPECT_NE(bytes.find(name), std::string_view::npos) << name;
  read.offset = 6;
  kernel_.send_struct(FUSE_READDIR, FUSE_ROOT_ID, read);
  EXPECT_TRUE(kernel_.receive().body.empty());
  // An ioctl on the directory reaches no driver.
  fuse_ioctl_in call = {};
  call.fh = handle;
  call.flags = FUSE_IOCTL_DIR;
  call.cmd = kNoStruct;
  kernel_.send_struct(FUSE_IOCTL, FUSE_ROOT_ID, call);
  EXPECT_EQ(kernel_.receive().error, -ENOTTY);
}

TEST_F(FuseTest, ReachesArraysInTheCallersProcess) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    drm_syncobj_array array = {};
    EXPECT_TRUE(memory.fetch(request.arg, std::as_writable_bytes(std::span(&array, 1))));
    std::vector<uint32_t> handles(array.count_handles);
    if (!memory.fetch(array.handles, std::as_writable_bytes(std::span(handles)))) return -EFAULT;
    return static_cast<int>(handles.at(0) + handles.at(1));
  };
  connect();
  const auto node = lookup("fakegpu").as<fuse_entry_out>().nodeid;
  const uint64_t file = kernel_.open(node);
  const uint32_t handles[2] = {40, 2};
  drm_syncobj_array array = {};
  array.handles = reinterpret_cast<uint64_t>(handles);
  array.count_handles = 2;
  kernel_.tid = getpid();
  kernel_.send_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, 0x1000, std::as_bytes(std::span(&array, 1)),
                     sizeof(array));
  EXPECT_EQ(kernel_.receive().as<fuse_ioctl_out>().result, 42);
  // A caller that is not visible from here.
  kernel_.tid = 0;
  kernel_.send_ioctl(file, DRM_IOCTL_SYNCOBJ_RESET, 0x1000, std::as_bytes(std::span(&array, 1)),
                     sizeof(array));
  EXPECT_EQ(kernel_.receive().as<fuse_ioctl_out>().result, -EFAULT);
}

TEST_F(FuseTest, DirectionBitsDecideWhatMoves) {
  behaviour_.ioctl = [](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
    drm_syncobj_create value = {};
    EXPECT_TRUE(memory.fetch(request.arg, std::as_writable_bytes(std::span(&value, 1))));
    value.handle = 9;
    EXPECT_TRUE(memory.store(request.arg, std::as_bytes(std::span(&value, 1))));
    return static_cast<int>(value.flags);
  };
  connect();
  const uint64_t file = kernel_.open(lookup("fakegpu").as<fuse_entry_out>().nodeid);
  const drm_syncobj_create value{.handle = 0, .flags = 5};
  kernel_.send_ioctl(file, _IOW('d', 0xbf, drm_syncobj_create), 0x1000,
                     std::as_bytes(std::span(&value, 1)), 0);
  auto answer = kernel_.receive();
  EXPECT_EQ(answer.as<fuse_ioctl_out>().result, 5);
  EXPECT_EQ(answer.body.size(), sizeof(fuse_ioctl_out));
  kernel_.send_ioctl(file, _IOR('d', 0xbf, drm_syncobj_create), 0x1000, {}, sizeof(value));
  answer = kernel_.receive();
  // What an earlier caller sent is not seen.
  EXPECT_EQ(answer.as<fuse_ioctl_out>().result, 0);
  EXPECT_EQ(answer.body.size(), sizeof(fuse_ioctl_out) + sizeof(value));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
