// SPDX-License-Identifier: MIT
#include "fuse_directory.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

namespace fakegpu::cuse_dev {
namespace {

struct FuseFile {
  const char* name;
  NodeKind kind;
};
// Those of one directory as of /dev and /dev/dri.
constexpr FuseFile kFiles[] = {{FuseDirectory::kFileName, NodeKind::kRender},
                               {"card0", NodeKind::kPrimary},
                               {"renderD128", NodeKind::kRender},
                               {"sw_sync", NodeKind::kSwSync}};
// A file's place in kFiles is the low part of all its nodes.
constexpr fuse_ino_t kNodeStep = std::size(kFiles);
constexpr size_t place_of(fuse_ino_t node) {
  return node % kNodeStep;
}
constexpr ino_t kFirstInode = FUSE_ROOT_ID + 1;  // as stat shows it; nodes differ by lookup

}  // namespace

NodeKind FuseDirectory::kind(fuse_ino_t node) {
  return kFiles[place_of(node)].kind;
}

struct stat FuseDirectory::attributes(fuse_ino_t node) const {
  struct stat status = {};
  if (const FdNames::Node* named = names_.find(node)) {
    status.st_ino = node;
    status.st_mode = S_IFREG | 0600;
    status.st_nlink = 1;
    status.st_uid = named->uid;
    status.st_gid = named->gid;
    status.st_size = static_cast<off_t>(named->bytes);
    return status;
  }
  const bool root = node == FUSE_ROOT_ID;
  status.st_ino = root ? FUSE_ROOT_ID : kFirstInode + place_of(node);
  status.st_mode = root ? S_IFDIR | 0755 : S_IFREG | mode_;
  status.st_nlink = root ? 2 : 1;
  status.st_uid = geteuid();
  status.st_gid = getegid();
  return status;
}

fuse_ino_t FuseDirectory::look_up(const char* name, uid_t uid, gid_t gid) {
  const fuse_ino_t fresh = ++lookups_ * kNodeStep;
  const auto file = std::ranges::find_if(
      kFiles, [name](const FuseFile& known) { return std::strcmp(name, known.name) == 0; });
  if (file != std::end(kFiles)) return fresh + static_cast<fuse_ino_t>(file - kFiles);
  return names_.look_up(name, uid, gid, fresh);
}

size_t FuseDirectory::list(fuse_req_t request, std::span<char> buffer, off_t offset) const {
  const struct stat directory = attributes(FUSE_ROOT_ID);
  std::vector<std::pair<const char*, struct stat>> entries = {{".", directory}, {"..", directory}};
  for (size_t place = 0; place < std::size(kFiles); ++place)
    entries.emplace_back(kFiles[place].name, attributes(kNodeStep + place));
  size_t used = 0;
  for (size_t i = static_cast<size_t>(std::max<off_t>(offset, 0)); i < entries.size(); ++i) {
    const auto rest = buffer.subspan(used);
    const size_t size = fuse_add_direntry(request, rest.data(), rest.size(), entries[i].first,
                                          &entries[i].second, static_cast<off_t>(i + 1));
    if (size > rest.size()) break;
    used += size;
  }
  return used;
}

}  // namespace fakegpu::cuse_dev
