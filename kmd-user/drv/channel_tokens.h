// SPDX-License-Identifier: MIT
// One-time tokens that name an open file to the daemon's socket. Under the device lock.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/result.h"

namespace fakegpu::drv {

class FileImpl;

class ChannelTokens {
 public:
  using Token = std::array<uint64_t, 2>;
  static constexpr base::Nanos kLifetime = 10 * base::kNanosPerSecond;
  static constexpr size_t kPerFile = 16;

  // From the system's random source. The file's oldest goes when it has kPerFile outstanding.
  base::Result<Token> issue(FileImpl& file, uint32_t uid, base::Nanos now);
  // Works once; nullptr: unknown, too old, or another uid's.
  FileImpl* redeem(const Token& token, uint32_t uid, base::Nanos now);
  void forget(FileImpl& file);

 private:
  struct Issued {
    FileImpl* file;
    uint32_t uid;
    base::Nanos at;
  };
  std::map<Token, Issued> issued_;
};

}  // namespace fakegpu::drv
