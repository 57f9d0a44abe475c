/* SPDX-License-Identifier: MIT */
/*
 * A program that knows nothing of libdrm_fakegpu: open(), ioctl(), libdrm's drmIoctl() and the uAPI
 * header. Without mmap it cannot write packets, so its jobs are fences in the context's order.
 *
 *   plain_client NODE submit   submits jobs, waits for them and checks what the driver counted
 *   plain_client NODE wait     waits for ever; prints "waiting" before and the wait's errno after
 *   plain_client NODE eventfd  has an eventfd signalled by a syncobj, and others refused
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xf86drm.h>

#include <fakegpu_drm.h>

enum { kJobs = 3 };

/* struct drm_syncobj_eventfd, which not every libdrm has. */
struct syncobj_eventfd {
  uint32_t handle;
  uint32_t flags;
  uint64_t point;
  int32_t fd;
  uint32_t pad;
};
#define SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct syncobj_eventfd)

static void must(int result, const char* what) {
  if (result == 0) return;
  fprintf(stderr, "plain_client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void expect(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "plain_client: wrong: %s\n", what);
  exit(1);
}

static uint32_t make_syncobj(int fd) {
  struct drm_syncobj_create create = {0};
  must(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), "SYNCOBJ_CREATE");
  return create.handle;
}

static void check_version(int fd) {
  char name[16] = "";
  struct drm_version version = {.name = name, .name_len = sizeof(name) - 1};
  must(drmIoctl(fd, DRM_IOCTL_VERSION, &version), "VERSION");
  expect(strcmp(name, "fakegpu") == 0, "name");
}

static void check_memory(int fd) {
  struct drm_fakegpu_bo_create bo = {.size = 10000, .heap = DRM_FAKEGPU_HEAP_VRAM};
  struct drm_fakegpu_bo_info info = {0};
  struct drm_gem_close close = {0};
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_BO_CREATE, &bo), "BO_CREATE");
  info.handle = bo.handle;
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_BO_INFO, &info), "BO_INFO");
  expect(info.size == 12288, "size of the BO");
  close.handle = bo.handle;
  must(drmIoctl(fd, DRM_IOCTL_GEM_CLOSE, &close), "GEM_CLOSE");
}

static void check_events(int fd, uint32_t context) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  struct drm_fakegpu_event_fence event;
  for (int i = 0; i < kJobs; ++i) {
    expect(poll(&readable, 1, 60000) == 1, "poll");
    expect(read(fd, &event, sizeof event) == sizeof event, "read");
    expect(event.user_data == 100u + i && event.ctx_id == context && event.error == 0, "event");
  }
}

static int submit(int fd) {
  struct drm_fakegpu_vm_create vm = {0};
  struct drm_fakegpu_ctx_create context = {0};
  struct drm_fakegpu_ctx_query query = {0};
  uint32_t done = make_syncobj(fd);
  uint64_t last = kJobs;

  check_version(fd);
  check_memory(fd);
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_VM_CREATE, &vm), "VM_CREATE");
  context.vm_id = vm.vm_id;
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_CTX_CREATE, &context), "CTX_CREATE");
  for (int i = 0; i < kJobs; ++i) {
    struct drm_fakegpu_sync out = {.handle = done, .point = i + 1};
    struct drm_fakegpu_sync in = {.handle = done, .point = i};
    struct drm_fakegpu_submit job = {.ctx_id = context.ctx_id,
                                     .flags = DRM_FAKEGPU_SUBMIT_EVENT,
                                     .in_sync_count = i == 0 ? 0 : 1,
                                     .out_sync_count = 1,
                                     .in_syncs = (uintptr_t)&in,
                                     .out_syncs = (uintptr_t)&out,
                                     .user_data = 100 + i};
    must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_SUBMIT, &job), "SUBMIT");
    expect(job.seqno == i + 1u, "seqno");
  }
  struct drm_syncobj_timeline_wait timeline = {.handles = (uintptr_t)&done,
                                               .points = (uintptr_t)&last,
                                               .timeout_nsec = INT64_MAX,
                                               .count_handles = 1};
  must(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &timeline), "SYNCOBJ_TIMELINE_WAIT");
  struct drm_syncobj_wait wait = {
      .handles = (uintptr_t)&done, .timeout_nsec = INT64_MAX, .count_handles = 1};
  must(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait), "SYNCOBJ_WAIT");
  query.ctx_id = context.ctx_id;
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_CTX_QUERY, &query), "CTX_QUERY");
  expect(query.jobs_submitted == kJobs && query.jobs_completed == kJobs, "jobs counted");
  check_events(fd, context.ctx_id);
  puts("done");
  return 0;
}

static int wait_for_ever(int fd) {
  uint32_t never = make_syncobj(fd);
  struct drm_syncobj_wait wait = {.handles = (uintptr_t)&never,
                                  .timeout_nsec = INT64_MAX,
                                  .count_handles = 1,
                                  .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT};
  puts("waiting");
  fflush(stdout);
  int result = ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
  printf("%d\n", result == 0 ? 0 : errno);
  return 0;
}

static int signal_eventfd(int fd) {
  int counter = eventfd(0, EFD_CLOEXEC);
  must(counter < 0, "eventfd");
  struct syncobj_eventfd event = {.handle = make_syncobj(fd), .fd = fd};
  expect(drmIoctl(fd, SYNCOBJ_EVENTFD, &event) == -1 && errno == EINVAL, "errno of the node");
  event.fd = -1;
  expect(drmIoctl(fd, SYNCOBJ_EVENTFD, &event) == -1 && errno == EBADF, "errno of nothing");
  event.fd = counter;
  must(drmIoctl(fd, SYNCOBJ_EVENTFD, &event), "SYNCOBJ_EVENTFD");
  struct drm_syncobj_array all = {.handles = (uintptr_t)&event.handle, .count_handles = 1};
  must(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &all), "SYNCOBJ_SIGNAL");
  eventfd_t value = 0;
  must(eventfd_read(counter, &value), "read");
  expect(value == 1, "value");
  puts("signalled");
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int fd = open(argv[1], O_RDWR | O_CLOEXEC);
  must(fd < 0, argv[1]);
  if (strcmp(argv[2], "submit") == 0) return submit(fd);
  if (strcmp(argv[2], "wait") == 0) return wait_for_ever(fd);
  if (strcmp(argv[2], "eventfd") == 0) return signal_eventfd(fd);
  return 2;
}
