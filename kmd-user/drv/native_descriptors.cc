// SPDX-License-Identifier: MIT
#include "drv/native_descriptors.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "ioctl/passing.h"
#include "memory_watch.h"
#include "pipe_signal.h"

namespace fakegpu::drv {

namespace {

// Why epoll reports something: a pipe's inode, or this.
constexpr uint64_t kWatch = UINT64_MAX;

unsigned half_of_the_descriptors() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur / 2, UINT32_MAX));
}

}  // namespace

base::Result<std::unique_ptr<NativeDescriptors>> NativeDescriptors::create(unsigned total,
                                                                           unsigned each) {
  base::UniqueFd events(::epoll_create1(EPOLL_CLOEXEC));
  if (!events) return base::fail_errno("epoll_create1");
  return std::unique_ptr<NativeDescriptors>(new NativeDescriptors(std::move(events), total, each));
}

NativeDescriptors::NativeDescriptors(base::UniqueFd events, unsigned total, unsigned each)
    : events_(std::move(events)), total_(std::min(total, half_of_the_descriptors())), each_(each) {}

NativeDescriptors::~NativeDescriptors() {
  Entries left;
  {
    base::MutexLock lock(mutex_);
    left.swap(entries_);
  }
}

bool NativeDescriptors::inode_of(int fd, Inode& out) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return false;
  out = {status.st_ino, status.st_dev, status.st_uid};
  return true;
}

std::shared_ptr<File> NativeDescriptors::find(int fd) {
  Inode inode;
  if (!ioctl::may_pass(fd) || !inode_of(fd, inode)) return nullptr;
  base::MutexLock lock(mutex_);
  const auto found = entries_.find(inode);
  return found == entries_.end() ? nullptr : found->second.file;
}

size_t NativeDescriptors::size() {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

int NativeDescriptors::charge(Share& share) {
  bool full;
  {
    base::MutexLock lock(mutex_);
    full = held_ >= total_ || share.held_ >= each_;
  }
  if (full) sweep();
  base::MutexLock lock(mutex_);
  if (held_ >= total_ || share.held_ >= each_) return -EMFILE;
  ++held_;
  ++share.held_;
  return 0;
}

void NativeDescriptors::release(Share& share) {
  base::MutexLock lock(mutex_);
  --held_;
  --share.held_;
}

void NativeDescriptors::add_pipe(const std::shared_ptr<File>& file, Share& share, int read_end,
                                 base::UniqueFd write_end) {
  auto end = std::make_shared<base::UniqueFd>(std::move(write_end));
  Inode inode = {};
  inode_of(read_end, inode);
  {
    base::MutexLock lock(mutex_);
    // No events asked for: an error is reported anyway, and it is the last reader's leaving.
    epoll_event event = {.events = 0, .data = {.u64 = inode.number}};
    ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, end->get(), &event);
    entries_.insert_or_assign(inode, Entry{file, base::Ref<Share>(&share), end});
  }
  const short ready = file->poll([end] { signal_pipe(end->get()); });
  if (ready & POLLIN) signal_pipe(end->get());
}

bool NativeDescriptors::add_memory(std::shared_ptr<File> file, Share& share,
                                   const File::Backing& pages, base::UniqueFd& opened) {
  const int memory = pages.fd.get();
  std::vector<Entry> removed;
  {
    base::MutexLock lock(mutex_);
    if (!watch_) {
      watch_ = std::make_unique<MemoryWatch>();
      epoll_event event = {.events = EPOLLIN, .data = {.u64 = kWatch}};
      if (watch_->fd() >= 0) ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, watch_->fd(), &event);
    }
    sweep_memory(removed);
    Inode inode;
    base::UniqueFd own = MemoryWatch::open_again(memory);
    opened = MemoryWatch::open_for_client(memory, pages.writable);
    if (!own || !opened || !inode_of(memory, inode)) return false;
    if (entries_.contains(inode)) {
      // The same dma-buf exported again: the file that there is goes on to stand for it.
      --held_;
      --share.held_;
    } else {
      const int watch = watch_->add(memory);
      memories_.emplace(watch, inode);
      auto end = std::make_shared<base::UniqueFd>(std::move(own));
      entries_.emplace(
          inode, Entry{std::move(file), base::Ref<Share>(&share), std::move(end), true, watch});
    }
  }
  return true;
}

void NativeDescriptors::remove(Entries::iterator entry, std::vector<Entry>& removed) {
  Entry& gone = entry->second;
  --held_;
  --gone.share->held_;
  if (gone.memory) {
    const auto [first, last] = memories_.equal_range(gone.watch);
    memories_.erase(std::find_if(first, last, [&](auto& at) { return at.second == entry->first; }));
    if (gone.watch >= 0) watch_->remove(gone.watch);
  } else {
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, gone.end->get(), nullptr);
  }
  removed.push_back(std::move(gone));
  entries_.erase(entry);
}

void NativeDescriptors::sweep() {
  // Closed when the lock is released.
  std::vector<Entry> removed;
  base::MutexLock lock(mutex_);
  sweep_pipes(removed);
  if (watch_) sweep_memory(removed);
}

void NativeDescriptors::sweep_pipes(std::vector<Entry>& removed) {
  std::array<epoll_event, 64> events;
  size_t pipes;
  do {
    const int count = ::epoll_wait(events_.get(), events.data(), events.size(), 0);
    pipes = 0;
    for (const epoll_event& event : std::span(events).first(std::max(count, 0))) {
      if (event.data.u64 == kWatch) continue;
      auto found = entries_.lower_bound({.number = event.data.u64, .device = 0, .owner = 0});
      while (found != entries_.end() && found->second.memory) ++found;
      if (found == entries_.end() || found->first.number != event.data.u64) continue;
      remove(found, removed);
      ++pipes;
    }
  } while (pipes != 0);
}

void NativeDescriptors::sweep_memory(std::vector<Entry>& removed) {
  bool all;
  std::vector<int> watches = watch_->closed(all);
  if (all)
    for (const auto& memory : memories_) watches.push_back(memory.first);
  watches.push_back(-1);
  std::ranges::sort(watches);
  watches.erase(std::unique(watches.begin(), watches.end()), watches.end());
  for (const int watch : watches) sweep_watched(watch, removed);
}

void NativeDescriptors::sweep_watched(int watch, std::vector<Entry>& removed) {
  std::vector<Inode> inodes;
  const auto [first, last] = memories_.equal_range(watch);
  for (auto memory = first; memory != last; ++memory) inodes.push_back(memory->second);
  for (const Inode& inode : inodes) {
    const auto entry = entries_.find(inode);
    if (MemoryWatch::is_unused(entry->second.end->get())) remove(entry, removed);
  }
}

}  // namespace fakegpu::drv
