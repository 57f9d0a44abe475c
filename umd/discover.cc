// SPDX-License-Identifier: MIT
#include "discover.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "connection.h"
#include "device.h"
#include "transport.h"

namespace fakegpu::umd {

namespace {

constexpr char kDefault[] = "default";

bool is_inprocess(const std::string& where) {
  return where.starts_with(kInprocessPrefix);
}

// Takes kPrimaryPrefix off.
Node node_of(std::string* where) {
  if (!where->starts_with(kPrimaryPrefix)) return Node::kRender;
  where->erase(0, sizeof(kPrimaryPrefix) - 1);
  return Node::kPrimary;
}

std::string reason_for(const Kind& kind, int result) {
  switch (result) {
    case 0:
      return "usable";
    case -ENOENT:
      return "there is no such file; the daemon is not running";
    case -EACCES:
      return "the file's mode does not let this user open it";
    case -ECONNREFUSED:
      return "nobody listens on the socket; the daemon is gone";
    case -ENXIO:
      return kind.result != 0 ? "neither a device, a regular file nor a socket"
                              : "what answers there is not fakegpu";
    case -ENODEV:
      return "the daemon is gone, or does not speak this protocol";
    case -EPERM:
      return "the process behind it runs as a user that is not trusted";
    case -EINVAL:
      return "the settings are not understood";
    case -EOPNOTSUPP:
      return "libdrm_fakegpu_inprocess cannot be loaded, or is of another version";
    default:
      return strerrordesc_np(-result) ? strerrordesc_np(-result) : "unknown error";
  }
}

}  // namespace

Environment environment() {
  Environment environment;
  // As every library that may run in a set-user-id program: the environment is not to be trusted
  // there.
  const char* device = ::secure_getenv("FAKEGPU_DEVICE");
  if (device && *device) environment.device = device;
  environment.defaults = default_places(::geteuid(), ::secure_getenv("XDG_RUNTIME_DIR"));
  return environment;
}

std::vector<std::string> default_places(uid_t user, const char* runtime_directory) {
  std::vector<std::string> all;
  if (user != 0 && runtime_directory && runtime_directory[0] == '/') {
    const std::string own = std::string(runtime_directory) + "/fakegpu";
    all = {own + "/fs/fakegpu", own + "/socket"};
  }
  all.insert(all.end(),
             {"/dev/fakegpu", "/run/fakegpu/fs/fakegpu", "/run/fakegpu/socket", kInprocessPrefix});
  return all;
}

std::vector<Place> places(const Environment& environment) {
  if (environment.device) return {{*environment.device, "$FAKEGPU_DEVICE"}};
  std::vector<Place> all;
  for (const std::string& where : environment.defaults) all.push_back({where, kDefault});
  return all;
}

Kind kind_of(const std::string& place) {
  std::string where = place;
  node_of(&where);
  if (is_inprocess(where)) return {0, "inprocess"};
  struct stat status;
  if (::stat(where.c_str(), &status) != 0) return {-errno, ""};
  if (S_ISCHR(status.st_mode)) return {0, "cuse"};
  if (S_ISREG(status.st_mode)) return {0, "fuse"};
  if (S_ISSOCK(status.st_mode)) return {0, "socket"};
  return {-ENXIO, ""};
}

int open_at(const std::string& place, struct fakegpu_device** out) {
  std::string where = place;
  const Node node = node_of(&where);
  std::unique_ptr<Transport> transport;
  int result;
  if (is_inprocess(where)) {
    result = open_inprocess(where.substr(sizeof(kInprocessPrefix) - 1), &transport, node);
  } else {
    struct stat status;
    if (::stat(where.c_str(), &status) != 0) return -errno;
    if (S_ISSOCK(status.st_mode)) {
      OwnedFd socket;
      result = Connection::connect(where, status.st_uid, &socket);
      if (result == 0) result = open_socket(std::move(socket), &transport, node);
    } else if (node == Node::kPrimary) {
      return -EINVAL;  // a path says itself which node it is
    } else if (S_ISCHR(status.st_mode) || S_ISREG(status.st_mode)) {
      OwnedFd fd(::open(where.c_str(), O_RDWR | O_CLOEXEC));
      if (!fd) return -errno;
      result = open_node(std::move(fd), &transport);
    } else {
      return -ENXIO;
    }
  }
  return result == 0 ? open_transport(std::move(transport), out) : result;
}

int visit_candidates(const Environment& environment,
                     int (*visit)(const struct fakegpu_candidate*, void*), void* data) {
  std::vector<Place> all = places(environment);
  const size_t eligible = all.size();
  if (environment.device)
    for (const std::string& where : environment.defaults) all.push_back({where, kDefault});

  bool chosen = false;
  for (size_t i = 0; i < all.size(); ++i) {
    const Kind kind = kind_of(all[i].where);
    struct fakegpu_device* device = nullptr;
    const int result = open_at(all[i].where, &device);
    fakegpu_device_close(device);
    const std::string reason = reason_for(kind, result);

    fakegpu_candidate candidate = {};
    candidate.where = all[i].where.c_str();
    candidate.source = all[i].source;
    candidate.transport = kind.transport;
    candidate.result = result;
    candidate.chosen = i < eligible && !chosen && result == 0;
    candidate.reason = reason.c_str();
    chosen = chosen || candidate.chosen;
    if (const int stop = visit(&candidate, data); stop != 0) return stop;
  }
  return 0;
}

}  // namespace fakegpu::umd

extern "C" int fakegpu_discover(int (*visit)(const struct fakegpu_candidate*, void* data),
                                void* data) {
  using namespace fakegpu::umd;
  return guarded([&] { return visit_candidates(environment(), visit, data); });
}
