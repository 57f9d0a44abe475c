// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/trace.h"

namespace fakegpu::cuse_dev {

// Writes each event as a line of text (base::TextTrace) to a file.
class TraceFile final : public base::TraceSink {
 public:
  static base::Result<std::unique_ptr<TraceFile>> create(const std::string& path);
  void emit(const base::TraceEvent& event) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit TraceFile(std::FILE* file) : file_(file) {}
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace fakegpu::cuse_dev
