// SPDX-License-Identifier: MIT
// The command `fakegpu`.
#include <CLI/CLI.hpp>
#include <exception>

#include <fmt/core.h>

#include "demo.h"
#include "version.h"

namespace fakegpu::tools {

namespace {

int run(int argc, char** argv) {
  CLI::App app("fakegpu: a GPU driver stack in userspace over a fake GPU");
  app.set_version_flag("--version", FAKEGPU_VERSION);
  app.require_subcommand(1);

  DemoOptions demo;
  demo.client.out = "out.png";
  const auto add_client_options = [](CLI::App& command, ClientOptions& options) {
    command.add_option("--device", options.device, "the device to use, as $FAKEGPU_DEVICE");
    command.add_option("--seconds", options.seconds, "how long the clients run")
        ->check(CLI::Range(0.05, 3600.0))
        ->capture_default_str();
    command.add_option("--image", options.image, "PNG to filter; without, the GPU renders one");
    command.add_option("--out", options.out, "where the filtered picture goes")
        ->capture_default_str();
  };
  CLI::App* demo_command = app.add_subcommand(
      "demo", "three clients at work on one GPU: a filter pipeline, an interactive client, a hog");
  add_client_options(*demo_command, demo.client);
  demo_command->add_option("--transport", demo.transport, "of the daemon that is started")
      ->check(CLI::IsMember({"auto", "cuse", "fuse", "socket", "all"}))
      ->capture_default_str();

  std::string client_name;
  ClientOptions client;
  CLI::App* client_command = app.add_subcommand("demo-client", "one of the demo's clients alone");
  client_command->add_option("client", client_name, "which one")
      ->required()
      ->check(CLI::IsMember({"filter", "interactive", "hog"}));
  add_client_options(*client_command, client);

  std::string device;
  bool json = false;
  CLI::App* info_command = app.add_subcommand("info", "what the device says of itself");
  info_command->add_option("--device", device, "the device to use, as $FAKEGPU_DEVICE");
  info_command->add_flag("--json", json, "as JSON");
  CLI::App* doctor_command = app.add_subcommand(
      "doctor", "what this machine offers, which transport is used, what is missing");

  CLI11_PARSE(app, argc, argv);
  if (*demo_command) return run_demo(demo);
  if (*client_command) return run_demo_client(client_name, client);
  if (*info_command) return print_info(device, json);
  if (*doctor_command) return print_doctor();
  return 2;
}

}  // namespace

}  // namespace fakegpu::tools

int main(int argc, char** argv) {
  try {
    return fakegpu::tools::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fakegpu: {}\n", error.what());
    return 1;
  }
}
