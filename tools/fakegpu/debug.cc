// SPDX-License-Identifier: MIT
// `fakegpu why` and `fakegpu dump`.
#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>

#include <cstdio>
#include <memory>

#include "demo.h"

namespace fakegpu::tools {

namespace {

// What one call carries.
constexpr uint32_t kPart = 65536;

Device open(const std::string& where) {
  return Device(where.empty() ? nullptr : where.c_str());
}

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};

}  // namespace

int print_why(const std::string& where, uint64_t client) {
  const Device device = open(where);
  fmt::print("{}", device.explain(client));
  return 0;
}

int print_dump(const DumpOptions& options) {
  const Device device = open(options.device);
  const uint32_t format = options.json ? DRM_FAKEGPU_COREDUMP_JSON : 0;
  std::string dump;
  uint64_t total = 1;
  while (dump.size() < total) {
    const size_t before = dump.size();
    dump.resize(before + kPart);
    uint32_t size = kPart;
    const int result =
        fakegpu_read_coredump(device, format, before, dump.data() + before, &size, &total);
    if (result == -ENOENT && before == 0) {
      fmt::print(stderr, "fakegpu dump: there is none\n");
      return 1;
    }
    check(result, "read the core dump");
    dump.resize(before + size);
    if (size == 0) break;
  }
  std::unique_ptr<FILE, CloseFile> file;
  if (!options.out.empty()) {
    file.reset(std::fopen(options.out.c_str(), "w"));
    if (!file) throw std::runtime_error(fmt::format("cannot write {}", options.out));
  }
  FILE* const to = file ? file.get() : stdout;
  if (std::fwrite(dump.data(), 1, dump.size(), to) != dump.size() || std::fflush(to) != 0)
    throw std::runtime_error("the dump could not be written; it is kept");
  if (options.keep) return 0;
  uint32_t none = 0;
  check(fakegpu_read_coredump(device, DRM_FAKEGPU_COREDUMP_RELEASE, 0, nullptr, &none, &total),
        "release the core dump");
  return 0;
}

}  // namespace fakegpu::tools
