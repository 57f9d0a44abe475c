// SPDX-License-Identifier: MIT
// Every order of events of a small system, as CHESS and loom do it: depth first over the choices,
// each run from the start, with no need to copy or undo state. A state that was seen before is not
// followed again.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fakegpu::sched {

// choices(): how many events are possible now; 0 ends the run. take(): the event of that number
// happens. state(): two states of equal value have the same futures. describe(): the event, before
// it is taken. finish(): the end of a run, with what is to be checked there. broken(): what has
// gone wrong so far; empty if nothing.
template <typename S>
concept Explorable = requires(S system, size_t choice) {
  { system.choices() } -> std::convertible_to<size_t>;
  { system.state() } -> std::convertible_to<uint64_t>;
  { system.describe(choice) } -> std::convertible_to<std::string>;
  { system.broken() } -> std::convertible_to<std::string>;
  system.take(choice);
  system.finish();
};

struct Exploration {
  uint64_t states = 0;
  uint64_t events = 0;            // edges between them
  double interleavings = 0;       // ways from the start to an end
  bool complete = true;           // false: given up at the limit
  std::string broken;             // what went wrong first
  std::vector<std::string> path;  // the events that led there
};

struct ExplorerOptions {
  uint64_t max_states = UINT64_MAX;
  bool prune = true;  // false: follow every interleaving to its end
};

// `make()` gives a fresh system as a std::unique_ptr.
template <typename Make>
class Explorer {
 public:
  explicit Explorer(Make make, ExplorerOptions options = {})
      : make_(std::move(make)), options_(options) {}

  Exploration run() {
    do {
      if (!run_once()) break;
      if (result_.states >= options_.max_states) {
        result_.complete = false;
        break;
      }
    } while (backtrack());
    return result_;
  }

 private:
  struct Node {
    uint64_t state;
    size_t taken;
    size_t choices;
    double interleavings;  // from here, through the choices taken before
  };

  // Repeats the path so far and goes on to an end or a state seen before. False: something broke.
  bool run_once() {
    auto system = make_();
    static_assert(Explorable<std::remove_reference_t<decltype(*system)>>);
    for (const Node& node : path_) system->take(node.taken);
    for (;;) {
      if (path_.empty()) {
        if (result_.states > 0) return true;
      } else {
        ++result_.events;
      }
      if (report(*system)) return false;
      const uint64_t state = system->state();
      if (options_.prune) {
        if (const auto seen = seen_.find(state); seen != seen_.end()) {
          arrive(seen->second);
          return true;
        }
      }
      ++result_.states;
      const size_t choices = system->choices();
      if (choices == 0) {
        system->finish();
        if (report(*system)) return false;
        arrive(1);
        if (options_.prune) seen_[state] = 1;
        return true;
      }
      // On the path it counts for nothing: nobody comes back to it without going in a circle.
      if (options_.prune) seen_[state] = 0;
      path_.push_back({state, 0, choices, 0});
      system->take(0);
    }
  }

  void arrive(double interleavings) {
    if (path_.empty()) {
      result_.interleavings += interleavings;
    } else {
      path_.back().interleavings += interleavings;
    }
  }

  // To the next choice not taken yet; false if there is none.
  bool backtrack() {
    while (!path_.empty()) {
      if (++path_.back().taken < path_.back().choices) return true;
      const Node done = path_.back();
      path_.pop_back();
      if (options_.prune) seen_[done.state] = done.interleavings;
      arrive(done.interleavings);
    }
    return false;
  }

  template <typename System>
  bool report(System& system) {
    result_.broken = system.broken();
    if (result_.broken.empty()) return false;
    auto again = make_();
    for (const Node& node : path_) {
      result_.path.push_back(again->describe(node.taken));
      again->take(node.taken);
    }
    return true;
  }

  Make make_;
  ExplorerOptions options_;
  Exploration result_;
  std::vector<Node> path_;
  std::unordered_map<uint64_t, double> seen_;
};

}  // namespace fakegpu::sched
