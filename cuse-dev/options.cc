// SPDX-License-Identifier: MIT
#include "options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <map>

#include "ioctl/fault_text.h"
#include "version.h"

namespace fakegpu::cuse_dev {
namespace {

const std::map<std::string, TransportKind> kTransports = {{"auto", TransportKind::kAuto},
                                                          {"cuse", TransportKind::kCuse},
                                                          {"fuse", TransportKind::kFuse},
                                                          {"socket", TransportKind::kSocket},
                                                          {"all", TransportKind::kAll}};
const std::map<std::string, base::LogLevel> kLogLevels = {{"error", base::LogLevel::kError},
                                                          {"warning", base::LogLevel::kWarning},
                                                          {"info", base::LogLevel::kInfo},
                                                          {"debug", base::LogLevel::kDebug}};
const std::map<std::string, LoopKind> kLoops = {
    {"auto", LoopKind::kAuto}, {"uring", LoopKind::kUring}, {"epoll", LoopKind::kEpoll}};

constexpr int64_t kMaxTimeoutMs = int64_t{1} << 40;

// What needs more than one conversion before it is an Options.
struct Texts {
  std::string mode = "0666";
  std::vector<std::string> faults;
  std::vector<std::string> without;
  uint64_t vram_mib = 1024;
  int64_t queue_time_us = 2000;
  std::string lockup_timeout;
  std::string as;
};

void add_transport_options(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("--transport", options.transport, "Ways in: auto, cuse, fuse, socket or all")
      ->transform(CLI::CheckedTransformer(kTransports));
  app.add_option("--name", options.name, "Name of the main CUSE node below /dev (fakegpu)");
  app.add_option("--card", options.card, "Name of a primary CUSE node: dri/card0");
  app.add_option("--render", options.render, "Name of a further render CUSE node: dri/renderD128");
  app.add_option("--sw-sync", options.sw_sync,
                 "Name of the sw_sync CUSE node, \"\" for none (sw_sync)")
      ->each([&options](const std::string&) { options.sw_sync_needed = true; });
  app.add_option("--mode", texts.mode,
                 "Permissions of every node, by the socket too, octal (0666)");
  app.add_flag("--restricted", options.restricted,
               "CUSE: let the kernel move only the struct of an ioctl");
  app.add_option("--fuse-dir", options.fuse_directory,
                 "Where the FUSE file system is mounted (/run/fakegpu/fs; "
                 "$XDG_RUNTIME_DIR/fakegpu/fs but for root)");
  app.add_option("--link", options.link, "Make a symbolic link to the FUSE file");
  app.add_option("--bind", options.bind, "Bind-mount the FUSE file; turns its mmap off");
  app.add_option("--socket", options.socket,
                 "Path of the socket, \"\" for none (/run/fakegpu/socket; "
                 "$XDG_RUNTIME_DIR/fakegpu/socket but for root)");
}

void add_machine_options(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("--vram", texts.vram_mib, "Video memory in MiB (1024)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 18));
  app.add_option("--gfx", options.profile.gfx_rings, "Graphics rings (1)")->check(CLI::Range(0, 4));
  app.add_option("--compute", options.profile.compute_rings, "Compute rings (4)")
      ->check(CLI::Range(0, 8));
  app.add_option("--sdma", options.profile.sdma_rings, "Copy engines (2)")->check(CLI::Range(0, 4));
  app.add_option("--policy", options.driver.policy,
                 "Scheduling policy: prepaid, fair, fifo, rr, edf (prepaid)");
  app.add_option("--queue-time", texts.queue_time_us,
                 "A ring with work for so many us is given no more, 0 for any (2000)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  app.add_option("--hw-submission", options.driver.hw_submission, "Jobs that a ring holds (16)")
      ->check(CLI::Range(1u, 1'000'000u));
  app.add_option("--entity-jobs", options.driver.entity_jobs,
                 "Jobs that a context may have queued on a ring (1024)")
      ->check(CLI::Range(1u, 1'000'000u));
  app.add_option("--without", texts.without,
                 "Driver features to leave out: syncobj, timeline, prime, dumb")
      ->allow_extra_args(false);
  app.add_option(
      "--lockup-timeout", texts.lockup_timeout,
      "Longest execution of a job in ms, for GFX[,COMPUTE[,SDMA[,VIDEO]]] (2000,10000,2000)");
  app.add_option(
      "--recovery", options.driver.recovery,
      "Jobs beside one that hangs: reemit-innocent, karma, cancel-all (reemit-innocent)");
  app.add_option("--hang-limit", options.driver.hang_limit,
                 "Chances of a job that hangs, with karma (1)");
  app.add_option("--compat", texts.as, "Recover as Linux 6.12 does")
      ->check(CLI::IsMember({"6.12"}));
  app.add_option("--workers", options.workers, "Threads that execute; 0: by the machine (0)")
      ->check(CLI::Range(0, 64));
  app.add_option("--inject", texts.faults,
                 "A fault, as `fakegpu inject` takes it: name[,nth=N | ,probability=P[,seed=S]]"
                 "[,ring=R][,for=T][,duration=T][,errno=E][,ioctl=I]")
      ->allow_extra_args(false);
}

void add_process_options(CLI::App& app, Options& options) {
  app.add_flag("--foreground")->description("Stay in the foreground; always so");
  app.add_option("--log-level", options.log_level, "error, warning, info or debug (warning)")
      ->transform(CLI::CheckedTransformer(kLogLevels));
  app.add_option("--trace", options.trace_file, "Write events as text to this file");
  app.add_option("--ready-fd", options.ready_fd, "Write READY to this descriptor when serving")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--loop", options.loop, "How to wait: auto, uring or epoll")
      ->transform(CLI::CheckedTransformer(kLoops));
  app.set_version_flag("--version", "fakegpud " FAKEGPU_VERSION);
}

base::Result<> convert(const Texts& texts, Options& options) {
  const auto mode = parse_mode(texts.mode);
  if (!mode) return base::fail(EINVAL, "--mode: {} is not an octal mode", texts.mode);
  options.mode = *mode;
  options.profile.vram_bytes = texts.vram_mib << 20;
  options.driver.queue_time = texts.queue_time_us * base::kNanosPerMicro;
  if (!texts.lockup_timeout.empty()) {
    auto timeout = parse_lockup_timeout(texts.lockup_timeout);
    if (!timeout) return tl::unexpected(std::move(timeout).error());
    options.driver.lockup_timeout = *timeout;
  }
  options.driver.as_6_12 = !texts.as.empty();
  for (const std::string& text : texts.without) {
    const auto features = drv::parse_features(text);
    if (!features) return base::fail(EINVAL, "--without: \"{}\" is not understood", text);
    options.driver.features &= ~*features;
  }
  for (const std::string& text : texts.faults) {
    drm_fakegpu_fault fault;
    std::string why;
    // The names of the rings are the device's.
    const auto any = [](std::string_view) { return uint32_t{0}; };
    if (!ioctl::parse_fault(text, any, &fault, &why)) return base::fail(EINVAL, "{}", why);
    options.faults.push_back(text);
  }
  return {};
}

}  // namespace

base::Result<drv::LockupTimeout> parse_lockup_timeout(std::string_view text) {
  drv::LockupTimeout timeout;
  int64_t unused_video = 0;
  base::Nanos* const engines[] = {&timeout.gfx, &timeout.compute, &timeout.sdma, &unused_video};
  size_t count = 0;
  for (std::string_view rest = text;; ++count) {
    const std::string_view one = rest.substr(0, rest.find(','));
    int64_t ms = 0;
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), ms);
    if (count == std::size(engines) || error != std::errc() || end != one.data() + one.size() ||
        ms > kMaxTimeoutMs)
      return base::fail(EINVAL, "--lockup-timeout: \"{}\" is not up to four numbers of ms", text);
    if (ms != 0) *engines[count] = std::max<int64_t>(ms, 0) * base::kNanosPerMilli;
    if (one.size() == rest.size()) break;
    rest.remove_prefix(one.size() + 1);
  }
  // One value is for all but compute.
  if (count == 0) timeout.sdma = timeout.gfx;
  return timeout;
}

std::optional<mode_t> parse_mode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 0777) return std::nullopt;
  return mode;
}

std::string default_directory(uid_t user, const char* runtime_directory) {
  if (user == 0 || runtime_directory == nullptr || runtime_directory[0] != '/')
    return "/run/fakegpu";
  return std::string(runtime_directory) + "/fakegpu";
}

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  const std::string directory = default_directory(geteuid(), getenv("XDG_RUNTIME_DIR"));
  parsed.options.fuse_directory = directory + "/fs";
  parsed.options.socket = directory + "/socket";
  Texts texts;
  CLI::App app("A fake GPU, served to programs as a device.", "fakegpud");
  add_transport_options(app, parsed.options, texts);
  add_machine_options(app, parsed.options, texts);
  add_process_options(app, parsed.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.status = app.exit(error);
    return parsed;
  }
  if (auto converted = convert(texts, parsed.options); !converted) {
    base::log_line(base::LogLevel::kError, "fakegpud: " + converted.error().message());
    parsed.status = EXIT_FAILURE;
  }
  return parsed;
}

}  // namespace fakegpu::cuse_dev
