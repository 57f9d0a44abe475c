// SPDX-License-Identifier: MIT
// A process's descriptor table without a process: numbers that stand for open files of the driver,
// or for real descriptors.
#pragma once

#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "drv/descriptors.h"
#include "drv/file.h"

namespace fakegpu::tests {

class FakeDescriptors final : public drv::Descriptors {
 public:
  // drv::Descriptors.
  drv::TakenFd take(int32_t fd) override {
    if (const auto file = files_.find(fd); file != files_.end())
      return {.file = file->second.get()};
    const auto foreign = foreign_.find(fd);
    if (foreign == foreign_.end()) return {.error = -EBADF};
    drv::TakenFd taken;
    taken.foreign = std::move(*foreign->second.duplicate());
    return taken;
  }
  int reserve(bool close_on_exec) override {
    close_on_exec_ = close_on_exec;
    return full_ ? -EMFILE : 0;
  }
  int32_t install(std::unique_ptr<drv::File> file) override {
    files_.emplace(++last_, std::move(file));
    return last_;
  }

  // dup() of a real one into this table.
  int32_t add(base::UniqueFd fd) {
    foreign_.emplace(++last_, std::move(fd));
    return last_;
  }
  drv::File& file(int32_t fd) { return *files_.at(fd); }
  // The number of the n-th open file, n below open_files().
  int32_t nth(size_t n) const { return std::next(files_.begin(), n)->first; }
  void close(int32_t fd) {
    files_.erase(fd);
    foreign_.erase(fd);
  }
  void set_full(bool full) { full_ = full; }
  // What the last call asked for.
  bool close_on_exec() const { return close_on_exec_; }
  size_t open_files() const { return files_.size(); }

 private:
  std::map<int32_t, std::unique_ptr<drv::File>> files_;
  std::map<int32_t, base::UniqueFd> foreign_;
  int32_t last_ = 100;
  bool full_ = false;
  bool close_on_exec_ = false;
};

}  // namespace fakegpu::tests
