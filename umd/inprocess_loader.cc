// SPDX-License-Identifier: MIT
// Finds the in-process module. The UMD does not link the driver: it loads the module when it is
// asked for, from beside itself or from where the loader looks.
#include <dlfcn.h>

#include <atomic>
#include <mutex>
#include <string_view>

#include "transport.h"

namespace fakegpu::umd {

namespace {

constexpr char kLibrary[] = "libdrm_fakegpu_inprocess.so.1";
constexpr char kSymbol[] = "fakegpu_inprocess_module";

std::atomic<const InprocessModule*> registered;

void* load() {
  Dl_info self;
  if (::dladdr(reinterpret_cast<const void*>(&register_inprocess), &self) != 0 && self.dli_fname) {
    const std::string_view path = self.dli_fname;
    const size_t slash = path.rfind('/');
    if (slash != std::string_view::npos) {
      const std::string beside = std::string(path.substr(0, slash + 1)) + kLibrary;
      if (void* library = ::dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    }
  }
  return ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
}

const InprocessModule* find_module() {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (const InprocessModule* module = registered.load()) return module;
  // Never unloaded: its threads and objects may outlive any device.
  void* library = load();
  if (!library) return nullptr;
  registered = static_cast<const InprocessModule*>(::dlsym(library, kSymbol));
  return registered.load();
}

}  // namespace

void register_inprocess(const InprocessModule& module) {
  registered = &module;
}

int open_inprocess(const std::string& settings, std::unique_ptr<Transport>* out, Node node) {
  const InprocessModule* module = registered.load();
  if (!module) module = find_module();
  if (!module || std::string_view(module->version) != FAKEGPU_VERSION) return -EOPNOTSUPP;
  return module->open(settings, out, node);
}

}  // namespace fakegpu::umd
