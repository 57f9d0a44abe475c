// SPDX-License-Identifier: MIT
#include "discover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "connection.h"
#include "transport.h"

namespace fakegpu::umd {
namespace {

class Discover : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/fakegpu-umd-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    saved_ = ::getenv("FAKEGPU_DEVICE") ? ::getenv("FAKEGPU_DEVICE") : "";
  }
  void TearDown() override {
    ::setenv("FAKEGPU_DEVICE", saved_.c_str(), 1);
    if (saved_.empty()) ::unsetenv("FAKEGPU_DEVICE");
    for (const char* name : {"file", "socket"}) ::unlink((folder_ + "/" + name).c_str());
    ::rmdir(folder_.c_str());
  }

  std::string file() {
    const std::string path = folder_ + "/file";
    std::ofstream(path) << "no device";
    return path;
  }
  // A socket file; listening while `listener` is open.
  std::string socket(OwnedFd* listener) {
    const std::string path = folder_ + "/socket";
    *listener = OwnedFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(::bind(listener->get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener->get(), 1), 0);
    return path;
  }

  struct Seen {
    std::string where, source, transport;
    int result;
    bool chosen;
  };
  static std::vector<Seen> visit(const Environment& environment) {
    std::vector<Seen> seen;
    EXPECT_EQ(visit_candidates(
                  environment,
                  [](const fakegpu_candidate* c, void* data) {
                    EXPECT_STRNE(c->reason, "");
                    static_cast<std::vector<Seen>*>(data)->push_back(
                        {c->where, c->source, c->transport, c->result, c->chosen != 0});
                    return 0;
                  },
                  &seen),
              0);
    return seen;
  }

  std::string folder_;
  std::string saved_;
};

TEST_F(Discover, LooksAtTheDefaultsInOrder) {
  ::unsetenv("FAKEGPU_DEVICE");
  std::vector<std::string> order;
  for (const Place& place : places(environment())) {
    EXPECT_STREQ(place.source, "default");
    order.push_back(place.where);
  }
  EXPECT_EQ(order, default_places(::geteuid(), ::getenv("XDG_RUNTIME_DIR")));
}

TEST(DefaultPlaces, AreTheSystemsAfterTheUsersOwn) {
  const std::vector<std::string> system = {"/dev/fakegpu", "/run/fakegpu/fs/fakegpu",
                                           "/run/fakegpu/socket", "inprocess:"};
  EXPECT_EQ(default_places(0, "/run/user/0"), system) << "root's daemon is the system's";
  for (const char* none : {static_cast<const char*>(nullptr), "", "not/absolute"})
    EXPECT_EQ(default_places(1000, none), system);
  std::vector<std::string> all = {"/run/user/1000/fakegpu/fs/fakegpu",
                                  "/run/user/1000/fakegpu/socket"};
  all.insert(all.end(), system.begin(), system.end());
  EXPECT_EQ(default_places(1000, "/run/user/1000"), all);
}

TEST_F(Discover, TheEnvironmentsDeviceIsTheOnlyOne) {
  ::setenv("FAKEGPU_DEVICE", "/some/where", 1);
  const auto all = places(environment());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].where, "/some/where");
  EXPECT_STREQ(all[0].source, "$FAKEGPU_DEVICE");
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(fakegpu_device_open(nullptr, &dev), -ENOENT);
}

TEST_F(Discover, AnEmptyVariableIsAsNone) {
  ::setenv("FAKEGPU_DEVICE", "", 1);
  EXPECT_EQ(places(environment()).size(), environment().defaults.size());
}

TEST_F(Discover, TellsTransportsByTheKindOfFile) {
  OwnedFd listener;
  EXPECT_STREQ(kind_of(file()).transport, "fuse");
  EXPECT_STREQ(kind_of(socket(&listener)).transport, "socket");
  EXPECT_STREQ(kind_of("/dev/null").transport, "cuse");
  EXPECT_STREQ(kind_of("inprocess:gfx=2").transport, "inprocess");
  EXPECT_STREQ(kind_of("card:inprocess:").transport, "inprocess");
  EXPECT_STREQ(kind_of("card:" + folder_ + "/socket").transport, "socket");
  EXPECT_EQ(kind_of(folder_).result, -ENXIO);
  EXPECT_EQ(kind_of(folder_ + "/nothing").result, -ENOENT);
}

TEST_F(Discover, FilesAndDevicesOfOthersAreNoDevice) {
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(fakegpu_device_open(file().c_str(), &dev), -ENXIO);
  EXPECT_EQ(fakegpu_device_open("/dev/null", &dev), -ENXIO);
  EXPECT_EQ(fakegpu_device_open(folder_.c_str(), &dev), -ENXIO);
  EXPECT_EQ(fakegpu_device_open((folder_ + "/nothing").c_str(), &dev), -ENOENT);
  EXPECT_EQ(fakegpu_device_open_fd(-1, &dev), -EBADF);
  EXPECT_EQ(dev, nullptr);
}

TEST_F(Discover, ASocketThatNobodyServesIsRefused) {
  OwnedFd listener;
  const std::string path = socket(&listener);
  listener = OwnedFd();
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(fakegpu_device_open(path.c_str(), &dev), -ECONNREFUSED);
}

TEST_F(Discover, APathTooLongForASocketIsRefused) {
  OwnedFd socket;
  EXPECT_EQ(Connection::connect("/" + std::string(200, 'x'), 0, &socket), -ENAMETOOLONG);
}

TEST_F(Discover, OpenFdBorrows) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  OwnedFd ours(ends[0]);
  { OwnedFd theirs(ends[1]); }
  fakegpu_device* dev = nullptr;
  EXPECT_EQ(fakegpu_device_open_fd(ours.get(), &dev), -ENODEV);
  EXPECT_GE(::fcntl(ours.get(), F_GETFD), 0);
}

TEST_F(Discover, VisitsWhatTheEnvironmentHidesButDoesNotChooseIt) {
  const Environment environment = {.device = folder_ + "/nothing",
                                   .defaults = {file(), "inprocess:bad"}};
  const auto seen = visit(environment);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].source, "$FAKEGPU_DEVICE");
  EXPECT_EQ(seen[0].result, -ENOENT);
  EXPECT_EQ(seen[1].transport, "fuse");
  EXPECT_EQ(seen[1].result, -ENXIO);
  EXPECT_NE(seen[2].result, 0);
  for (const Seen& candidate : seen) EXPECT_FALSE(candidate.chosen);
}

TEST_F(Discover, ChoosesTheFirstThatWorks) {
  const Environment environment = {.device = std::nullopt,
                                   .defaults = {file(), "inprocess:", "inprocess:gfx=0"}};
  const auto seen = visit(environment);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].chosen);
  EXPECT_TRUE(seen[1].chosen);
  EXPECT_EQ(seen[2].result, 0);
  EXPECT_FALSE(seen[2].chosen);
}

TEST_F(Discover, AVisitorCanEndTheTour) {
  int visits = 0;
  EXPECT_EQ(visit_candidates(
                {.device = std::nullopt, .defaults = {"/a", "/b"}},
                [](const fakegpu_candidate*, void* data) {
                  ++*static_cast<int*>(data);
                  return 42;
                },
                &visits),
            42);
  EXPECT_EQ(visits, 1);
}

TEST(NodePages, PrefersMmapButNotForShareableBosWithAChannel) {
  OwnedFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const int number = file.get();
  std::unique_ptr<Transport> node;
  ASSERT_EQ(open_node(std::move(file), &node), 0);
  constexpr uint64_t kMmap = DRM_FAKEGPU_FEATURE_MMAP;
  constexpr uint64_t kChannel = DRM_FAKEGPU_FEATURE_CHANNEL;
  BoPages pages;
  EXPECT_EQ(node->bo_pages({1, false, 0x5000, 4096, kMmap}, &pages), 0);
  EXPECT_EQ(pages.fd, number);
  EXPECT_EQ(pages.offset, 0x5000u);
  EXPECT_EQ(node->bo_pages({1, false, 0x5000, 4096, kMmap | kChannel}, &pages), 0);
  EXPECT_EQ(node->bo_pages({1, true, 0, 4096, kMmap}, &pages), 0);
  // With a channel these ask it for a token, which /dev/null does not have.
  EXPECT_EQ(node->bo_pages({1, true, 0, 4096, kMmap | kChannel}, &pages), -ENOTTY);
  EXPECT_EQ(node->bo_pages({1, false, 0, 4096, kChannel}, &pages), -ENOTTY);
  EXPECT_EQ(node->bo_pages({1, false, 0, 4096, 0}, &pages), -EOPNOTSUPP);
}

}  // namespace
}  // namespace fakegpu::umd
