// SPDX-License-Identifier: MIT
#include "channel_link.h"

namespace fakegpu::cuse_dev {

base::Ref<ChannelLink> ChannelLink::join(drv::File& file, base::Ref<SocketSender> sender) {
  auto link = base::make_ref<ChannelLink>(file, std::move(sender));
  file.on_close(link.get(), [link] { link->file_closed(); });
  return link;
}

void ChannelLink::file_closed() {
  {
    base::MutexLock lock(mutex_);
    file_ = nullptr;
  }
  sender_->abort();
}

void ChannelLink::leave() {
  base::MutexLock lock(mutex_);
  if (file_ != nullptr) file_->cancel_on_close(this);
  file_ = nullptr;
}

}  // namespace fakegpu::cuse_dev
