/* SPDX-License-Identifier: MIT */
/*
 * An unmodified program that passes syncobjs and fences by descriptor, with libdrm alone. It only
 * works under `fakegpu run`, or with a kernel driver.
 *
 *   descriptor_client MODE [NODE]   NODE: else $FAKEGPU_DEVICE
 *
 * Exit status 0 if all was right, else it says what was not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

#include <fakegpu_drm.h>

enum { kThreads = 4, kTurns = 25, kNobodysHandle = 4711 };

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "descriptor_client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void expect(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "descriptor_client: wrong: %s\n", what);
  exit(1);
}

static void expect_errno(int result, int wanted, const char* what) {
  if (result == -1 && errno == wanted) return;
  fprintf(stderr, "descriptor_client: %s: %d, errno %d instead of %d\n", what, result, errno,
          wanted);
  exit(1);
}

static int open_node(const char* node) {
  const int fd = open(node, O_RDWR | O_CLOEXEC);
  must(fd, node);
  return fd;
}

static uint32_t make_syncobj(int fd, uint32_t flags) {
  uint32_t handle = 0;
  must(drmSyncobjCreate(fd, flags, &handle), "drmSyncobjCreate");
  return handle;
}

static int is_signaled(int fd, uint32_t handle) {
  return drmSyncobjWait(fd, &handle, 1, 0, 0, NULL) == 0;
}

/* Through a descriptor to another handle of the same syncobj. */
static void share(int fd) {
  const uint32_t first = make_syncobj(fd, 0);
  uint32_t second = 0;
  int syncobj = -1;
  must(drmSyncobjHandleToFD(fd, first, &syncobj), "drmSyncobjHandleToFD");
  expect(syncobj >= 0 && fcntl(syncobj, F_GETFD) == FD_CLOEXEC, "a descriptor with close-on-exec");
  must(drmSyncobjFDToHandle(fd, syncobj, &second), "drmSyncobjFDToHandle");
  expect(second != first, "another handle");
  must(drmSyncobjSignal(fd, &first, 1), "drmSyncobjSignal");
  expect(is_signaled(fd, second), "both handles have the fence");
  must(drmSyncobjDestroy(fd, first), "drmSyncobjDestroy");
  must(drmSyncobjDestroy(fd, second), "drmSyncobjDestroy");
  must(close(syncobj), "close");
}

static int export_fence(int fd) {
  const uint32_t handle = make_syncobj(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
  int fence = -1;
  must(drmSyncobjExportSyncFile(fd, handle, &fence), "drmSyncobjExportSyncFile");
  must(drmSyncobjDestroy(fd, handle), "drmSyncobjDestroy");
  return fence;
}

/* A fence outlives its syncobj, polls readable, tells about itself and merges. */
static void use_fence(int fd) {
  const int fence = export_fence(fd);
  struct pollfd readable = {.fd = fence, .events = POLLIN};
  struct sync_file_info info = {.name = ""};
  struct sync_merge_data merge = {.name = "both", .fd2 = export_fence(fd)};
  expect(poll(&readable, 1, 60000) == 1 && readable.revents == POLLIN, "a fence that polls");
  must(ioctl(fence, SYNC_IOC_FILE_INFO, &info), "SYNC_IOC_FILE_INFO");
  expect(info.status == 1 && info.num_fences == 1, "the fence's state");
  must(ioctl(fence, SYNC_IOC_MERGE, &merge), "SYNC_IOC_MERGE");
  expect(merge.fence >= 0 && merge.fence != merge.fd2, "a merged fence");
  memset(&info, 0, sizeof info);
  must(ioctl(merge.fence, SYNC_IOC_FILE_INFO, &info), "SYNC_IOC_FILE_INFO of the merged");
  expect(strcmp(info.name, "both") == 0 && info.status == 1, "the merged fence's name and state");
  must(close(merge.fence), "close");
  must(close(merge.fd2), "close");
  merge.fd2 = fd;
  expect_errno(ioctl(fence, SYNC_IOC_MERGE, &merge), ENOENT, "a merge with the device");
  merge.fd2 = -1;
  expect_errno(ioctl(fence, SYNC_IOC_MERGE, &merge), ENOENT, "a merge with nothing");
  must(close(fence), "close");
}

static void send_descriptor(int socket, int fd) {
  char byte = 0;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.bytes = {0}};
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  must(sendmsg(socket, &message, 0), "sendmsg");
}

static int receive_descriptor(int socket) {
  char byte;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  int fd = -1;
  must(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "recvmsg");
  memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
  return fd;
}

/* A fence goes to another process, which has the device open by itself. */
static void pass(const char* node) {
  int sockets[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
  const pid_t child = fork();
  must(child, "fork");
  const int fd = open_node(node);
  if (child != 0) {
    int status = -1;
    send_descriptor(sockets[0], export_fence(fd));
    must(waitpid(child, &status, 0), "waitpid");
    expect(status == 0, "the other process's end");
    return;
  }
  const uint32_t handle = make_syncobj(fd, 0);
  const int fence = receive_descriptor(sockets[1]);
  struct pollfd readable = {.fd = fence, .events = POLLIN};
  expect(poll(&readable, 1, 60000) == 1 && readable.revents == POLLIN, "a fence that polls");
  expect(!is_signaled(fd, handle), "an empty syncobj");
  must(drmSyncobjImportSyncFile(fd, handle, fence), "drmSyncobjImportSyncFile");
  expect(is_signaled(fd, handle), "the fence that was passed");
  exit(0);
}

static void* share_often(void* fd) {
  for (int i = 0; i < kTurns; ++i) {
    share(*(int*)fd);
    use_fence(*(int*)fd);
  }
  return NULL;
}

static void in_threads(int fd) {
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, share_often, &fd);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
}

static void in_child(int fd) {
  int status = -1;
  const pid_t child = fork();
  must(child, "fork");
  if (child == 0) {
    share(fd);
    exit(0);
  }
  must(waitpid(child, &status, 0), "waitpid");
  expect(status == 0, "the child's end");
}

static void check_errors(int fd) {
  struct drm_syncobj_handle arg = {.handle = kNobodysHandle};
  const unsigned long command = DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD;
  struct rlimit limit, none;
  int last;
  expect_errno(ioctl(fd, command, &arg), EINVAL, "a bad handle");
  arg.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
  expect_errno(ioctl(fd, command, &arg), ENOENT, "a fence of a bad handle");
  arg.flags = 1u << 31;
  expect_errno(ioctl(fd, command, &arg), EINVAL, "an unknown flag");
  expect_errno(ioctl(fd, command, NULL), EFAULT, "a bad pointer");
  expect_errno(ioctl(-1, command, &arg), EBADF, "a bad descriptor");
  expect_errno(ioctl(STDERR_FILENO, command, &arg), ENOTTY, "a descriptor of another file");

  /* A struct that can be read and not written costs no descriptor. */
  struct drm_syncobj_handle* const fixed =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *fixed = (struct drm_syncobj_handle){.handle = make_syncobj(fd, 0)};
  must(mprotect(fixed, 4096, PROT_READ), "mprotect");
  last = dup(fd);
  must(close(last), "close");
  expect_errno(ioctl(fd, command, fixed), EFAULT, "a struct that cannot be written");
  expect(dup(fd) == last, "no descriptor more than before");
  must(close(last), "close");

  must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  none = limit;
  none.rlim_cur = (rlim_t)last;
  must(setrlimit(RLIMIT_NOFILE, &none), "setrlimit");
  /* The device asks for the number before it looks at a fence's handle, and after it at a
   * syncobj's. */
  arg = (struct drm_syncobj_handle){.handle = kNobodysHandle};
  expect_errno(ioctl(fd, command, &arg), EINVAL, "a bad handle and no room");
  arg.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
  expect_errno(ioctl(fd, command, &arg), EMFILE, "a fence of a bad handle and no room");
  arg = *fixed;
  expect_errno(ioctl(fd, command, &arg), EMFILE, "no room");
  must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  must(ioctl(fd, command, &arg), "with room again");
  expect(arg.fd == last, "the lowest number");
}

/* The calls that give a descriptor, each on what it needs. */
enum { kHandleToFd, kExportFence, kPrime, kMerge, kDmaBufFence, kGivers };

struct objects {
  int device;
  uint32_t syncobj;
  uint32_t bo;
  int fence;
  int dma_buf;
};

/* The descriptor, as ioctl() gave it; `fd` else stays what it was. */
static int call_giver(const struct objects* on, int giver, int* fd) {
  struct drm_syncobj_handle syncobj = {.handle = on->syncobj, .fd = *fd};
  struct drm_prime_handle prime = {.handle = on->bo, .flags = DRM_CLOEXEC, .fd = *fd};
  struct sync_merge_data merge = {.name = "both", .fd2 = on->fence, .fence = *fd};
  struct dma_buf_export_sync_file fences = {.flags = DMA_BUF_SYNC_RW, .fd = *fd};
  int result;
  switch (giver) {
    case kExportFence:
      syncobj.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
      /* fallthrough */
    case kHandleToFd:
      result = ioctl(on->device, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &syncobj);
      *fd = syncobj.fd;
      return result;
    case kPrime:
      result = ioctl(on->device, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
      *fd = prime.fd;
      return result;
    case kMerge:
      result = ioctl(on->fence, SYNC_IOC_MERGE, &merge);
      *fd = merge.fence;
      return result;
    default:
      result = ioctl(on->dma_buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &fences);
      *fd = fences.fd;
      return result;
  }
}

/* No number is left, then one. */
static void fill_table(int device) {
  struct objects on = {.device = device};
  struct drm_fakegpu_bo_create bo = {.size = 4096, .flags = DRM_FAKEGPU_BO_SHAREABLE};
  struct rlimit limit, full;
  on.syncobj = make_syncobj(device, DRM_SYNCOBJ_CREATE_SIGNALED);
  on.fence = export_fence(device);
  must(drmIoctl(device, DRM_IOCTL_FAKEGPU_BO_CREATE, &bo), "BO_CREATE");
  on.bo = bo.handle;
  must(drmPrimeHandleToFD(device, on.bo, DRM_CLOEXEC | DRM_RDWR, &on.dma_buf), "export");
  const int next = dup(device);
  must(close(next), "close");
  must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  full = limit;
  for (int giver = 0; giver < kGivers; ++giver) {
    int fd = 4712;
    full.rlim_cur = (rlim_t)next;
    must(setrlimit(RLIMIT_NOFILE, &full), "setrlimit");
    expect_errno(call_giver(&on, giver, &fd), EMFILE, "no room");
    expect(fd == 4712, "a struct that is left alone");
    full.rlim_cur = (rlim_t)next + 1;
    must(setrlimit(RLIMIT_NOFILE, &full), "setrlimit");
    must(call_giver(&on, giver, &fd), "with room for one");
    expect(fd == next, "the lowest number");
    expect_errno(call_giver(&on, giver, &fd), EMFILE, "no room again");
    must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    must(close(next), "close");
  }
}

/* Memory to another open file. A CUSE node's descriptors have no mmap. */
static void prime(int fd, const char* node) {
  struct drm_fakegpu_bo_create bo = {.size = 8192, .flags = DRM_FAKEGPU_BO_SHAREABLE};
  must(drmIoctl(fd, DRM_IOCTL_FAKEGPU_BO_CREATE, &bo), "BO_CREATE");
  int memory = -1;
  must(drmPrimeHandleToFD(fd, bo.handle, DRM_CLOEXEC | DRM_RDWR, &memory), "drmPrimeHandleToFD");
  expect(fcntl(memory, F_GETFD) == FD_CLOEXEC, "a descriptor with close-on-exec");
  char* const mine = mmap(NULL, bo.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (mine == MAP_FAILED) {
    expect(errno == ENODEV, "memory, or none to map");
  } else {
    mine[bo.size - 1] = 42;
    expect(lseek(memory, 0, SEEK_END) == (off_t)bo.size, "its size");
  }
  const int other = open_node(node);
  uint32_t imported = 0;
  must(drmPrimeFDToHandle(other, memory, &imported), "drmPrimeFDToHandle");
  struct drm_fakegpu_bo_info info = {.handle = imported};
  must(drmIoctl(other, DRM_IOCTL_FAKEGPU_BO_INFO, &info), "BO_INFO");
  expect(info.size == bo.size, "the same BO");
  struct pollfd idle = {memory, POLLIN | POLLOUT, 0};
  expect(poll(&idle, 1, 0) == 1, "a BO that nobody uses is ready");
  int again = -1;
  expect_errno(drmPrimeHandleToFD(fd, kNobodysHandle, DRM_CLOEXEC, &again), ENOENT,
               "a handle that is none");
  close(other);
  close(memory);
}

int main(int argc, char** argv) {
  const char* const node = argc > 2 ? argv[2] : getenv("FAKEGPU_DEVICE");
  const char* const mode = argc > 1 ? argv[1] : "";
  if (node == NULL) return 2;
  const int fd = open_node(node);
  if (strcmp(mode, "share") == 0) {
    share(fd);
  } else if (strcmp(mode, "fence") == 0) {
    use_fence(fd);
  } else if (strcmp(mode, "pass") == 0) {
    pass(node);
  } else if (strcmp(mode, "threads") == 0) {
    in_threads(fd);
  } else if (strcmp(mode, "fork") == 0) {
    in_child(fd);
  } else if (strcmp(mode, "prime") == 0) {
    prime(fd, node);
  } else if (strcmp(mode, "full") == 0) {
    fill_table(fd);
  } else if (strcmp(mode, "errors") == 0) {
    check_errors(fd);
  } else {
    return 2;
  }
  return 0;
}
