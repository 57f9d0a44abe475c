// SPDX-License-Identifier: MIT
// The command `fakegpu`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include <fakegpu/debug.h>
#include <fmt/core.h>

#include "demo.h"
#include "inject.h"
#include "monitor.h"
#include "policy.h"
#include "record.h"
#include "replay_command.h"
#include "run/run.h"
#include "sim/replay.h"
#include "sim/sim.h"
#include "usage.h"
#include "version.h"

namespace fakegpu::tools {

namespace {

// Takes what follows the first "--" off the arguments. CLI11 would read it as this command's.
std::vector<std::string> cut_off_program(int* argc, char** argv) {
  char** const end = argv + *argc;
  char** const mark =
      std::find_if(argv, end, [](const char* word) { return word == std::string("--"); });
  *argc = static_cast<int>(mark - argv);
  return {mark == end ? end : mark + 1, end};
}

std::vector<std::string> policy_choice() {
  const auto names = sim::policies();
  return {names.begin(), names.end()};
}

// Besides those that scenarios have, too.
void add_replay_options(CLI::App& command, ReplayOptions& options) {
  CLI::Option* replay = command.add_option("--replay", options.file, "what `fakegpu record` wrote");
  command.add_option("--rings", options.rings, "TYPE=N: so many rings of a type")->needs(replay);
  command.add_option("--queue-time", options.queue_time_us, "work that a ring holds, in us")
      ->check(CLI::Range(0.0, 1e9))
      ->needs(replay);
  command
      .add_flag("--closed-loop", options.closed_loop,
                "who waited for a job goes on when that is done here")
      ->needs(replay);
  command.add_flag("--verify", options.verify, "compare with the recording; 1 if it differs")
      ->needs(replay);
}

void add_scenario_options(CLI::App& command, sim::SimOptions& options) {
  CLI::Option* replay = command.get_option("--replay");
  CLI::Option* scenario =
      command.add_option("scenario", options.scenario, "a file, or the name of one that ships")
          ->excludes(replay);
  CLI::Option* list = command.add_flag("--list", options.list, "the scenarios that ship")
                          ->excludes(replay)
                          ->excludes(scenario);
  command.final_callback([scenario, list, replay] {
    if (scenario->empty() && list->empty() && replay->empty())
      throw CLI::RequiredError("a scenario, --list or --replay");
  });
  command.add_option("--policy", options.policies, "order by this policy; may be repeated")
      ->check(CLI::IsMember(policy_choice()));
  command.add_option("--credits", options.credits, "jobs that a ring holds")
      ->check(CLI::Range(1u, 65536u));
  command.add_option("--seed", options.seeds, "with this seed; may be repeated")->excludes(replay);
  command.add_option("--duration", options.duration, "simulated time, as 250ms or 2s")
      ->excludes(replay);
  command.add_option("--json", options.json, "the figures as JSON to this file; -: stdout")
      ->excludes(replay);
  command.add_option("--csv", options.csv, "the figures as CSV to this file; -: stdout")
      ->excludes(replay);
  command.add_option("--trace", options.trace, "the trace of the first policy and seed, as text")
      ->excludes(replay);
}

void add_inject_options(CLI::App& command, InjectOptions& options) {
  command.add_option("--device", options.device, "the device to use, as $FAKEGPU_DEVICE");
  CLI::Option* name = command.add_option("name", options.name, "of a fault");
  CLI::Option* list =
      command.add_flag("--list", options.list, "explain every fault")->excludes(name);
  CLI::Option* clear =
      command.add_flag("--clear", options.clear, "disarm those of that name, or all")
          ->excludes(list);
  CLI::Option* status =
      command.add_flag("--status", options.status, "what is armed, and how often it has fired")
          ->excludes(name)
          ->excludes(list)
          ->excludes(clear);
  const auto add = [&](const char* key, const char* help) {
    return command
        .add_option_function<std::string>(
            std::string("--") + key,
            [&options, key](const std::string& value) {
              options.items.push_back(std::string(key) + "=" + value);
            },
            help)
        ->needs(name)
        ->excludes(clear);
  };
  CLI::Option* nth = add("nth", "fire at the n-th trigger from now on (1)");
  CLI::Option* probability =
      add("probability", "fire at each trigger by this chance, in (0, 1]")->excludes(nth);
  add("seed", "of the chance")->needs(probability);
  add("ring", "only triggers of this ring, by index or name");
  add("for", "disarm it after this time, as 500ms");
  add("duration", "of the effect, as 20ms");
  add("errno", "by which calls are refused, as ENOSPC");
  add("ioctl", "only this call, as SUBMIT or SYNCOBJ_WAIT");
  command.final_callback([name, list, clear, status] {
    if (name->empty() && list->empty() && clear->empty() && status->empty())
      throw CLI::RequiredError("a fault, --list, --status or --clear");
  });
}

int run_command_line(int argc, char** argv) {
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
  PolicyOptions policy;
  CLI::App* policy_command = app.add_subcommand(
      "policy", "by which policy the rings' jobs are ordered; with a name, changes that");
  policy_command->add_option("--device", policy.device, "the device to use, as $FAKEGPU_DEVICE");
  policy_command->add_option("name", policy.name, "the policy from now on");
  policy_command->add_option("--ring", policy.ring, "only this ring's, by index or name");
  UsageOptions usage;
  CLI::App* usage_command =
      app.add_subcommand("usage", "who uses the device: clients, rings, time, memory, queues");
  usage_command->add_option("--device", usage.device, "the device to use, as $FAKEGPU_DEVICE");
  CLI::Option* fdinfo = usage_command->add_flag(
      "--fdinfo", usage.fdinfo, "as the kernel's drivers tell it in /proc/PID/fdinfo");
  usage_command->add_flag("--json", usage.json, "as JSON")->excludes(fdinfo);
  CLI::Option* watch =
      usage_command->add_flag("--watch", usage.watch, "shares since the last look, until stopped");
  watch->excludes(fdinfo);
  usage_command->add_option("--interval", usage.interval, "seconds between two looks")
      ->check(CLI::Range(0.01, 3600.0))
      ->needs(watch)
      ->capture_default_str();
  usage_command->add_option("--looks", usage.looks, "how many, and then it ends")
      ->check(CLI::Range(1u, 1'000'000u))
      ->needs(watch);
  CLI::App* doctor_command = app.add_subcommand(
      "doctor", "what this machine offers, which transport is used, what is missing");

  uint64_t client_id = FAKEGPU_ALL_CLIENTS;
  CLI::App* why_command =
      app.add_subcommand("why", "what everything unfinished waits for, down to the packet");
  why_command->add_option("--device", device, "the device to use, as $FAKEGPU_DEVICE");
  why_command->add_option("--client", client_id, "only that client's");
  DumpOptions dump;
  CLI::App* dump_command =
      app.add_subcommand("dump", "the core dump of the last hang, which is released with that");
  dump_command->add_option("--device", dump.device, "the device to use, as $FAKEGPU_DEVICE");
  dump_command->add_option("-o,--out", dump.out, "where it goes; standard output");
  dump_command->add_flag("--json", dump.json, "as JSON");
  dump_command->add_flag("--keep", dump.keep, "do not release it");

  run::RunOptions run;
  CLI::App* run_command = app.add_subcommand(
      "run", "start a program that uses the device by plain ioctls: fakegpu run -- APP ARGS...");
  run_command->add_option("--device", run.device, "the device to use, as $FAKEGPU_DEVICE");
  run_command->add_flag("--dri", run.dri, "show it as DRM shows a device: /dev/dri and /sys");
  run_command->prefix_command();

  InjectOptions inject;
  CLI::App* inject_command = app.add_subcommand(
      "inject",
      "break the device on purpose: hangs, lost interrupts, failed resets, refused calls");
  add_inject_options(*inject_command, inject);

  MonitorOptions monitor;
  CLI::App* monitor_command = app.add_subcommand(
      "monitor", "print that the device hung and what came of it, as udevadm monitor would");
  monitor_command->add_option("--device", monitor.device, "the device to use, as $FAKEGPU_DEVICE");
  monitor_command->add_flag("--json", monitor.json, "an object a line");
  monitor_command->add_option("--count", monitor.count, "end after so many events")
      ->check(CLI::Range(1u, 1'000'000u));
  monitor_command->add_option("--timeout", monitor.timeout, "end after so many seconds")
      ->check(CLI::Range(0.01, 86400.0));

  RecordOptions record;
  CLI::App* record_command = app.add_subcommand(
      "record", "write down what the device's schedulers are told: fakegpu record -o FILE -- APP");
  record_command->add_option("-o,--out", record.out, "the file")->required();
  record_command->add_option("--device", record.device, "the device to use, as $FAKEGPU_DEVICE");
  record_command
      ->add_option("--capacity", record.capacity,
                   "records that the driver keeps until they are written (65536)")
      ->check(CLI::Range(2u, 1u << 20));
  record_command->add_option("--for", record.seconds, "end after so many seconds")
      ->check(CLI::Range(0.01, 86400.0));

  ReplayOptions replay;
  sim::SimOptions simulation;
  CLI::App* sim_command = app.add_subcommand(
      "sim", "a scenario, or a recording again, on real schedulers under virtual time");
  add_replay_options(*sim_command, replay);
  add_scenario_options(*sim_command, simulation);

  std::vector<std::string> program = cut_off_program(&argc, argv);
  CLI11_PARSE(app, argc, argv);
  if (*demo_command) return run_demo(demo);
  if (*client_command) return run_demo_client(client_name, client);
  if (*info_command) return print_info(device, json);
  if (*policy_command) return run_policy(policy);
  if (*usage_command) return print_usage(usage);
  if (*doctor_command) return print_doctor();
  if (*why_command) return print_why(device, client_id);
  if (*dump_command) return print_dump(dump);
  if (*sim_command) {
    if (replay.file.empty()) return sim::run_sim(simulation);
    replay.policies = simulation.policies;
    replay.credits = simulation.credits;
    return run_replay(replay);
  }
  if (*inject_command) return run_inject(inject);
  if (*monitor_command) return run_monitor(monitor);
  if (*record_command) {
    record.words = std::move(program);
    return run_record(record);
  }
  if (*run_command) {
    run.words = run_command->remaining();
    if (!run.words.empty() && run.words.front().starts_with('-')) {
      fmt::print(stderr, "fakegpu run: unknown option {}\n", run.words.front());
      return 2;
    }
    // The mark was the program's own if its name stands before it.
    if (!run.words.empty() && !program.empty()) run.words.emplace_back("--");
    run.words.insert(run.words.end(), program.begin(), program.end());
    if (!run.words.empty()) return run::run_app(run);
    fmt::print(stderr, "fakegpu run: no program to start\n");
  }
  return 2;
}

}  // namespace

}  // namespace fakegpu::tools

int main(int argc, char** argv) {
  try {
    return fakegpu::tools::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fakegpu: {}\n", error.what());
    return 1;
  }
}
