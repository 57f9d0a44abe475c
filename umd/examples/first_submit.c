// SPDX-License-Identifier: MIT
// The shortest whole job: the GPU writes a word, the CPU waits for the fence and reads it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fakegpu/fakegpu.h>

static void check(int result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, strerror(-result));
  exit(1);
}

int main(int argc, char **argv) {
  const uint32_t answer = 42;
  struct fakegpu_device *dev;
  struct fakegpu_context *ctx;
  struct fakegpu_cmdbuf *cb;
  struct fakegpu_syncobj *done;
  struct fakegpu_bo *bo;
  uint64_t va;
  void *cpu;

  check(fakegpu_device_open(argc > 1 ? argv[1] : NULL, &dev), "open");
  check(fakegpu_context_create(dev, NULL, DRM_FAKEGPU_PRIORITY_NORMAL, &ctx), "context");
  check(fakegpu_bo_create(dev, 4096, 0, DRM_FAKEGPU_HEAP_VRAM, 0, &bo), "memory");
  check(fakegpu_bo_map(bo, &cpu), "map");
  check(fakegpu_bo_va(bo, &va), "bind");
  check(fakegpu_syncobj_create(dev, 0, &done), "syncobj");

  check(fakegpu_cmdbuf_create(ctx, DRM_FAKEGPU_RING_COMPUTE, &cb), "command buffer");
  fakegpu_cmd_write_data(cb, FAKEGPU_DST_MEMORY, FAKEGPU_CMD_CONFIRM, va, &answer, 1);
  const int ring = fakegpu_find_ring(dev, DRM_FAKEGPU_RING_COMPUTE, 0);
  check(ring, "ring");
  check(fakegpu_context_submit_one(ctx, (uint32_t)ring, cb, done), "submit");
  check(fakegpu_syncobj_wait(dev, &done, 1, fakegpu_deadline_ns(dev, 1000000000), 0, NULL), "wait");

  printf("%s over %s: the GPU wrote %u\n", fakegpu_device_info(dev)->name,
         fakegpu_device_transport(dev), *(uint32_t *)cpu);
  fakegpu_cmdbuf_destroy(cb);
  fakegpu_syncobj_destroy(done);
  fakegpu_bo_destroy(bo);
  fakegpu_context_destroy(ctx);
  fakegpu_device_close(dev);
  return 0;
}
