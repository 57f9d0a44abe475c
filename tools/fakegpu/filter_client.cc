// SPDX-License-Identifier: MIT
// The client with a real picture.
#include <cstring>
#include <utility>

#include "clients.h"
#include "image.h"
#include "job_clock.h"

namespace fakegpu::tools {

namespace {

constexpr uint32_t kBlurRadius = 2;
// The picture of a run without one: the whole set, 28 fraction bits.
constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 480;
constexpr int32_t kLeft = static_cast<int32_t>(-2.25 * (1 << 28));
constexpr int32_t kTop = static_cast<int32_t>(-1.125 * (1 << 28));
constexpr int32_t kStep = static_cast<int32_t>(2.25 * (1 << 28)) / static_cast<int32_t>(kHeight);
constexpr uint32_t kIterations = 256;

// A picture's place on the GPU.
struct Surface {
  Bo bo;
  fakegpu_image image;

  Surface(const Device& device, const Image& like, uint32_t heap)
      : bo(device, like.rgba.size(), heap),
        image{bo.va(), like.width, like.height, like.stride(), 0} {}
  uint64_t bytes() const { return uint64_t{image.stride_bytes} * image.height; }
  uint32_t tiles_x() const { return fakegpu_groups(image.width, FAKEGPU_TILE_WIDTH); }
  uint32_t tiles_y() const { return fakegpu_groups(image.height, FAKEGPU_TILE_HEIGHT); }
};

Image render(const Device& device, const Context& context) {
  Image image(kWidth, kHeight);
  const Surface surface(device, image, DRM_FAKEGPU_HEAP_SYSTEM);
  CommandBuffer draw(context, DRM_FAKEGPU_RING_GFX);
  draw.dispatch(FAKEGPU_KERNEL_MANDELBROT,
                fakegpu_kernel_mandelbrot{surface.image, kLeft, kTop, kStep, kIterations},
                surface.tiles_x(), surface.tiles_y());
  const Syncobj done(device);
  const fakegpu_sync_point signal = done.at();
  context.submit(device.ring(DRM_FAKEGPU_RING_GFX), {draw}, {}, {&signal, 1});
  wait(device, signal);
  check_alive(context);
  std::memcpy(image.rgba.data(), surface.bo.map().data(), image.rgba.size());
  if (image.rgba != mandelbrot(kWidth, kHeight, kLeft, kTop, kStep, kIterations).rgba)
    throw std::runtime_error("the rendered picture differs from the CPU's");
  return image;
}

// The four jobs of a frame. Points 4n+1 to 4n+4 of the timeline are frame n's.
class Pipeline {
 public:
  Pipeline(const Device& device, const Context& context, const Image& source)
      : device_(device),
        context_(context),
        staging_(device, source, DRM_FAKEGPU_HEAP_SYSTEM),
        source_(device, source, DRM_FAKEGPU_HEAP_VRAM),
        blurred_(device, source, DRM_FAKEGPU_HEAP_VRAM),
        edges_(device, source, DRM_FAKEGPU_HEAP_VRAM),
        result_(device, source, DRM_FAKEGPU_HEAP_SYSTEM),
        upload_(context, DRM_FAKEGPU_RING_SDMA),
        blur_(context, DRM_FAKEGPU_RING_COMPUTE),
        sobel_(context, DRM_FAKEGPU_RING_COMPUTE),
        download_(context, DRM_FAKEGPU_RING_SDMA),
        timeline_(device),
        clock_(device, context, DRM_FAKEGPU_RING_COMPUTE) {
    const uint32_t x = source_.tiles_x();
    const uint32_t y = source_.tiles_y();
    std::memcpy(staging_.bo.map().data(), source.rgba.data(), source.rgba.size());
    fakegpu_cmd_copy(upload_, source_.image.address, staging_.image.address, source_.bytes());
    blur_.dispatch(FAKEGPU_KERNEL_BOX_BLUR,
                   fakegpu_kernel_box_blur{source_.image, blurred_.image, kBlurRadius, 0}, x, y);
    sobel_.dispatch(FAKEGPU_KERNEL_SOBEL, fakegpu_kernel_sobel{blurred_.image, edges_.image}, x, y);
    fakegpu_cmd_copy(download_, result_.image.address, edges_.image.address, edges_.bytes());
  }

  // One picture through all four rings; returns when it is back.
  void frame(Report& report) {
    struct Stage {
      uint32_t ring;
      fakegpu_cmdbuf* first;
      fakegpu_cmdbuf* second;  // may be null
    };
    const uint32_t compute = device_.ring(DRM_FAKEGPU_RING_COMPUTE, 0);
    const uint32_t sdma = device_.ring(DRM_FAKEGPU_RING_SDMA, 0);
    const Stage stages[] = {{sdma, upload_, nullptr},
                            {compute, clock_.stamp(), blur_},
                            {other(DRM_FAKEGPU_RING_COMPUTE), sobel_, nullptr},
                            {other(DRM_FAKEGPU_RING_SDMA), download_, nullptr}};
    clock_.submitted();
    for (const Stage& stage : stages) {
      const fakegpu_sync_point before = timeline_.at(point_);
      const fakegpu_sync_point after = timeline_.at(++point_);
      const std::span<const fakegpu_sync_point> waits(&before, point_ > 1 ? 1 : 0);
      if (stage.second) {
        context_.submit(stage.ring, {stage.first, stage.second}, waits, {&after, 1});
      } else {
        context_.submit(stage.ring, {stage.first}, waits, {&after, 1});
      }
    }
    wait(device_, timeline_.at(point_));
    clock_.done(report);
    report.jobs += 3;
  }

  Image result() const {
    Image image(result_.image.width, result_.image.height);
    std::memcpy(image.rgba.data(), result_.bo.map().data(), image.rgba.size());
    return image;
  }

 private:
  // The second ring of a kind, or the first where there is only one.
  uint32_t other(uint32_t type) const {
    const int ring = fakegpu_find_ring(device_, type, 1);
    return ring >= 0 ? static_cast<uint32_t>(ring) : device_.ring(type, 0);
  }

  const Device& device_;
  const Context& context_;
  Surface staging_, source_, blurred_, edges_, result_;
  CommandBuffer upload_, blur_, sobel_, download_;
  Syncobj timeline_;
  JobClock clock_;
  uint64_t point_ = 0;
};

}  // namespace

Report run_filter(const ClientOptions& options) {
  Report report{.name = "filter"};
  const Device device(options.device.empty() ? nullptr : options.device.c_str());
  const Context context(device);
  const Image source = options.image.empty() ? render(device, context) : read_png(options.image);
  const Image expected = sobel(box_blur(source, kBlurRadius));
  Pipeline pipeline(device, context, source);
  const int64_t end = device.deadline_ns(static_cast<int64_t>(options.seconds * 1e9));
  bool first = true;
  do {
    pipeline.frame(report);
    check_alive(context);
    if (std::exchange(first, false) && pipeline.result().rgba != expected.rgba)
      throw std::runtime_error("the first filtered picture differs from the CPU's");
  } while (device.deadline_ns(0) < end);
  const Image result = pipeline.result();
  if (result.rgba != expected.rgba)
    throw std::runtime_error("the filtered picture differs from the CPU's");
  if (!options.out.empty()) write_png(options.out, result);
  report.gpu_time_ns = context.query().gpu_time_ns;
  return report;
}

}  // namespace fakegpu::tools
