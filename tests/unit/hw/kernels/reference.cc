// SPDX-License-Identifier: MIT
#include "reference.h"

#include <cstdlib>

namespace fakegpu::hw::test {
namespace {

uint64_t channel_at(const args::Image& image, int64_t x, int64_t y, int channel) {
  return image.address + static_cast<uint64_t>(y) * image.stride_bytes +
         static_cast<uint64_t>(x) * 4 + static_cast<uint64_t>(channel);
}

int64_t clamp_to(int64_t v, uint32_t size) {
  if (v < 0) return 0;
  return v >= size ? int64_t{size} - 1 : v;
}

uint32_t clamped(FakeMemory& memory, const args::Image& image, int64_t x, int64_t y, int channel) {
  return memory.get<uint8_t>(
      channel_at(image, clamp_to(x, image.width), clamp_to(y, image.height), channel));
}

template <typename Each>
void for_each_pixel(const args::Image& image, Each each) {
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x) each(x, y);
}

}  // namespace

void reference(const args::Fill& a, FakeMemory& memory) {
  for (uint64_t i = 0; i < a.count; ++i) memory.put<uint32_t>(a.dst + 4 * i, a.value);
}

void reference(const args::Copy& a, FakeMemory& memory) {
  for (uint64_t group = 0; group * 1024 < a.count; ++group) {
    std::vector<uint32_t> values;
    for (uint64_t i = group * 1024; i < a.count && i < group * 1024 + 1024; ++i)
      values.push_back(memory.get<uint32_t>(a.src + 4 * i));
    for (uint64_t i = 0; i < values.size(); ++i)
      memory.put<uint32_t>(a.dst + 4 * (group * 1024 + i), values[i]);
  }
}

void reference(const args::Saxpy& a, FakeMemory& memory) {
  for (uint64_t i = 0; i < a.count; ++i) {
    const float product = a.a * memory.get<float>(a.x + 4 * i);
    memory.put<float>(a.y + 4 * i, product + memory.get<float>(a.y + 4 * i));
  }
}

void reference(const args::Sgemm& a, FakeMemory& memory) {
  for (uint64_t i = 0; i < a.m; ++i) {
    for (uint64_t j = 0; j < a.n; ++j) {
      float s = 0;
      for (uint64_t l = 0; l < a.k; ++l) {
        s = s + (memory.get<float>(a.a + 4 * (i * a.lda + l)) *
                 memory.get<float>(a.b + 4 * (l * a.ldb + j)));
      }
      const uint64_t c = a.c + 4 * (i * a.ldc + j);
      const float product = a.alpha * s;
      memory.put<float>(c, a.beta == 0 ? product : product + (a.beta * memory.get<float>(c)));
    }
  }
}

void reference(const args::BoxBlur& a, FakeMemory& memory) {
  const int64_t r = a.radius;
  const auto w = static_cast<uint32_t>(2 * r + 1);
  for_each_pixel(a.src, [&](int64_t x, int64_t y) {
    for (int channel = 0; channel < 4; ++channel) {
      uint32_t s = 0;
      for (int64_t dy = -r; dy <= r; ++dy)
        for (int64_t dx = -r; dx <= r; ++dx) s += clamped(memory, a.src, x + dx, y + dy, channel);
      memory.put<uint8_t>(channel_at(a.dst, x, y, channel),
                          static_cast<uint8_t>((s + w * w / 2) / (w * w)));
    }
  });
}

void reference(const args::Sobel& a, FakeMemory& memory) {
  for_each_pixel(a.src, [&](int64_t x, int64_t y) {
    const auto luma = [&](int64_t dx, int64_t dy) {
      const uint32_t r = clamped(memory, a.src, x + dx, y + dy, 0);
      const uint32_t g = clamped(memory, a.src, x + dx, y + dy, 1);
      const uint32_t b = clamped(memory, a.src, x + dx, y + dy, 2);
      return static_cast<int>((77 * r + 150 * g + 29 * b + 128) >> 8);
    };
    const int gx =
        luma(1, -1) + 2 * luma(1, 0) + luma(1, 1) - luma(-1, -1) - 2 * luma(-1, 0) - luma(-1, 1);
    const int gy =
        luma(-1, 1) + 2 * luma(0, 1) + luma(1, 1) - luma(-1, -1) - 2 * luma(0, -1) - luma(1, -1);
    const int sum = std::abs(gx) + std::abs(gy);
    for (int channel = 0; channel < 3; ++channel)
      memory.put<uint8_t>(channel_at(a.dst, x, y, channel),
                          static_cast<uint8_t>(sum > 255 ? 255 : sum));
    memory.put<uint8_t>(channel_at(a.dst, x, y, 3),
                        memory.get<uint8_t>(channel_at(a.src, x, y, 3)));
  });
}

void reference(const args::Histogram& a, FakeMemory& memory) {
  for_each_pixel(a.src, [&](int64_t x, int64_t y) {
    for (uint64_t channel = 0; channel < 4; ++channel) {
      const auto value = memory.get<uint8_t>(channel_at(a.src, x, y, static_cast<int>(channel)));
      const uint64_t bin = a.bins + 4 * (channel * 256 + value);
      memory.put<uint32_t>(bin, memory.get<uint32_t>(bin) + 1);
    }
  });
}

void reference(const args::Mandelbrot& a, FakeMemory& memory) {
  const auto tri = [](uint32_t v) {
    const uint32_t u = v & 511;
    return static_cast<uint8_t>(u < 256 ? u : 511 - u);
  };
  for_each_pixel(a.dst, [&](int64_t px, int64_t py) {
    const int64_t cx = a.left + px * a.step;
    const int64_t cy = a.top + py * a.step;
    int64_t x = 0, y = 0;
    uint32_t n = 0;
    while (true) {
      const int64_t xx = (x * x) >> 28;
      const int64_t yy = (y * y) >> 28;
      if (xx + yy > int64_t{4} << 28 || n == a.max_iterations) break;
      y = ((x * y) >> 27) + cy;
      x = xx - yy + cx;
      n = n + 1;
    }
    const bool inside = n == a.max_iterations;
    const uint8_t rgb[3] = {tri(8 * n), tri(4 * n + 128), tri(2 * n + 256)};
    for (int channel = 0; channel < 3; ++channel)
      memory.put<uint8_t>(channel_at(a.dst, px, py, channel), inside ? 0 : rgb[channel]);
    memory.put<uint8_t>(channel_at(a.dst, px, py, 3), 255);
  });
}

void reference(const args::Invert& a, FakeMemory& memory) {
  for_each_pixel(a.src, [&](int64_t x, int64_t y) {
    for (int channel = 0; channel < 4; ++channel) {
      const auto value = memory.get<uint8_t>(channel_at(a.src, x, y, channel));
      memory.put<uint8_t>(channel_at(a.dst, x, y, channel),
                          channel == 3 ? value : static_cast<uint8_t>(255 - value));
    }
  });
}

void reference(const args::ReduceSum& a, FakeMemory& memory) {
  uint64_t sum = memory.get<uint64_t>(a.dst);
  for (uint64_t i = 0; i < a.count; ++i) sum += memory.get<uint32_t>(a.src + 4 * i);
  memory.put<uint64_t>(a.dst, sum);
}

}  // namespace fakegpu::hw::test
