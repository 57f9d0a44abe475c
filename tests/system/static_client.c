/* SPDX-License-Identifier: MIT */
/*
 * A program without any library, linked statically: nothing can be put between it and the kernel by
 * LD_PRELOAD. Shares a syncobj by descriptor.
 *
 *   static_client   the node is $FAKEGPU_DEVICE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <drm.h>

int main(void) {
  const int fd = open(getenv("FAKEGPU_DEVICE"), O_RDWR);
  struct drm_syncobj_create create = {0};
  struct drm_syncobj_handle shared = {0};
  if (fd < 0 || ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create) != 0) return 1;
  shared.handle = create.handle;
  if (ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &shared) != 0 || shared.fd < 0) return 2;
  if (ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &shared) != 0) return 3;
  return shared.handle != create.handle ? 0 : 4;
}
