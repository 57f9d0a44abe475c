// SPDX-License-Identifier: MIT
#include <png.h>

#include <stdexcept>

#include "image.h"

namespace fakegpu::tools {

namespace {

constexpr uint32_t kMaxSide = 16384;

[[noreturn]] void fail(const std::string& path, const char* reason) {
  throw std::runtime_error(path + ": " + reason);
}

}  // namespace

Image read_png(const std::string& path) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&png, path.c_str())) fail(path, png.message);
  if (png.width > kMaxSide || png.height > kMaxSide) {
    png_image_free(&png);
    fail(path, "larger than 16384 pixels a side");
  }
  png.format = PNG_FORMAT_RGBA;
  Image image(png.width, png.height);
  if (!png_image_finish_read(&png, nullptr, image.rgba.data(), 0, nullptr)) fail(path, png.message);
  return image;
}

void write_png(const std::string& path, const Image& image) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = image.width;
  png.height = image.height;
  png.format = PNG_FORMAT_RGBA;
  if (!png_image_write_to_file(&png, path.c_str(), 0, image.rgba.data(), 0, nullptr))
    fail(path, png.message);
}

}  // namespace fakegpu::tools
