// SPDX-License-Identifier: MIT
#include "backing_table.h"

namespace fakegpu::cuse_dev {

base::Result<drv::File*> BackingTable::sibling(uint64_t node, uid_t uid) const {
  const auto inode = inodes_.find(node);
  if (inode == inodes_.end()) return nullptr;
  if (inode->second.uid != uid)
    return base::fail(EBUSY, "node {} is open by user {}, and its memory is not for user {}", node,
                      inode->second.uid, uid);
  return *inode->second.files.begin();
}

base::Result<int32_t> BackingTable::add(uint64_t node, uid_t uid, drv::File& file) {
  auto inode = inodes_.find(node);
  if (inode == inodes_.end()) {
    auto pages = file.pages();
    if (!pages) return tl::unexpected(std::move(pages).error());
    auto id = register_(pages->fd.get());
    if (!id) return id;
    inode = inodes_.emplace(node, Inode{*id, uid, {}}).first;
  }
  inode->second.files.insert(&file);
  return inode->second.backing_id;
}

void BackingTable::remove(uint64_t node, drv::File& file) {
  const auto inode = inodes_.find(node);
  if (inode == inodes_.end() || inode->second.files.erase(&file) == 0) return;
  if (!inode->second.files.empty()) return;
  unregister_(inode->second.backing_id);
  inodes_.erase(inode);
}

}  // namespace fakegpu::cuse_dev
