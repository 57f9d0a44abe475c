// SPDX-License-Identifier: MIT
#include "dri_nodes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/core.h>

#include "layered_folder.h"
#include "node_claims.h"
#include "owned.h"
#include "sysfs_tree.h"

namespace fakegpu::tools::run {

namespace fs = std::filesystem;

namespace {

struct stat look_at(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
  return status;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

// In /dev/dri there may be another driver's.
void check_ours(const std::string& path) {
  const umd::OwnedFd node(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!node) throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
  if (umd::identify_file(node.get()) == 0)
    throw std::runtime_error(path + " is no node of this device");
}

void bind_file(const std::string& from, const std::string& to) {
  std::ofstream target(to);
  target.close();
  bind(from, to);
}

}  // namespace

DriNodes find_dri_nodes(const std::string& where) {
  const mode_t mode = look_at(where).st_mode;
  if (!S_ISREG(mode) && !S_ISCHR(mode))
    throw std::runtime_error(where + " is no node of the device, which --dri needs");
  const std::string folder = fs::canonical(where).parent_path();
  DriNodes found;
  if (S_ISREG(mode)) {
    // Each look-up of a FUSE file is to give an inode of its own, which a bind mount of the file
    // would not.
    found.folder = folder;
  }
  // In a folder of their own, or where DRM has them.
  const bool together = S_ISREG(mode) || exists(folder + "/card0");
  const std::string nodes = together ? folder : "/dev/dri";
  found.nodes = {{"card0", 0, nodes + "/card0"}, {"renderD128", 128, nodes + "/renderD128"}};
  for (const DriNode& node : found.nodes) check_ours(node.path);
  const std::string sw_sync = (together ? folder : "/dev") + "/sw_sync";
  if (exists(sw_sync)) found.sw_sync = sw_sync;
  return found;
}

std::vector<ShownNode> show_dri_nodes(const DriNodes& nodes) {
  std::vector<ShownNode> shown;
  for (const DriNode& node : nodes.nodes) {
    const struct stat status = look_at(node.path);
    if (!S_ISCHR(status.st_mode) || status.st_rdev != number_of(node))
      shown.push_back({status.st_dev, status.st_ino, number_of(node)});
  }
  show_in_sysfs(nodes.nodes);

  // The nodes as they are now; below they are covered.
  const std::string kept = "/proc/self/fd/";
  const umd::OwnedFd dri(::open(fs::path(nodes.nodes.front().path).parent_path().c_str(),
                                O_PATH | O_DIRECTORY | O_CLOEXEC));
  const umd::OwnedFd sw_sync(
      nodes.sw_sync.empty() ? -1 : ::open(nodes.sw_sync.c_str(), O_PATH | O_CLOEXEC));
  layer_folder("/dev", {"dri", "sw_sync"});
  fs::create_directory("/dev/dri");
  const std::string from = kept + std::to_string(dri.get());
  if (!nodes.folder.empty()) {
    bind(from, "/dev/dri");
    if (sw_sync) fs::create_symlink("dri/sw_sync", "/dev/sw_sync");
    return shown;
  }
  for (const DriNode& node : nodes.nodes)
    bind_file(from + "/" + node.name, std::string("/dev/dri/") + node.name);
  if (sw_sync) bind_file(kept + std::to_string(sw_sync.get()), "/dev/sw_sync");
  return shown;
}

}  // namespace fakegpu::tools::run
