// SPDX-License-Identifier: MIT
#include "record.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>

#include "daemon.h"
#include "device.h"
#include "sim/record_file.h"
#include "terminal.h"

namespace fakegpu::tools {

namespace {

using Clock = std::chrono::steady_clock;

// Between two looks. The daemon keeps as many records as come in this time, and many more, and is
// spared a wake for each.
constexpr auto kNap = std::chrono::milliseconds(10);
constexpr size_t kReadBytes = 1u << 16;

class Recorder {
 public:
  Recorder(const std::string& where, const std::string& path, uint32_t capacity)
      : device_(where.c_str()), path_(path), out_(std::fopen(path.c_str(), "we"), std::fclose) {
    if (!out_) fail("open");
    drm_fakegpu_record arg = {0, capacity};
    check(fakegpu_device_ioctl(device_, DRM_IOCTL_FAKEGPU_RECORD, &arg), "record");
    write(sim::record_header_line(device_.info().name));
  }

  // Writes what there is.
  void take() {
    fakegpu_device* const device = device_;
    for (;;) {
      const int got = device->core->transport().read_events(buffer_, false);
      if (got == -EAGAIN || got == 0) return;
      check(got, "read the records");
      const auto records = sim::records_of(std::span(buffer_).first(static_cast<size_t>(got)));
      for (const sim::Record& record : records) write(sim::record_line(record));
      records_ += records.size();
      lost_ += sim::lost_of(records);
    }
  }
  // How many records were lost.
  uint64_t finish() {
    write(sim::record_end_line(records_, lost_));
    if (std::fclose(out_.release()) != 0) fail("write");
    return lost_;
  }
  uint64_t records() const { return records_; }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw std::runtime_error(fmt::format("{} {}: {}", what, path_, std::strerror(errno)));
  }
  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), out_.get()) != text.size()) fail("write");
  }

  Device device_;
  std::string path_;
  std::unique_ptr<FILE, int (*)(FILE*)> out_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kReadBytes);
  uint64_t records_ = 0;
  uint64_t lost_ = 0;
};

pid_t start(const std::vector<std::string>& words, const std::string& where) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (pid != 0) return pid;
  ::setenv("FAKEGPU_DEVICE", where.c_str(), 1);
  ::execvp(arguments[0], arguments.data());
  fmt::print(stderr, "fakegpu record: {}: {}\n", words[0], std::strerror(errno));
  ::_exit(errno == ENOENT ? 127 : 126);
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_record(const RecordOptions& options) {
  std::unique_ptr<Daemon> daemon;
  std::string where = options.device;
  if (where.empty()) where = existing_device();
  if (where.empty()) {
    daemon = std::make_unique<Daemon>("auto");
    where = daemon->where();
  }
  Recorder recorder(where, options.out, options.capacity);
  note_interrupts();

  if (options.words.empty())
    fmt::print(stderr, "fakegpu record: recording {}{}\n", where,
               options.seconds == 0 ? "; Ctrl-C ends it" : "");
  const pid_t program = options.words.empty() ? -1 : start(options.words, where);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options.seconds));
  int status = 0;
  bool running = program > 0;
  while (!interrupted() && (options.seconds == 0 || Clock::now() < end)) {
    recorder.take();
    if (running && ::waitpid(program, &status, WNOHANG) == program) running = false;
    if (program > 0 && !running) break;
    std::this_thread::sleep_for(kNap);
  }
  recorder.take();
  const uint64_t lost = recorder.finish();
  fmt::print(stderr, "fakegpu record: {} records in {}{}\n", recorder.records(), options.out,
             lost ? fmt::format(
                        ", {} LOST: it cannot be replayed exactly; a larger --capacity helps", lost)
                  : "");
  if (lost) return 1;
  return program > 0 && !running ? exit_status(status) : 0;
}

}  // namespace fakegpu::tools
