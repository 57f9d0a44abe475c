// SPDX-License-Identifier: MIT
// The hold that a joined connection has on an open file of somebody else: a client of /dev/fakegpu
// joins its file over the socket to be given descriptors. The file may be closed at any time, from
// any thread; that ends the connection.
#pragma once

#include <utility>

#include "base/mutex.h"
#include "base/ref.h"
#include "drv/file.h"
#include "socket_sender.h"

namespace fakegpu::cuse_dev {

class ChannelLink final : public base::RefCounted {
 public:
  // `file` must not be closed before this returns.
  static base::Ref<ChannelLink> join(drv::File& file, base::Ref<SocketSender> sender);

  // Calls `use` with the file, which stays open meanwhile; with nullptr if it is closed.
  template <typename Use>
  void with_file(Use&& use) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    std::forward<Use>(use)(file_);
  }

  // The connection is gone: the file forgets about it.
  void leave() EXCLUDES(mutex_);

 private:
  template <typename T, typename... Args>
  friend base::Ref<T> base::make_ref(Args&&... args);
  ChannelLink(drv::File& file, base::Ref<SocketSender> sender)
      : sender_(std::move(sender)), file_(&file) {}

  void file_closed() EXCLUDES(mutex_);

  const base::Ref<SocketSender> sender_;
  // Held while the file is in use, so that closing it waits. Taken before the device's lock.
  base::Mutex mutex_;
  drv::File* file_ GUARDED_BY(mutex_);
};

}  // namespace fakegpu::cuse_dev
