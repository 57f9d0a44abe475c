// SPDX-License-Identifier: MIT
#include "filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ioctl/table.h"
#include "stat_calls.h"

namespace fakegpu::tools::run {

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv)
constexpr uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
#error "seccomp's name of this architecture is not known here"
#endif

// The low half of the command word, on machines with the low byte first.
constexpr uint32_t kCommandOffset = offsetof(struct seccomp_data, args) + sizeof(uint64_t);

class Program {
 public:
  void load(uint32_t offset) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void mask(uint32_t bits) { code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits)); }
  void give(uint32_t action) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }
  void give_if_equal(uint32_t value, uint32_t action) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    give(action);
  }
  void give_unless_equal(uint32_t value, uint32_t action) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    give(action);
  }
  sock_fprog view() { return {static_cast<unsigned short>(code_.size()), code_.data()}; }

 private:
  std::vector<sock_filter> code_;
};

Program make_program(bool stat_family) {
  Program program;
  program.load(offsetof(struct seccomp_data, arch));
  program.give_unless_equal(kArchitecture, SECCOMP_RET_ALLOW);
  program.load(offsetof(struct seccomp_data, nr));
  if (stat_family)
    for (const int number : stat_call_numbers())
      program.give_if_equal(static_cast<uint32_t>(number), SECCOMP_RET_USER_NOTIF);
  program.give_unless_equal(__NR_ioctl, SECCOMP_RET_ALLOW);
  program.load(kCommandOffset);
  program.mask(0xffff);  // type and number
  for (const ioctl::Row& row : ioctl::table())
    if (row.fds.gives >= 0)
      program.give_if_equal(uint32_t{row.type} << 8 | row.nr, SECCOMP_RET_USER_NOTIF);
  program.give(SECCOMP_RET_ALLOW);
  return program;
}

}  // namespace

int install_filter(bool stat_family) {
  Program program = make_program(stat_family);
  const sock_fprog view = program.view();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  // While the agent is at work on a call only a signal that kills its caller ends it: else each
  // other signal would start the call again, and its first descriptor would be left over.
  constexpr unsigned long kListen = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  for (const unsigned long flags : {kListen | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, kListen}) {
    const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &view);
    if (result >= 0) return static_cast<int>(result);
    // Before Linux 5.19.
    if (errno != EINVAL) break;
  }
  return -errno;
}

}  // namespace fakegpu::tools::run
