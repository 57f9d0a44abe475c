// SPDX-License-Identifier: MIT
// Two ways to drive fuzz_one(): libFuzzer, or (in the ordinary build) seeded random inputs:
//   fuzz-NAME [--seed S] [--runs N]     or     fuzz-NAME FILE...
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "base/log.h"

namespace fakegpu::tests {
void fuzz_one(const uint8_t* data, size_t size);
}

namespace {
void quiet() {
  fakegpu::base::set_log_sink([](fakegpu::base::LogLevel, std::string_view) {});
}
}  // namespace

#if defined(FAKEGPU_LIBFUZZER)

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  quiet();
  return 0;
}
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fakegpu::tests::fuzz_one(data, size);
  return 0;
}

#else

int main(int argc, char** argv) {
  quiet();
  uint64_t seed = 1;
  uint64_t runs = 500;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 0);
    } else if (std::strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
      runs = std::strtoull(argv[++i], nullptr, 0);
    } else {
      std::ifstream file(argv[i], std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      fakegpu::tests::fuzz_one(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      runs = 0;
    }
  }
  for (uint64_t run = 0; run < runs; ++run) {
    // Printed before the run, so that a crash names the seed that repeats it alone.
    std::printf("\rseed %llu", static_cast<unsigned long long>(seed + run));
    std::fflush(stdout);
    std::mt19937_64 random(seed + run);
    std::vector<uint8_t> bytes(random() % 2048);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    fakegpu::tests::fuzz_one(bytes.data(), bytes.size());
  }
  std::printf("\n");
  return 0;
}

#endif
