// SPDX-License-Identifier: MIT
#include "hanging_file.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace fakegpu::support {

namespace {

constexpr uint64_t kNode = 2;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

void answer(int connection, uint64_t request, const void* body, size_t bytes, int error = 0) {
  fuse_out_header header = {};
  header.error = error;
  header.len = static_cast<uint32_t>(sizeof(header) + bytes);
  header.unique = request;
  const iovec parts[] = {{&header, sizeof(header)}, {const_cast<void*>(body), bytes}};  // NOLINT
  static_cast<void>(::writev(connection, parts, 2));
}

// What the opener needs: false for anything else.
bool open_for(int connection, const fuse_in_header& request) {
  switch (request.opcode) {
    case FUSE_INIT: {
      fuse_init_out init = {};
      init.major = FUSE_KERNEL_VERSION;
      init.minor = 31;
      init.max_write = 4096;
      answer(connection, request.unique, &init, sizeof(init));
      return true;
    }
    case FUSE_LOOKUP: {
      // Its attributes are old at once, so that fstat() asks for them.
      fuse_entry_out entry = {};
      entry.nodeid = kNode;
      entry.entry_valid = 3600;
      entry.attr.ino = kNode;
      entry.attr.mode = S_IFREG | 0666;
      entry.attr.nlink = 1;
      answer(connection, request.unique, &entry, sizeof(entry));
      return true;
    }
    case FUSE_OPEN: {
      const fuse_open_out open = {};
      answer(connection, request.unique, &open, sizeof(open));
      return true;
    }
    default:
      return false;
  }
}

// The server: a fork of a process that may have threads. `owner`: that process.
[[noreturn]] void serve(int inherited, pid_t owner, std::atomic<unsigned>& asked) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  constexpr int kConnection = 3;
  ::dup2(inherited, kConnection);
  ::syscall(SYS_close_range, kConnection + 1u, ~0u, 0u);
  alignas(fuse_in_header) std::array<char, 64 * 1024> buffer;
  while (::getppid() == owner) {
    if (::read(kConnection, buffer.data(), buffer.size()) <= 0) {
      if (errno == ENODEV) break;
      continue;
    }
    fuse_in_header request;
    std::memcpy(&request, buffer.data(), sizeof(request));
    if (request.opcode == FUSE_INTERRUPT) {
      fuse_interrupt_in interrupt;
      std::memcpy(&interrupt, buffer.data() + sizeof(request), sizeof(interrupt));
      answer(kConnection, interrupt.unique, nullptr, 0, -EINTR);
    } else if (request.opcode != FUSE_FORGET && !open_for(kConnection, request)) {
      ++asked;
      const bool of_owner = ::syscall(SYS_tgkill, owner, request.pid, 0) == 0;
      if (request.opcode == FUSE_FLUSH && of_owner) answer(kConnection, request.unique, nullptr, 0);
    }
  }
  ::_exit(0);
}

}  // namespace

const char* HangingFile::lacking() {
  if (::geteuid() != 0) return "root";
  return ::access("/dev/fuse", R_OK | W_OK) != 0 ? "/dev/fuse" : nullptr;
}

HangingFile::HangingFile()
    : asked_(static_cast<std::atomic<unsigned>*>(::mmap(
          nullptr, sizeof(*asked_), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
  const base::UniqueFd connection(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (asked_ == MAP_FAILED || !connection) fail("/dev/fuse");
  std::string folder = std::filesystem::temp_directory_path() / "fakegpu-hanging.XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) fail("mkdtemp");
  const std::string options =
      "fd=" + std::to_string(connection.get()) + ",rootmode=40000,user_id=0,group_id=0";
  if (::mount("fakegpu-test", folder.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    ::rmdir(folder.c_str());
    fail("mount");
  }
  const pid_t owner = ::getpid();
  server_ = ::fork();
  if (server_ == 0) serve(connection.get(), owner, *asked_);
  if (server_ > 0) file_.reset(::open((folder + "/file").c_str(), O_RDWR | O_CLOEXEC));
  // The open file keeps the mount.
  ::umount2(folder.c_str(), MNT_DETACH);
  ::rmdir(folder.c_str());
  if (file_) return;
  end();
  fail("open");
}

HangingFile::~HangingFile() {
  end();
  file_.reset();
  ::munmap(asked_, sizeof(*asked_));
}

void HangingFile::end() {
  if (server_ <= 0) return;
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

}  // namespace fakegpu::support
