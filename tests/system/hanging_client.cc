// SPDX-License-Identifier: MIT
// A program that knows nothing of `fakegpu run` and merges a fence with a file of a FUSE server
// that never answers: refused, as by the kernel, and without asking that server.
//
//   hanging_client   on $FAKEGPU_DEVICE; exit status 77: the machine lacks something
#include <fcntl.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xf86drm.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "../support/hanging_file.h"

namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "hanging_client: %s\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  if (const char* lacking = fakegpu::support::HangingFile::lacking()) {
    std::printf("machine lacks %s\n", lacking);
    return 77;
  }
  const char* const node = std::getenv("FAKEGPU_DEVICE");
  must(node != nullptr, "no $FAKEGPU_DEVICE");
  const int fd = ::open(node, O_RDWR | O_CLOEXEC);
  must(fd >= 0, node);
  uint32_t handle = 0;
  int fence = -1;
  must(drmSyncobjCreate(fd, DRM_SYNCOBJ_CREATE_SIGNALED, &handle) == 0, "drmSyncobjCreate");
  must(drmSyncobjExportSyncFile(fd, handle, &fence) == 0, "drmSyncobjExportSyncFile");
  const fakegpu::support::HangingFile file;
  for (int i = 0; i < 3; ++i) {
    sync_merge_data merge = {"both", file.fd(), -1, 0, 0};
    must(::ioctl(fence, SYNC_IOC_MERGE, &merge) == -1 && errno == ENOENT, "a merge with the file");
    must(drmSyncobjImportSyncFile(fd, handle, file.fd()) != 0 && errno == EINVAL,
         "an import of the file");
  }
  must(file.asked() == 0, "the server was asked");
  return 0;
}
