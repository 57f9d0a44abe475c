// SPDX-License-Identifier: MIT
#include "cuse_session.h"

#include <fuse3/cuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/log.h"
#include "drm_numbers.h"

namespace fakegpu::cuse_dev {
namespace {

std::string read_proc_devices() {
  std::ifstream file("/proc/devices");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

CuseSession::CuseSession(Loop& loop, const Options& options)
    : FuseConnection(loop, options.nodes, !options.restricted, "/dev/" + options.name),
      kind_(options.kind) {}

const cuse_lowlevel_ops& CuseSession::operations() {
  static const cuse_lowlevel_ops operations = [] {
    cuse_lowlevel_ops ops = {};
    // After the reply to INIT, by which the node has come to be.
    ops.init_done = [](void* self) { static_cast<CuseSession&>(of(self)).set_initialised(); };
    ops.open = [](fuse_req_t request, fuse_file_info* info) {
      CuseSession& session = static_cast<CuseSession&>(of(request));
      FuseDevice& device = session.device_;
      auto open = device.open(request, session.kind_);
      if (!open) {
        fuse_reply_err(request, open.error().code());
        return;
      }
      info->fh = reinterpret_cast<uint64_t>(*open);
      // The opener was killed meanwhile, and no release will follow.
      if (fuse_reply_open(request, info) == -ENOENT) device.close(*open);
    };
    ops.release = [](fuse_req_t request, fuse_file_info* info) {
      // close() returns when this is answered: by then everything is given back.
      static_cast<CuseSession&>(of(request)).device_.close(FuseDevice::find(info));
      fuse_reply_err(request, 0);
    };
    ops.read = [](fuse_req_t request, size_t bytes, off_t, fuse_file_info* info) {
      do_read(request, bytes, info);
    };
    ops.write = [](fuse_req_t request, const char*, size_t, off_t, fuse_file_info*) {
      do_write(request);
    };
    ops.ioctl = [](fuse_req_t request, int command, void* arg, fuse_file_info* info, unsigned flags,
                   const void* in, size_t in_bytes, size_t out_bytes) {
      do_ioctl(request, static_cast<unsigned>(command), arg, info, flags, in, in_bytes, out_bytes);
    };
    ops.poll = do_poll;
    return ops;
  }();
  return operations;
}

base::Result<std::unique_ptr<Transport>> CuseSession::create_on(Loop& loop, const Options& options,
                                                                base::UniqueFd fd) {
  std::unique_ptr<CuseSession> session(new CuseSession(loop, options));
  const std::string device = "DEVNAME=" + options.name;
  const char* info_args[] = {device.c_str()};
  const cuse_info info{.dev_major = major(options.number),
                       .dev_minor = minor(options.number),
                       .dev_info_argc = 1,
                       .dev_info_argv = info_args,
                       .flags = options.restricted ? 0u : unsigned{CUSE_UNRESTRICTED_IOCTL}};
  char program[] = "fakegpud";
  char* argv[] = {program, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, argv);
  fuse_session* made = cuse_lowlevel_new(&args, &info, &operations(), session->user_data());
  fuse_opt_free_args(&args);
  FAKEGPU_TRY(session->adopt(made, std::move(fd)));
  FAKEGPU_TRY(session->handshake());
  return session;
}

base::Result<std::unique_ptr<Transport>> CuseSession::register_node(Loop& loop,
                                                                    const Options& options) {
  // libfuse's own open of /dev/cuse would leak the descriptor to children, and with it the device.
  base::UniqueFd fd(::open("/dev/cuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return base::fail_errno("/dev/cuse");
  auto session = create_on(loop, options, std::move(fd));
  if (!session) return session;
  // A refused name or number does not show in any reply. The node is never opened from here:
  // closing it would wait for this very process.
  const std::string node = "/dev/" + options.name;
  struct stat status;
  if (::stat(node.c_str(), &status) != 0 || !S_ISCHR(status.st_mode))
    return base::fail(ENODEV, "no node {} appeared", node);
  if (::chmod(node.c_str(), options.mode) != 0) return base::fail_errno("chmod " + node);
  static_cast<CuseSession&>(**session).nodes().add_node({true, status.st_rdev});
  return session;
}

base::Result<std::unique_ptr<Transport>> CuseSession::create(Loop& loop, const Options& options) {
  const std::string node = "/dev/" + options.name;
  struct stat status;
  if (::stat(node.c_str(), &status) == 0) return base::fail(EEXIST, "{} exists", node);
  const auto number = drm_number(options.name);
  if (options.number == 0 && number && !is_drm_loaded(read_proc_devices())) {
    Options numbered = options;
    numbered.number = *number;
    auto session = register_node(loop, numbered);
    if (session || session.error().code() != ENODEV) return session;
    base::log(base::LogLevel::kInfo, "{}: DRM's number for it is taken", node);
  }
  return register_node(loop, options);
}

}  // namespace fakegpu::cuse_dev
