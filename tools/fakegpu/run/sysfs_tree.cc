// SPDX-License-Identifier: MIT
#include "sysfs_tree.h"

#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include <fmt/core.h>

#include "layered_folder.h"

namespace fakegpu::tools::run {

namespace fs = std::filesystem;

namespace {

constexpr unsigned kDrmMajor = 226;
constexpr char kPlatform[] = "/sys/devices/platform";
constexpr char kDevice[] = "fakegpu.0";

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::string number_text(const DriNode& node) {
  return fmt::format("{}:{}", kDrmMajor, node.minor);
}

// The nodes lie below their parent, as libudev goes up from folder to folder.
void make_device(const std::vector<DriNode>& nodes) {
  const fs::path device = fs::path(kPlatform) / kDevice;
  fs::create_directories(device / "drm");
  write_file(device / "uevent", "DRIVER=fakegpu\nMODALIAS=platform:fakegpu\n");
  write_file(device / "modalias", "platform:fakegpu\n");
  fs::create_symlink("../../../bus/platform", device / "subsystem");
  for (const DriNode& node : nodes) {
    const fs::path folder = device / "drm" / node.name;
    fs::create_directory(folder);
    write_file(folder / "dev", number_text(node) + "\n");
    write_file(folder / "uevent",
               fmt::format("MAJOR={}\nMINOR={}\nDEVNAME=dri/{}\nDEVTYPE=drm_minor\n", kDrmMajor,
                           node.minor, node.name));
    fs::create_symlink("../../../../../class/drm", folder / "subsystem");
    fs::create_symlink(std::string("../../../") + kDevice, folder / "device");
  }
}

}  // namespace

dev_t number_of(const DriNode& node) {
  return makedev(kDrmMajor, node.minor);
}

void show_in_sysfs(const std::vector<DriNode>& nodes) {
  layer_folder(kPlatform, {kDevice});
  make_device(nodes);

  std::set<std::string> numbers;
  for (const DriNode& node : nodes) numbers.insert(number_text(node));
  layer_folder("/sys/dev/char", numbers);
  layer_folder("/sys/class", {"drm"});
  const fs::path drm = "/sys/class/drm";
  fs::create_directory(drm);
  write_file(drm / "version", "drm 1.1.0 20060810\n");
  for (const DriNode& node : nodes) {
    const std::string target = fmt::format("../../devices/platform/{}/drm/{}", kDevice, node.name);
    fs::create_symlink(target, drm / node.name);
    fs::create_symlink(target, fs::path("/sys/dev/char") / number_text(node));
  }
}

}  // namespace fakegpu::tools::run
