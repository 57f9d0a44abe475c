// SPDX-License-Identifier: MIT
//
// The init program of a user-mode Linux guest whose root is the host's / (hostfs). It prepares what
// a program under test expects of a machine, loads the modules named in $UMODS, runs the shell
// script $UJOB/cmd, leaves its exit status in $UJOB/rc and switches the guest off. Linked
// statically, so that it needs nothing from the root it finds.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// As timeout(1) and env(1) have it.
enum { kCannotPrepare = 125, kCannotRun = 126 };

static const char* job_dir;

static void write_status(int status) {
  char path[4096];
  char text[16];
  int length = snprintf(text, sizeof text, "%d\n", status);

  snprintf(path, sizeof path, "%s/rc", job_dir);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, text, length) != length) perror("uml-init: rc");
  if (fd >= 0) close(fd);
}

static _Noreturn void power_off(void) {
  // hostfs writes back lazily: without this, files the command wrote are lost.
  sync();
  reboot(RB_POWER_OFF);
  abort();
}

// Ends the guest without a status file, which tells the host that the command never ran.
static _Noreturn void fail(const char* what, const char* which) {
  fprintf(stderr, "uml-init: %s %s: %s\n", what, which, strerror(errno));
  power_off();
}

static void mount_at(const char* type, const char* where, const char* options) {
  // Busy: a kernel with DEVTMPFS_MOUNT has mounted /dev already.
  if (mount(type, where, type, MS_NOSUID, options) != 0 && errno != EBUSY) fail("mount", where);
}

static void link_to(const char* target, const char* path) {
  if (symlink(target, path) != 0 && errno != EEXIST) fail("symlink", path);
}

static void prepare_files(void) {
  mount_at("proc", "/proc", NULL);
  mount_at("sysfs", "/sys", NULL);
  mount_at("devtmpfs", "/dev", "mode=0755");
  mount_at("tmpfs", "/run", "mode=0755");
  if (mkdir("/dev/shm", 01777) != 0 && errno != EEXIST) fail("mkdir", "/dev/shm");
  mount_at("tmpfs", "/dev/shm", "mode=1777");
  // The names udev would make; shells need /dev/fd.
  link_to("/proc/self/fd", "/dev/fd");
  link_to("/proc/self/fd/0", "/dev/stdin");
  link_to("/proc/self/fd/1", "/dev/stdout");
  link_to("/proc/self/fd/2", "/dev/stderr");
}

// Loads the comma-separated files in order.
static void load_modules(const char* list) {
  char* copy = strdup(list);
  char* rest = copy;
  char* path;

  while ((path = strsep(&rest, ",")) != NULL) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open", path);
    if (syscall(SYS_finit_module, fd, "", 0) != 0) fail("finit_module", path);
    close(fd);
  }
  free(copy);
}

// Opens a console without line discipline: bytes reach the host as written.
static int open_raw(const char* path) {
  struct termios mode;
  int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

  if (fd < 0) fail("open", path);
  if (tcgetattr(fd, &mode) != 0) fail("tcgetattr", path);
  cfmakeraw(&mode);
  if (tcsetattr(fd, TCSANOW, &mode) != 0) fail("tcsetattr", path);
  return fd;
}

static _Noreturn void run_command(int out, int err) {
  char path[4096];
  int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

  snprintf(path, sizeof path, "%s/cmd", job_dir);
  setsid();
  if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(kCannotPrepare);
  // The command file sets the environment that the host's caller had.
  clearenv();
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  execl("/bin/sh", "sh", path, (char*)NULL);
  dprintf(2, "uml-init: /bin/sh: %s\n", strerror(errno));
  _exit(kCannotRun);
}

int main(void) {
  const char* modules = getenv("UMODS");
  int status = 0;

  if (getpid() != 1) {
    fprintf(stderr, "uml-init: this is the first process of a guest; use tools/uml/run\n");
    return 2;
  }
  job_dir = getenv("UJOB");
  if (job_dir == NULL) {
    errno = ENOENT;
    fail("environment", "UJOB");
  }

  prepare_files();
  if (modules != NULL && modules[0] != '\0') load_modules(modules);
  int out = open_raw("/dev/tty1");
  int err = open_raw("/dev/tty2");

  pid_t child = fork();
  if (child < 0) fail("fork", "sh");
  if (child == 0) run_command(out, err);

  // Init also inherits orphans; only the command's own end counts.
  for (;;) {
    pid_t pid = wait(&status);
    if (pid == child) break;
    if (pid < 0 && errno != EINTR) fail("wait", "sh");
  }
  // What the command left behind must not write after its end.
  kill(-1, SIGKILL);
  tcdrain(out);
  tcdrain(err);
  write_status(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  power_off();
}
