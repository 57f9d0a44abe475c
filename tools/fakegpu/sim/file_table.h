// SPDX-License-Identifier: MIT
// A descriptor table for two simulated clients that pass one: numbers that stand for open files.
#pragma once

#include <cerrno>
#include <memory>
#include <vector>

#include "drv/descriptors.h"
#include "drv/file.h"

namespace fakegpu::sim {

class FileTable final : public drv::Descriptors {
 public:
  drv::TakenFd take(int32_t fd) override {
    if (fd < 0 || static_cast<size_t>(fd) >= files_.size()) return {.error = -EBADF};
    return {.file = files_[static_cast<size_t>(fd)].get()};
  }
  int reserve(bool) override { return 0; }
  int32_t install(std::unique_ptr<drv::File> file) override {
    files_.push_back(std::move(file));
    return static_cast<int32_t>(files_.size() - 1);
  }

 private:
  std::vector<std::unique_ptr<drv::File>> files_;
};

}  // namespace fakegpu::sim
