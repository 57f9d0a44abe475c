// SPDX-License-Identifier: MIT
// The floor of bench-transport: libfuse's own single-threaded loop around a handler that does
// nothing but answer DRM_IOCTL_GET_CAP. Takes those options of fakegpud that name the place.
#include <drm.h>
#include <fcntl.h>
#include <fuse3/cuse_lowlevel.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr char kFileName[] = "fakegpu";
constexpr fuse_ino_t kFile = 2;
constexpr double kForever = 3600;

struct Options {
  std::string transport, name, fuse_dir;
  int ready_fd = -1;
};
Options options;

void tell_ready(void*) {
  if (::write(options.ready_fd, "", 1) != 1) std::perror("empty-server: ready");
  ::close(options.ready_fd);
}

struct stat attributes(fuse_ino_t node) {
  struct stat status = {};
  status.st_ino = node;
  status.st_mode = node == kFile ? S_IFREG | 0666 : S_IFDIR | 0755;
  status.st_nlink = 1;
  return status;
}

void lookup(fuse_req_t request, fuse_ino_t, const char* name) {
  if (std::strcmp(name, kFileName) != 0) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param entry = {};
  entry.ino = kFile;
  entry.attr = attributes(kFile);
  entry.attr_timeout = entry.entry_timeout = kForever;
  fuse_reply_entry(request, &entry);
}

void get_attributes(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  const struct stat status = attributes(node);
  fuse_reply_attr(request, &status, kForever);
}

void open(fuse_req_t request, fuse_file_info* info) {
  info->direct_io = 1;
  fuse_reply_open(request, info);
}

void answer(fuse_req_t request, const void* in, size_t in_bytes) {
  drm_get_cap cap = {};
  if (in_bytes != sizeof(cap)) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  std::memcpy(&cap, in, sizeof(cap));
  cap.value = 1;
  fuse_reply_ioctl(request, 0, &cap, sizeof(cap));
}

// An unrestricted call arrives without its struct, which has to be asked for.
void ask_or_answer(fuse_req_t request, void* arg, const void* in, size_t in_bytes) {
  const iovec range = {arg, sizeof(drm_get_cap)};
  if (in_bytes == 0)
    fuse_reply_ioctl_retry(request, &range, 1, &range, 1);
  else
    answer(request, in, in_bytes);
}

int serve(fuse_session* session) {
  if (!session || fuse_set_signal_handlers(session) != 0) return 1;
  const int result = fuse_session_loop(session);
  fuse_remove_signal_handlers(session);
  return result < 0 ? 1 : 0;
}

int serve_fuse(const char* program) {
  fuse_lowlevel_ops ops = {};
  ops.init = [](void*, fuse_conn_info* connection) {
    connection->want &=
        ~unsigned{FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE};
  };
  ops.lookup = lookup;
  ops.getattr = get_attributes;
  ops.open = [](fuse_req_t request, fuse_ino_t, fuse_file_info* info) { open(request, info); };
  ops.ioctl = [](fuse_req_t request, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned,
                 const void* in, size_t in_bytes, size_t) { answer(request, in, in_bytes); };
  std::string name = program;
  char* argv[] = {name.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, argv);
  ::mkdir(options.fuse_dir.c_str(), 0755);
  fuse_session* session = fuse_session_new(&args, &ops, sizeof(ops), nullptr);
  if (!session || fuse_session_mount(session, options.fuse_dir.c_str()) != 0) return 1;
  tell_ready(nullptr);
  const int result = serve(session);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return result;
}

int serve_cuse(const char* program) {
  cuse_lowlevel_ops ops = {};
  ops.init_done = tell_ready;
  ops.open = open;
  ops.ioctl = [](fuse_req_t request, int, void* arg, fuse_file_info*, unsigned, const void* in,
                 size_t in_bytes, size_t) { ask_or_answer(request, arg, in, in_bytes); };
  const std::string device = "DEVNAME=" + options.name;
  const char* info_args[] = {device.c_str()};
  const cuse_info info = {.dev_major = 0,
                          .dev_minor = 0,
                          .dev_info_argc = 1,
                          .dev_info_argv = info_args,
                          .flags = CUSE_UNRESTRICTED_IOCTL};
  std::string words[] = {program, "-f", "-s"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  int multithreaded = 0;
  fuse_session* session = cuse_lowlevel_setup(3, argv, &info, &ops, &multithreaded, nullptr);
  if (!session) return 1;
  const int result = fuse_session_loop(session);
  cuse_lowlevel_teardown(session);
  return result < 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--transport") options.transport = argv[++i];
    if (word == "--name") options.name = argv[++i];
    if (word == "--fuse-dir") options.fuse_dir = argv[++i];
    if (word == "--ready-fd") options.ready_fd = std::stoi(argv[++i]);
  }
  return options.transport == "cuse" ? serve_cuse(argv[0]) : serve_fuse(argv[0]);
}
