/* SPDX-License-Identifier: MIT */
/*
 * A client with libdrm_fakegpu, for every transport.
 *
 * library_client WHERE MODE, with MODE one of
 *
 * - wait: waits for ever; prints "waiting" before and the wait's errno after
 * - seqno: the same for the seqno of a job of nine seconds
 * - access: the same for access to a dma-buf with a fence of sw_sync
 * - busy: prints "busy" and stays so until it is killed
 * - fill: lets the GPU write memory that the CPU then reads; prints "filled"
 * - high: prints the errno of asking for high priority, twice
 * - flood: waits for room for one short job after the other, until it is killed; prints "flooding"
 * - policy: prints the errno of changing the policy of all rings and of one
 * - poll: polls the sync_file of a job of nine seconds; prints "polling" before and what poll()
 * said after
 *
 * seqno takes short waits, so that it nearly always sleeps on the fence page. busy has memory,
 * mappings, running and queued jobs and pending waits. high first asks for a context that is
 * created with the priority, then for one that is given it later.
 */
#include <errno.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fakegpu/fakegpu.h>

/* drivers/dma-buf/sw_sync.c: no header has it. */
struct sw_sync_create_fence_data {
  uint32_t value;
  char name[32];
  int32_t fence;
};
#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)

enum { kJobs = 40, kWaiters = 4, kBos = 8, kBoBytes = 256 * 1024 };

/* What a mode has made it keeps to the end of the process, which closes it all. */
static struct fakegpu_device* device;
static struct fakegpu_syncobj* never;
static struct fakegpu_context* context;
static struct fakegpu_cmdbuf* packets;
static struct fakegpu_syncobj* done;
static struct fakegpu_bo* bo;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "library_client: %s: %s\n", what, strerror(-result));
  exit(1);
}

static int wait_for_ever(void) {
  return fakegpu_syncobj_wait(device, &never, 1, INT64_MAX, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
                              NULL);
}

static int wait_for_a_long_job(uint32_t ring) {
  int result;
  do {
    result = fakegpu_context_wait(context, ring, 1, fakegpu_deadline_ns(device, 500 * 1000));
  } while (result == -ETIME);
  return result;
}

/* A dma-buf that a fence keeps from being read. */
static int fenced_dma_buf(void) {
  struct sw_sync_create_fence_data fence = {.value = 1, .fence = -1};
  struct dma_buf_import_sync_file import = {.flags = DMA_BUF_SYNC_WRITE};
  int timeline, dma_buf;
  must(fakegpu_bo_create(device, 4096, 0, 0, DRM_FAKEGPU_BO_SHAREABLE, &bo), "create BO");
  must(fakegpu_bo_export(bo, &dma_buf), "export BO");
  must(fakegpu_sw_sync_open(device, &timeline), "sw_sync");
  must(fakegpu_fd_ioctl(device, timeline, SW_SYNC_IOC_CREATE_FENCE, &fence), "create fence");
  import.fd = fence.fence;
  must(fakegpu_fd_ioctl(device, dma_buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), "import fence");
  return dma_buf;
}

static int wait_for_access(int dma_buf) {
  struct dma_buf_sync begin = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
  return fakegpu_fd_ioctl(device, dma_buf, DMA_BUF_IOCTL_SYNC, &begin);
}

static void* waiter(void* unused) {
  (void)unused;
  wait_for_ever();
  return NULL;
}

static void fill_memory(void) {
  for (int i = 0; i < kBos; ++i) {
    void* cpu;
    uint64_t va;
    must(fakegpu_bo_create(device, kBoBytes, 0, i % 2, i < 2 ? DRM_FAKEGPU_BO_SHAREABLE : 0, &bo),
         "create BO");
    must(fakegpu_bo_map(bo, &cpu), "map BO");
    must(fakegpu_bo_va(bo, &va), "bind BO");
    memset(cpu, 0xa5, kBoBytes);
  }
}

static void queue_jobs(uint32_t type, int jobs, uint32_t milliseconds, int* ring) {
  must(fakegpu_context_create(device, NULL, DRM_FAKEGPU_PRIORITY_NORMAL, &context), "context");
  must(fakegpu_cmdbuf_create(context, type, &packets), "command buffer");
  must(fakegpu_cmd_work(packets, milliseconds, 1000 * 1000, 0, 0), "WORK");
  *ring = fakegpu_find_ring(device, type, 0);
  must(*ring, "ring");
  for (int i = 0; i < jobs; ++i)
    must(fakegpu_context_submit_one(context, (uint32_t)*ring, packets, NULL), "submit");
}

static _Noreturn void busy(void) {
  pthread_t thread;
  int ring;
  fill_memory();
  for (int i = 0; i < kWaiters; ++i) pthread_create(&thread, NULL, waiter, NULL);
  queue_jobs(DRM_FAKEGPU_RING_GFX, kJobs, 20, &ring);
  queue_jobs(DRM_FAKEGPU_RING_COMPUTE, kJobs, 20, &ring);
  puts("busy");
  fflush(stdout);
  for (;;) pause();
}

static _Noreturn void flood(void) {
  int ring;
  queue_jobs(DRM_FAKEGPU_RING_COMPUTE, 1, 1, &ring);
  const struct fakegpu_submission one = {.ring = (uint32_t)ring,
                                         .flags = DRM_FAKEGPU_SUBMIT_WAIT,
                                         .cmdbuf_count = 1,
                                         .cmdbufs = &packets};
  puts("flooding");
  fflush(stdout);
  for (;;) must(fakegpu_context_submit(context, &one, NULL), "submit");
}

static int fill(void) {
  const uint32_t value = 0x600dda7a;
  void* cpu;
  uint64_t va;
  must(fakegpu_context_create(device, NULL, DRM_FAKEGPU_PRIORITY_NORMAL, &context), "context");
  must(fakegpu_cmdbuf_create(context, DRM_FAKEGPU_RING_GFX, &packets), "command buffer");
  must(fakegpu_bo_create(device, kBoBytes, 0, 0, 0, &bo), "create BO");
  must(fakegpu_bo_map(bo, &cpu), "map BO");
  must(fakegpu_bo_va(bo, &va), "bind BO");
  must(fakegpu_cmd_fill(packets, va, value, kBoBytes), "fill");
  must(fakegpu_syncobj_create(device, 0, &done), "syncobj");
  int ring = fakegpu_find_ring(device, DRM_FAKEGPU_RING_GFX, 0);
  must(ring, "ring");
  must(fakegpu_context_submit_one(context, (uint32_t)ring, packets, done), "submit");
  must(fakegpu_syncobj_wait(device, &done, 1, INT64_MAX, 0, NULL), "wait");
  for (size_t i = 0; i < kBoBytes / sizeof value; ++i)
    if (((const uint32_t*)cpu)[i] != value) return 1;
  puts("filled");
  return 0;
}

static int high(void) {
  const int created = fakegpu_context_create(device, NULL, DRM_FAKEGPU_PRIORITY_HIGH, &context);
  printf("%d\n", -created);
  if (created == 0) fakegpu_context_destroy(context);
  must(fakegpu_context_create(device, NULL, DRM_FAKEGPU_PRIORITY_NORMAL, &context), "context");
  printf("%d\n", -fakegpu_context_set_priority(context, DRM_FAKEGPU_PRIORITY_HIGH));
  return 0;
}

static int policy(void) {
  printf("%d\n", -fakegpu_device_set_policy(device, "rr", DRM_FAKEGPU_ALL_RINGS));
  printf("%d\n", -fakegpu_device_set_policy(device, "fifo", 0));
  return 0;
}

static int inject(void) {
  uint32_t size = 0;
  printf("%d\n", -fakegpu_inject_fault(device, "hang,nth=1000000"));
  printf("%d\n", -fakegpu_fault_info(device, DRM_FAKEGPU_FAULT_ARMED, NULL, &size));
  printf("%d\n", -fakegpu_clear_faults(device, NULL));
  return 0;
}

static int poll_fence(void) {
  struct pollfd fence = {.events = POLLIN};
  must(fakegpu_context_create(device, NULL, DRM_FAKEGPU_PRIORITY_NORMAL, &context), "context");
  must(fakegpu_cmdbuf_create(context, DRM_FAKEGPU_RING_COMPUTE, &packets), "command buffer");
  must(fakegpu_cmd_work(packets, 9000, 1000 * 1000, 0, 0), "WORK");
  int ring = fakegpu_find_ring(device, DRM_FAKEGPU_RING_COMPUTE, 0);
  must(ring, "ring");
  must(fakegpu_context_submit_one(context, (uint32_t)ring, packets, never), "submit");
  must(fakegpu_syncobj_export_sync_file(never, 0, &fence.fd), "export");
  if (poll(&fence, 1, 0) != 0) return 1;
  puts("polling");
  fflush(stdout);
  if (poll(&fence, 1, -1) != 1) return 1;
  printf("%d\n", fence.revents);
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  must(fakegpu_device_open(argv[1], &device), argv[1]);
  must(fakegpu_syncobj_create(device, 0, &never), "syncobj");
  if (strcmp(argv[2], "busy") == 0) busy();
  if (strcmp(argv[2], "fill") == 0) return fill();
  if (strcmp(argv[2], "flood") == 0) flood();
  if (strcmp(argv[2], "high") == 0) return high();
  if (strcmp(argv[2], "policy") == 0) return policy();
  if (strcmp(argv[2], "inject") == 0) return inject();
  if (strcmp(argv[2], "poll") == 0) return poll_fence();
  const int by_seqno = strcmp(argv[2], "seqno") == 0;
  const int by_access = strcmp(argv[2], "access") == 0;
  if (!by_seqno && !by_access && strcmp(argv[2], "wait") != 0) return 2;
  int ring = 0;
  if (by_seqno) queue_jobs(DRM_FAKEGPU_RING_COMPUTE, 1, 9000, &ring);
  const int dma_buf = by_access ? fenced_dma_buf() : -1;
  puts("waiting");
  fflush(stdout);
  printf("%d\n", -(by_access  ? wait_for_access(dma_buf)
                   : by_seqno ? wait_for_a_long_job((uint32_t)ring)
                              : wait_for_ever()));
  return 0;
}
