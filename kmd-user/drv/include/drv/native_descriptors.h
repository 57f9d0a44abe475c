// SPDX-License-Identifier: MIT
// Open files of the driver as descriptors of the kernel's own, for clients that reach the driver by
// a library call or a socket: the kernel then needs no part in it. A sync_file, syncobj or sw_sync
// is the read end of a pipe, which has a byte in it when File::poll() says POLLIN; when this
// process dies it polls POLLHUP. A dma-buf (File::pages()) is its memory, opened again.
//
// Which file a descriptor stands for is told by its inode, which a client can neither make nor
// choose, wherever the descriptor has been: dup(), fork(), SCM_RIGHTS. A file is closed when the
// last such descriptor, or mapping, anywhere is gone. Real counterpart: struct file's count.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/ref.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "drv/file.h"

namespace fakegpu::drv {

class MemoryWatch;

// Of one machine. Any thread. Goes before the machine does, and closes what is left.
class NativeDescriptors {
 public:
  // What one client holds. Each file counts until it is closed, wherever its descriptors went.
  class Share final : public base::RefCounted {
   private:
    friend class NativeDescriptors;
    unsigned held_ = 0;
  };

  // At most `total` files, and `each` in one share. `total` is cut to a half of the descriptors
  // that this process may have (RLIMIT_NOFILE): each file costs one.
  static base::Result<std::unique_ptr<NativeDescriptors>> create(unsigned total, unsigned each);
  ~NativeDescriptors();

  // The file behind a descriptor, kept while this is held; nullptr: it is none of ours. Asks nobody
  // but the kernel.
  std::shared_ptr<File> find(int fd);

  // Polls readable when sweep() has something to do. Without inotify it knows of pipes only: then
  // dma-bufs are looked at whenever another file is made.
  int fd() const { return events_.get(); }
  // Closes the files that have no descriptor left. In the calling thread, as the kernel does.
  void sweep();

  size_t size();

 private:
  friend class NativeCall;

  struct Inode {
    ino_t number;
    dev_t device;
    // Inode numbers of pipes are 32 bits and may come again; a client's own are the client's.
    uid_t owner;
    auto operator<=>(const Inode&) const = default;
  };
  static bool inode_of(int fd, Inode& out);

  struct Entry {
    std::shared_ptr<File> file;
    base::Ref<Share> share;
    // The pipe's write end, which a waker may use to the last; or our own opening of the memory.
    std::shared_ptr<base::UniqueFd> end;
    bool memory = false;
    int watch = -1;  // of memory, in MemoryWatch; -1: it is not told of
  };
  using Entries = std::map<Inode, Entry>;

  NativeDescriptors(base::UniqueFd events, unsigned total, unsigned each);

  // One file more for `share`: 0 or -EMFILE.
  int charge(Share& share);
  void release(Share& share);
  // What was charged for becomes `file`. The caller holds the read end, or `opened`.
  void add_pipe(const std::shared_ptr<File>& file, Share& share, int read_end,
                base::UniqueFd write_end);
  // False: it cannot be opened again, nothing has changed.
  bool add_memory(std::shared_ptr<File> file, Share& share, const File::Backing& pages,
                  base::UniqueFd& opened);

  void remove(Entries::iterator entry, std::vector<Entry>& removed) REQUIRES(mutex_);
  void sweep_pipes(std::vector<Entry>& removed) REQUIRES(mutex_);
  void sweep_memory(std::vector<Entry>& removed) REQUIRES(mutex_);
  void sweep_watched(int watch, std::vector<Entry>& removed) REQUIRES(mutex_);

  const base::UniqueFd events_;  // epoll: the write ends, and the watch
  const unsigned total_;
  const unsigned each_;
  base::Mutex mutex_;
  unsigned held_ GUARDED_BY(mutex_) = 0;
  Entries entries_ GUARDED_BY(mutex_);
  // Made with the first memory, which is listed by what tells of it.
  std::unique_ptr<MemoryWatch> watch_ GUARDED_BY(mutex_);
  std::multimap<int, Inode> memories_ GUARDED_BY(mutex_);
};

// The descriptors of one call, in this process's own table.
class NativeCall : public Descriptors {
 public:
  NativeCall(NativeDescriptors& registry, NativeDescriptors::Share& share)
      : registry_(registry), share_(share) {}
  // What was reserved, or installed and not released, is closed.
  ~NativeCall() override;

  TakenFd take(int32_t fd) override;
  // -EMFILE or -ENFILE: what the kernel says, or the bounds.
  int reserve(bool close_on_exec) override;
  int32_t install(std::unique_ptr<File> file) override;

  // The descriptor that the call has given, if any: the caller's from now on.
  base::UniqueFd release() { return std::move(given_); }

 protected:
  // As take(), of a descriptor that is this object's.
  TakenFd take_owned(base::UniqueFd fd);

 private:
  // Of a reservation: -error.
  int give_up(int error);

  NativeDescriptors& registry_;
  NativeDescriptors::Share& share_;
  std::shared_ptr<File> taken_;
  bool reserved_ = false;
  bool close_on_exec_ = true;
  base::UniqueFd given_;
  base::UniqueFd write_end_;
  // Numbers for what add_memory() opens, so that reserve() finds out whether there are any.
  base::UniqueFd spare_[3];
};

}  // namespace fakegpu::drv
