// SPDX-License-Identifier: MIT
#include "fuse_session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <thread>

#include "base/log.h"
#include "mount_paths.h"
#include "passthrough.h"

namespace fakegpu::cuse_dev {
namespace {

// Also the number of pages that a request may touch, and so of reads: with one page a read of
// events would be cut where its buffer crosses into the next.
constexpr uint32_t kMaxWriteBytes = 64 << 10;
// The file's attributes never change. The directory's are asked for each time, so that a look at it
// tells a dead daemon from a live one.
constexpr double kAttributeSeconds = 3600;

}  // namespace

FuseSession::FuseSession(Loop& loop, const Options& options)
    : FuseConnection(loop, options.nodes, false, options.directory + "/" + kFileName),
      options_(options),
      backings_([this](int file) { return open_backing(fd(), file); },
                [this](int32_t id) { close_backing(fd(), id); }),
      names_(nodes().claims()),
      directory_(options_.mode, names_) {}

FuseSession::~FuseSession() {
  tear_down();
}

base::Result<std::unique_ptr<Transport>> FuseSession::create(Loop& loop, const Options& options) {
  FAKEGPU_TRY(prepare_mount_point(options.directory, kFileName));
  std::unique_ptr<FuseSession> session(new FuseSession(loop, options));
  auto try_mount = [&](const char* mount_options) -> fuse_session* {
    std::string text = mount_options;
    char program[] = "fakegpud";
    char dash_o[] = "-o";
    char* argv[] = {program, dash_o, text.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(3, argv);
    fuse_session* made =
        fuse_session_new(&args, &operations(), sizeof(operations()), session->user_data());
    fuse_opt_free_args(&args);
    if (made != nullptr && fuse_session_mount(made, options.directory.c_str()) != 0) {
      fuse_session_destroy(made);
      made = nullptr;
    }
    return made;
  };
  fuse_session* made = try_mount(
      "allow_other,default_permissions,nosuid,nodev,noexec,fsname=fakegpu,subtype=fakegpu");
  if (made == nullptr && geteuid() != 0) {
    // Without user_allow_other in /etc/fuse.conf.
    base::log(base::LogLevel::kWarning, "{}: only for this user", options.directory);
    made = try_mount("default_permissions,fsname=fakegpu,subtype=fakegpu");
  }
  if (made == nullptr) return base::fail(ENODEV, "cannot mount on {}", options.directory);
  session->mounted_ = true;
  FAKEGPU_TRY(session->adopt(made, base::UniqueFd(fuse_session_fd(made))));
  FAKEGPU_TRY(session->negotiate());
  // By what the kernel has: not a request, which would be to ourselves.
  struct statx status;
  if (::statx(AT_FDCWD, options.directory.c_str(), AT_STATX_DONT_SYNC, 0, &status) != 0)
    return base::fail_errno("statx " + options.directory);
  session->nodes().add_node({false, makedev(status.stx_dev_major, status.stx_dev_minor)});
  return session;
}

base::Result<std::unique_ptr<Transport>> FuseSession::create_on(Loop& loop, const Options& options,
                                                                base::UniqueFd fd) {
  std::unique_ptr<FuseSession> session(new FuseSession(loop, options));
  char program[] = "fakegpud";
  char* argv[] = {program, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, argv);
  fuse_session* made =
      fuse_session_new(&args, &operations(), sizeof(operations()), session->user_data());
  fuse_opt_free_args(&args);
  FAKEGPU_TRY(session->adopt(made, std::move(fd)));
  FAKEGPU_TRY(session->negotiate());
  return session;
}

base::Result<> FuseSession::negotiate() {
  FAKEGPU_TRY(handshake());
  if (!offered_) return {};
  // Offered is not allowed: registering a file needs rights of the initial user namespace.
  auto trial = base::create_sealed_memfd("fakegpu-trial", 4096);
  if (!trial) return tl::unexpected(std::move(trial).error());
  auto backing = open_backing(fd(), trial->get());
  if (backing) {
    close_backing(fd(), *backing);
    passthrough_ = true;
  } else {
    base::log(base::LogLevel::kInfo, "no mmap on the file: {}", backing.error().message());
  }
  return {};
}

void FuseSession::init(fuse_conn_info* connection) {
  connection->want &=
      ~unsigned{FUSE_CAP_IOCTL_DIR | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS |
                FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                FUSE_CAP_SPLICE_MOVE};
  // Nobody writes.
  connection->max_write = kMaxWriteBytes;
  offered_ = options_.passthrough && options_.bind.empty() && offers_passthrough(request());
  set_initialised();
}

void FuseSession::amend_init_reply(std::span<const iovec> reply) {
  if (offered_) offered_ = request_passthrough(reply);
}

base::Result<> FuseSession::start(drv::Machine& machine, Owner& owner) {
  FAKEGPU_TRY(FuseConnection::start(machine, owner));
  if (!options_.link.empty()) {
    FAKEGPU_TRY(make_link(std::string(where()), options_.link));
    linked_ = true;
  }
  if (!options_.bind.empty()) FAKEGPU_TRY(bind_file());
  return {};
}

// mount(2) looks the file up, which is a request to ourselves: another thread calls it.
base::Result<> FuseSession::bind_file() {
  FAKEGPU_TRY(prepare_bind_target(options_.bind));
  base::UniqueFd done(eventfd(0, EFD_CLOEXEC));
  if (!done) return base::fail_errno("eventfd");
  int error = 0;
  std::thread mounter([&] {
    if (::mount(where().data(), options_.bind.c_str(), nullptr, MS_BIND, nullptr) != 0)
      error = errno;
    eventfd_write(done.get(), 1);
  });
  pollfd waits[2] = {{.fd = fd(), .events = POLLIN}, {.fd = done.get(), .events = POLLIN}};
  while (waits[1].revents == 0) {
    ::poll(waits, 2, -1);
    // Lost: the kernel ends the mount call with an error.
    if (waits[0].revents != 0 && serve_one() == Step::kLost) waits[0].fd = -1;
  }
  mounter.join();
  if (error != 0)
    return base::fail(error, "bind mount on {}: {}", options_.bind, std::strerror(error));
  bound_ = true;
  return {};
}

void FuseSession::tear_down() {
  if (linked_) remove_link(std::string(where()), options_.link);
  linked_ = false;
  // Lazily, as programs may still hold the file.
  if (bound_) umount2(options_.bind.c_str(), MNT_DETACH);
  bound_ = false;
  if (mounted_ && session() != nullptr) {
    fuse_session_unmount(session());
    // libfuse leaves the mount of a connection alone that the kernel has ended.
    (void)detach_dead_mount(options_.directory, kFileName);
  }
  mounted_ = false;
}

void FuseSession::reply_attributes(fuse_req_t request, fuse_ino_t node) {
  const struct stat status = self(request).directory_.attributes(node);
  fuse_reply_attr(request, &status, node == FUSE_ROOT_ID ? 0 : kAttributeSeconds);
}

void FuseSession::lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  FuseSession& session = self(request);
  const fuse_ctx* context = fuse_req_ctx(request);
  fuse_entry_param entry = {};
  if (parent == FUSE_ROOT_ID)
    entry.ino = session.directory_.look_up(name, context->uid, context->gid);
  if (entry.ino == 0) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  entry.generation = 1;
  entry.attr_timeout = kAttributeSeconds;
  entry.attr = session.directory_.attributes(entry.ino);
  fuse_reply_entry(request, &entry);
}

void FuseSession::read_directory(fuse_req_t request, fuse_ino_t node, size_t bytes, off_t offset) {
  if (node != FUSE_ROOT_ID) {
    fuse_reply_err(request, ENOTDIR);
    return;
  }
  char buffer[512];
  const auto room = std::span(buffer).first(std::min(bytes, sizeof(buffer)));
  fuse_reply_buf(request, buffer, self(request).directory_.list(request, room, offset));
}

void FuseSession::open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  if (node == FUSE_ROOT_ID) {
    fuse_reply_err(request, EISDIR);
    return;
  }
  FuseSession& session = self(request);
  if (session.names_.find(node) != nullptr)
    session.open_claimed(request, node, info);
  else
    session.open_device(request, node, info);
}

void FuseSession::open_device(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  const uid_t uid = fuse_req_ctx(request)->uid;
  const NodeKind kind = FuseDirectory::kind(node);
  auto sibling = backings_.sibling(node, uid);
  auto open = sibling ? device_.open(request, kind, *sibling)
                      : base::Result<OpenFile*>(tl::unexpected(sibling.error()));
  if (!open) {
    base::log(base::LogLevel::kDebug, "open: {}", open.error().message());
    fuse_reply_err(request, open.error().code());
    return;
  }
  if (!passthrough_ || kind == NodeKind::kSwSync)
    return reply_open(request, info, *open, std::nullopt);
  const auto backing = backings_.add(node, uid, *(*open)->file);
  if (!backing) {
    // Opening without it would leave a file whose mmap fails though the driver offers it.
    base::log(base::LogLevel::kWarning, "open: {}", backing.error().message());
    device_.close(*open);
    fuse_reply_err(request, backing.error().code());
    return;
  }
  (*open)->leaving = [this, node](drv::File& file) { backings_.remove(node, file); };
  reply_open(request, info, *open, *backing);
}

// As the kernel's anonymous inodes, such a file cannot be opened again: -ENXIO.
void FuseSession::open_claimed(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  std::unique_ptr<drv::File> file = names_.open(node, fuse_req_ctx(request)->uid);
  if (!file) {
    fuse_reply_err(request, ENXIO);
    return;
  }
  const auto pages = file->pages();
  OpenFile* const open = device_.open_claimed(std::move(file));
  std::optional<int32_t> backing;
  if (passthrough_ && pages) {
    auto id = open_backing(fd(), pages->fd.get());
    if (!id) {
      base::log(base::LogLevel::kWarning, "open: {}", id.error().message());
      device_.close(open);
      names_.close(node);
      fuse_reply_err(request, id.error().code());
      return;
    }
    backing = *id;
  }
  open->leaving = [this, node, backing](drv::File&) {
    if (backing) close_backing(fd(), *backing);
    names_.close(node);
  };
  reply_open(request, info, open, backing);
}

// `backing`: what mmap() shows.
void FuseSession::reply_open(fuse_req_t request, fuse_file_info* info, OpenFile* open,
                             std::optional<int32_t> backing) {
  info->fh = reinterpret_cast<uint64_t>(open);
  info->direct_io = 1;
  int error = 0;
  if (!backing) {
    error = fuse_reply_open(request, info);
  } else {
    // libfuse's reply has no room for the backing file: this one goes out without it.
    PassthroughOpenReply reply = passthrough_open_reply(unique(), info->fh, *backing);
    if (::write(fd(), &reply, sizeof(reply)) < 0) error = -errno;
    fuse_reply_none(request);
  }
  // The opener was killed meanwhile, and no release will follow.
  if (error == -ENOENT) device_.close(open);
}

void FuseSession::release(fuse_req_t request, fuse_file_info* info) {
  self(request).device_.close(FuseDevice::find(info));
  fuse_reply_err(request, 0);
}

const fuse_lowlevel_ops& FuseSession::operations() {
  static const fuse_lowlevel_ops operations = [] {
    fuse_lowlevel_ops ops = {};
    ops.init = [](void* self, fuse_conn_info* connection) {
      static_cast<FuseSession&>(of(self)).init(connection);
    };
    ops.lookup = lookup;
    ops.getattr = [](fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
      reply_attributes(request, node);
    };
    ops.setattr = [](fuse_req_t request, fuse_ino_t node, struct stat*, int what, fuse_file_info*) {
      // A device node takes O_TRUNC and times, and they mean nothing; who may open it is --mode's.
      if ((what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) {
        fuse_reply_err(request, EPERM);
        return;
      }
      reply_attributes(request, node);
    };
    ops.readdir = [](fuse_req_t request, fuse_ino_t node, size_t bytes, off_t offset,
                     fuse_file_info*) { read_directory(request, node, bytes, offset); };
    ops.open = open;
    ops.release = [](fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
      release(request, info);
    };
    ops.read = [](fuse_req_t request, fuse_ino_t, size_t bytes, off_t, fuse_file_info* info) {
      do_read(request, bytes, info);
    };
    ops.write = [](fuse_req_t request, fuse_ino_t, const char*, size_t, off_t, fuse_file_info*) {
      do_write(request);
    };
    ops.ioctl = [](fuse_req_t request, fuse_ino_t, unsigned command, void* arg,
                   fuse_file_info* info, unsigned flags, const void* in, size_t in_bytes,
                   size_t out_bytes) {
      do_ioctl(request, command, arg, info, flags, in, in_bytes, out_bytes);
    };
    ops.poll = [](fuse_req_t request, fuse_ino_t, fuse_file_info* info, fuse_pollhandle* handle) {
      do_poll(request, info, handle);
    };
    return ops;
  }();
  return operations;
}

}  // namespace fakegpu::cuse_dev
