// SPDX-License-Identifier: MIT
#include "fence/sync_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fence/unwrap.h"

namespace fakegpu::fence {

namespace {

// As strscpy() into a field of zeros: a NUL ends the text.
SyncFile::Name cut(std::string_view text) {
  SyncFile::Name name{};
  text = text.substr(0, std::min(text.find('\0'), name.size() - 1));
  std::copy(text.begin(), text.end(), name.begin());
  return name;
}

}  // namespace

SyncFile::SyncFile(FenceRef fence, std::string_view user_name)
    : fence_(std::move(fence)), user_name_(cut(user_name)) {}

base::Ref<SyncFile> SyncFile::merge(Contexts& contexts, std::string_view user_name,
                                    const SyncFile& a, const SyncFile& b) {
  const FenceRef both[] = {a.fence_, b.fence_};
  return base::make_ref<SyncFile>(fence::merge(contexts, both), user_name);
}

SyncFile::Name SyncFile::name() const {
  if (user_name_[0] != '\0') return user_name_;
  return cut(fmt::format("{}-{}{}-{}", fence_->driver_name(), fence_->timeline_name(),
                         fence_->context(), static_cast<int64_t>(fence_->seqno())));
}

int SyncFile::info(uint32_t capacity, Info& out) const {
  Info info;
  info.name = name();
  info.status = 1;
  Unwrap leaves(fence_);
  while (Fence* leaf = leaves.next()) {
    ++info.num_fences;
    if (capacity == 0) continue;
    if (info.num_fences > capacity) return -EINVAL;
    FenceInfo& each = info.fences.emplace_back();
    each.obj_name = cut(leaf->timeline_name());
    each.driver_name = cut(leaf->driver_name());
    if (leaf->is_signaled()) each.timestamp_ns = static_cast<uint64_t>(leaf->timestamp());
    each.status = leaf->status();
    if (info.status > 0) info.status = each.status;
  }
  if (capacity == 0) {
    fence_->is_signaled();
    info.status = fence_->status();
  }
  out = std::move(info);
  return 0;
}

bool SyncFile::poll(Callback& waker) const {
  if (!waker.linked() && fence_->add_callback(waker) != 0) return true;
  return fence_->is_signaled();
}

}  // namespace fakegpu::fence
