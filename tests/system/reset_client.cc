// SPDX-License-Identifier: MIT
// Applications on a device that has to be reset.
//
//   reset_client WHERE MODE, with MODE one of
//
//   hang        a job that hangs on the first compute ring, one behind it, and one that is
//   submitted
//               when the recovery is seen to be under way; prints "hanging", and what became of all
//   draw0       a picture on the first compute ring, again and again, until a recovery is over and
//   draw1       two more were drawn; prints "drawing" after the first, and in the end how it went.
//               draw1: on the second ring, where a picture takes longer, so that one is in flight
//   watch       waits until a recovery is under way and prints "resetting"; a job that is submitted
//               then; prints what became of it
//
// What is printed in the end is JSON. Errors are positive, 0 is none, and null that it was not
// tried.
#include <linux/sync_file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>

#include "image.h"

namespace {

using namespace fakegpu;

constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kPatience = 60'000 * kMilli;

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

std::string json(std::optional<int> error) {
  return error ? std::to_string(*error) : "null";
}

// The error that a sync_file tells of a fence which has signalled.
int fence_error(const Device& device, const Syncobj& syncobj) {
  const Fd fence = syncobj.export_sync_file();
  sync_file_info info = {};
  check(fakegpu_fd_ioctl(device, fence, SYNC_IOC_FILE_INFO, &info), "ask for a fence's status");
  if (info.status == 0) throw std::runtime_error("the fence has not signalled");
  return info.status < 0 ? -info.status : 0;
}

// A job and its fence.
class Work {
 public:
  Work(const Device& device, const Context& context, uint32_t ring)
      : device_(device),
        context_(context),
        ring_(ring),
        packets_(context, DRM_FAKEGPU_RING_COMPUTE),
        done_(device) {}

  CommandBuffer& packets() { return packets_; }
  void submit() { submitted_ = -fakegpu_context_submit_one(context_, ring_, packets_, done_); }
  // -ETIME: not yet.
  int wait(int64_t within) {
    fakegpu_syncobj* const one = done_;
    return fakegpu_syncobj_wait(device_, &one, 1, device_.deadline_ns(within), 0, nullptr);
  }
  // How the submission went; and how the wait, and the job.
  std::optional<int> submitted() const { return submitted_; }
  std::optional<int> waited() const { return waited_; }
  std::optional<int> error() const { return error_; }
  void finish() {
    if (submitted_ != 0) return;
    waited_ = -wait(kPatience);
    if (waited_ == 0) error_ = fence_error(device_, done_);
  }
  std::string report() const {
    return fmt::format(R"({{"submitted": {}, "waited": {}, "error": {}}})", json(submitted_),
                       json(waited_), json(error_));
  }

 private:
  const Device& device_;
  const Context& context_;
  uint32_t ring_;
  CommandBuffer packets_;
  Syncobj done_;
  std::optional<int> submitted_, waited_, error_;
};

// Flags of the context; none when the device is gone.
std::optional<uint32_t> flags_of(const Context& context) {
  drm_fakegpu_ctx_query state = {};
  if (fakegpu_context_query(context, &state) != 0) return std::nullopt;
  return state.flags;
}

int hang(const Device& device) {
  const Context context(device);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_COMPUTE);
  Work hung(device, context, ring), behind(device, context, ring), meanwhile(device, context, ring);
  Work late(device, context, ring);
  fakegpu_cmd_hang(hung.packets(), FAKEGPU_HANG_WAVE, 0);
  for (Work* work : {&behind, &meanwhile, &late}) fakegpu_cmd_nop(work->packets(), 1);
  hung.submit();
  behind.submit();
  say("hanging");
  while (hung.wait(5 * kMilli) == -ETIME)
    if (!meanwhile.submitted() && flags_of(context).value_or(0) & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS)
      meanwhile.submit();
  for (Work* work : {&hung, &behind, &meanwhile}) work->finish();
  const auto flags = flags_of(context);
  late.submit();
  late.finish();
  say(fmt::format(R"({{"hung": {}, "behind": {}, "meanwhile": {}, "late": {}, "flags": {}}})",
                  hung.report(), behind.report(), meanwhile.report(), late.report(),
                  json(flags ? std::optional<int>(*flags) : std::nullopt)));
  return 0;
}

// The whole Mandelbrot set, 28 fraction bits.
constexpr uint32_t kWidth = 128;
constexpr uint32_t kHeight = 96;
constexpr int32_t kLeft = static_cast<int32_t>(-2.25 * (1 << 28));
constexpr int32_t kTop = static_cast<int32_t>(-1.125 * (1 << 28));
constexpr int32_t kStep = static_cast<int32_t>(2.25 * (1 << 28)) / static_cast<int32_t>(kHeight);
constexpr uint32_t kIterations = 64;

struct Drawn {
  unsigned pictures = 0, wrong = 0, failed = 0;
  uint32_t flags = 0;
  std::optional<int> lost;  // the device was
};

// Throws when the device is lost between two pictures.
void draw_on(const Device& device, uint32_t ring_instance, Drawn& drawn) {
  const tools::Image right = tools::mandelbrot(kWidth, kHeight, kLeft, kTop, kStep, kIterations);
  const Context context(device);
  const Bo surface(device, right.rgba.size());
  const fakegpu_image image{surface.va(), kWidth, kHeight, right.stride(), 0};
  const auto bytes = surface.map<uint8_t>();
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_COMPUTE, ring_instance);
  const int64_t end = device.deadline_ns(kPatience);
  for (unsigned left = 2; left > 0 && device.deadline_ns(0) < end;) {
    std::ranges::fill(bytes, uint8_t{0});
    Work work(device, context, ring);
    if (ring_instance > 0) fakegpu_cmd_work(work.packets(), 20, kMilli, 0, 0);
    work.packets().dispatch(FAKEGPU_KERNEL_MANDELBROT,
                            fakegpu_kernel_mandelbrot{image, kLeft, kTop, kStep, kIterations},
                            fakegpu_groups(kWidth, FAKEGPU_TILE_WIDTH),
                            fakegpu_groups(kHeight, FAKEGPU_TILE_HEIGHT));
    work.submit();
    work.finish();
    if (work.error() != 0) ++drawn.failed;
    if (!std::ranges::equal(bytes, right.rgba)) ++drawn.wrong;
    if (++drawn.pictures == 1) say("drawing");
    drawn.flags = context.query().flags;
    if (drawn.flags & DRM_FAKEGPU_CTX_RESET && !(drawn.flags & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS))
      --left;
  }
}

int draw(const Device& device, uint32_t ring_instance) {
  Drawn drawn;
  try {
    draw_on(device, ring_instance, drawn);
  } catch (const std::system_error& error) {
    drawn.lost = error.code().value();
  }
  say(fmt::format(R"({{"pictures": {}, "wrong": {}, "failed": {}, "flags": {}, "lost": {}}})",
                  drawn.pictures, drawn.wrong, drawn.failed, drawn.flags, json(drawn.lost)));
  return 0;
}

int watch(const Device& device) {
  const Context context(device);
  Work work(device, context, device.ring(DRM_FAKEGPU_RING_COMPUTE));
  fakegpu_cmd_nop(work.packets(), 1);
  const int64_t end = device.deadline_ns(kPatience);
  uint32_t before = 0;
  while (!((before = context.query().flags) & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS)) {
    if (device.deadline_ns(0) >= end) return 1;
    ::usleep(1000);
  }
  say("resetting");
  work.submit();
  const int polled = -work.wait(0);
  const auto meanwhile = flags_of(context);
  work.finish();
  const auto after = flags_of(context);
  say(fmt::format(R"({{"work": {}, "polled": {}, "before": {}, "meanwhile": {}, "after": {}}})",
                  work.report(), polled, before,
                  json(meanwhile ? std::optional<int>(*meanwhile) : std::nullopt),
                  json(after ? std::optional<int>(*after) : std::nullopt)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const Device device(argv[1]);
  const std::string mode = argv[2];
  if (mode == "hang") return hang(device);
  if (mode == "draw0" || mode == "draw1") return draw(device, mode.back() - '0');
  if (mode == "watch") return watch(device);
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "reset_client: %s\n", error.what());
  return 1;
}
