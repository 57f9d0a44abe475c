// SPDX-License-Identifier: MIT
// Open files of the driver as pipes and memfds: who has them, whose they are, when they go.
#include "drv/native_descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "support/hanging_file.h"

namespace fakegpu::drv {
namespace {

// What happened to a file, after it is gone too.
struct Record {
  bool closed = false;
  bool ready = false;
  base::UniqueFunction<void()> wake;
};

class FakeFile final : public File {
 public:
  FakeFile(Record& record, base::UniqueFd memory, bool writable = true)
      : record_(record), memory_(std::move(memory)), writable_(writable) {}
  ~FakeFile() override { record_.closed = true; }

  ioctl::Plan plan(uint32_t, const Caller&, std::span<const std::byte>) override { return {}; }
  Outcome ioctl(const Request&, ioctl::UserMemory&, Reply) override { return 0; }
  bool interrupt(uint64_t) override { return false; }
  std::optional<int> read(uint64_t, std::span<std::byte>, bool, ReadReply) override { return 0; }
  short poll(base::UniqueFunction<void()> wake) override {
    if (record_.ready) return POLLIN;
    record_.wake = std::move(wake);
    return 0;
  }
  base::Result<Backing> pages() override {
    if (!memory_) return base::fail(ENODEV, "no memory");
    return Backing{std::move(*memory_.duplicate()), 0, 4096, writable_};
  }

 private:
  Record& record_;
  base::UniqueFd memory_;
  bool writable_;
};

struct NativeDescriptorsTest : testing::Test {
  // Gives a file away: its descriptor.
  base::UniqueFd give(Record& record, base::UniqueFd memory = {}, bool writable = true) {
    NativeCall call(*registry, *share);
    EXPECT_EQ(call.reserve(true), 0);
    const int32_t fd =
        call.install(std::make_unique<FakeFile>(record, std::move(memory), writable));
    base::UniqueFd given = call.release();
    EXPECT_EQ(given.get(), fd);
    return given;
  }
  base::UniqueFd dma_buf(Record& record, int memory, bool writable = true) {
    return give(record, base::UniqueFd(::fcntl(memory, F_DUPFD_CLOEXEC, 0)), writable);
  }
  static short events(int fd) {
    pollfd asked = {fd, POLLIN, 0};
    ::poll(&asked, 1, 0);
    return asked.revents;
  }

  // Outlive the files, which the registry may hold to its end.
  Record record;
  Record ready{.ready = true};
  Record again;
  Record records[4];
  std::unique_ptr<NativeDescriptors> registry = std::move(*NativeDescriptors::create(16, 4));
  base::Ref<NativeDescriptors::Share> share = base::make_ref<NativeDescriptors::Share>();
};

TEST_F(NativeDescriptorsTest, StandsForTheFileWhereverItHasBeen) {
  const base::UniqueFd fd = give(record);
  const base::UniqueFd copy = std::move(*fd.duplicate());
  NativeCall call(*registry, *share);
  const TakenFd taken = call.take(copy.get());
  EXPECT_EQ(taken.error, 0);
  EXPECT_NE(taken.file, nullptr);
  EXPECT_EQ(taken.file, registry->find(fd.get()).get());
  EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(NativeDescriptorsTest, PollsReadableOnceTheFileIsReady) {
  const base::UniqueFd fd = give(record);
  EXPECT_EQ(events(fd.get()), 0);
  std::exchange(record.wake, nullptr)();
  EXPECT_EQ(events(fd.get()), POLLIN);
  EXPECT_EQ(events(fd.get()), POLLIN) << "and stays so";
  EXPECT_EQ(events(give(ready).get()), POLLIN) << "when it was from the start";
}

TEST_F(NativeDescriptorsTest, IsClosedWithItsLastDescriptor) {
  base::UniqueFd fd = give(record);
  base::UniqueFd copy = std::move(*fd.duplicate());
  fd.reset();
  registry->sweep();
  EXPECT_FALSE(record.closed);
  EXPECT_EQ(events(registry->fd()), 0);
  copy.reset();
  EXPECT_EQ(events(registry->fd()), POLLIN);
  registry->sweep();
  EXPECT_TRUE(record.closed);
  EXPECT_EQ(registry->size(), 0u);
}

TEST_F(NativeDescriptorsTest, IsNotClosedWhileACallUsesIt) {
  base::UniqueFd fd = give(record);
  {
    NativeCall call(*registry, *share);
    ASSERT_NE(call.take(fd.get()).file, nullptr);
    fd.reset();
    registry->sweep();
    EXPECT_EQ(registry->size(), 0u);
    EXPECT_FALSE(record.closed);
  }
  EXPECT_TRUE(record.closed);
}

TEST_F(NativeDescriptorsTest, AWakeAfterTheLastReaderLeftDoesNoHarm) {
  give(record).reset();
  // Before the sweep, and after it.
  auto wake = std::exchange(record.wake, nullptr);
  wake();
  registry->sweep();
  EXPECT_TRUE(record.closed);
  wake();
}

TEST_F(NativeDescriptorsTest, HangsUpWhenTheMachineGoes) {
  const base::UniqueFd fd = give(record);
  record.wake = nullptr;
  registry.reset();
  EXPECT_TRUE(record.closed);
  EXPECT_EQ(events(fd.get()), POLLHUP);
}

TEST_F(NativeDescriptorsTest, WhatAClientMadeItselfIsForeign) {
  const base::UniqueFd real = give(record);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const base::UniqueFd read_end(ends[0]);
  const base::UniqueFd write_end(ends[1]);
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC));
  const base::UniqueFd memory(::memfd_create("fakegpu", MFD_CLOEXEC));
  for (const base::UniqueFd* fd : {&read_end, &write_end, &counter, &memory}) {
    NativeCall call(*registry, *share);
    const TakenFd taken = call.take(fd->get());
    EXPECT_EQ(taken.file, nullptr);
    EXPECT_EQ(taken.error, 0);
    EXPECT_TRUE(taken.foreign);
  }
  auto other = std::move(*NativeDescriptors::create(16, 4));
  EXPECT_EQ(other->find(real.get()), nullptr) << "of another machine";
}

// As closing a duplicate of it would, with the device's lock held, to the end of that server.
TEST_F(NativeDescriptorsTest, AFileThatNeverAnswersIsForeignAndNotAsked) {
  if (const char* lacking = support::HangingFile::lacking())
    GTEST_SKIP() << "machine lacks " << lacking;
  const support::HangingFile file;
  {
    NativeCall call(*registry, *share);
    const TakenFd taken = call.take(file.fd());
    EXPECT_EQ(taken.file, nullptr);
    EXPECT_EQ(taken.error, 0);
    EXPECT_FALSE(taken.foreign);
  }
  EXPECT_EQ(registry->find(file.fd()), nullptr);
  EXPECT_EQ(file.asked(), 0u);
}

TEST_F(NativeDescriptorsTest, WhatIsNotOpenIsNoDescriptor) {
  NativeCall call(*registry, *share);
  EXPECT_EQ(call.take(-1).error, -EBADF);
  EXPECT_EQ(call.take(1 << 20).error, -EBADF);
  const base::UniqueFd path(::open("/", O_PATH | O_CLOEXEC));
  EXPECT_EQ(call.take(path.get()).error, -EBADF);
}

TEST_F(NativeDescriptorsTest, AShareIsBoundedAndGivenBack) {
  std::vector<base::UniqueFd> fds;
  for (int i = 0; i < 4; ++i) fds.push_back(give(records[i]));
  NativeCall fifth(*registry, *share);
  EXPECT_EQ(fifth.reserve(true), -EMFILE);
  const auto other = base::make_ref<NativeDescriptors::Share>();
  NativeCall of_another(*registry, *other);
  EXPECT_EQ(of_another.reserve(true), 0);
  fds.pop_back();
  EXPECT_EQ(fifth.reserve(true), 0) << "without a sweep of its own";
}

TEST_F(NativeDescriptorsTest, WhatWasReservedInVainIsGivenBack) {
  for (int i = 0; i < 10; ++i) {
    NativeCall call(*registry, *share);
    ASSERT_EQ(call.reserve(true), 0) << i;
  }
}

TEST_F(NativeDescriptorsTest, ACallThatFailedGivesNothing) {
  {
    NativeCall call(*registry, *share);
    ASSERT_EQ(call.reserve(true), 0);
    call.install(std::make_unique<FakeFile>(record, base::UniqueFd()));
  }
  registry->sweep();
  EXPECT_TRUE(record.closed);
}

struct NativeMemory : NativeDescriptorsTest {
  const base::UniqueFd memory = std::move(*base::create_sealed_memfd("fakegpu-bo", 4096));
};

TEST_F(NativeMemory, IsTheMemoryItself) {
  const base::UniqueFd fd = dma_buf(record, memory.get());
  EXPECT_NE(registry->find(fd.get()), nullptr);
  const auto theirs = base::Mapping::map_shared(fd.get(), 0, 4096, PROT_READ | PROT_WRITE);
  const auto ours = base::Mapping::map_shared(memory.get(), 0, 4096, PROT_READ);
  ASSERT_TRUE(theirs && ours);
  theirs->data()[7] = std::byte{42};
  EXPECT_EQ(ours->data()[7], std::byte{42});
}

TEST_F(NativeMemory, IsReadOnlyIfTheFileIs) {
  const base::UniqueFd fd = dma_buf(record, memory.get(), false);
  EXPECT_TRUE(base::Mapping::map_shared(fd.get(), 0, 4096, PROT_READ));
  const auto writable = base::Mapping::map_shared(fd.get(), 0, 4096, PROT_READ | PROT_WRITE);
  ASSERT_FALSE(writable);
  EXPECT_EQ(writable.error().negated(), -EACCES);
}

TEST_F(NativeMemory, LivesAsLongAsItsMappings) {
  base::UniqueFd fd = dma_buf(record, memory.get());
  {
    const auto mapping = base::Mapping::map_shared(fd.get(), 0, 4096, PROT_READ);
    ASSERT_TRUE(mapping);
    fd.reset();
    registry->sweep();
    EXPECT_FALSE(record.closed);
  }
  EXPECT_EQ(events(registry->fd()), POLLIN);
  registry->sweep();
  EXPECT_TRUE(record.closed);
}

TEST_F(NativeMemory, ExportedTwiceIsOneFile) {
  base::UniqueFd first = dma_buf(record, memory.get());
  base::UniqueFd second = dma_buf(again, memory.get());
  EXPECT_TRUE(again.closed) << "the first goes on for both";
  EXPECT_EQ(registry->find(first.get()), registry->find(second.get()));
  first.reset();
  registry->sweep();
  EXPECT_FALSE(record.closed);
  second.reset();
  registry->sweep();
  EXPECT_TRUE(record.closed);
  EXPECT_EQ(registry->size(), 0u);
}

TEST_F(NativeMemory, ManyClosedAtOnceAreAllNoticed) {
  // inotify folds equal events into one.
  std::vector<base::UniqueFd> fds;
  fds.push_back(dma_buf(records[0], memory.get()));
  for (int i = 1; i < 4; ++i) fds.push_back(dma_buf(records[i], memory.get()));
  fds.clear();
  registry->sweep();
  EXPECT_TRUE(records[0].closed);
}

}  // namespace
}  // namespace fakegpu::drv
