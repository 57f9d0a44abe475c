// SPDX-License-Identifier: MIT
// One round of the random campaign: clients that come and go, contexts, jobs good and bad with
// dependencies, faults of every kind by chance, under options that are drawn too. All of it follows
// from the seed.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <string>

#include "party.h"
#include "watch.h"

namespace fakegpu::tests {

class Campaign {
 public:
  explicit Campaign(uint64_t seed);
  ~Campaign();

  // What is wrong, one line each.
  std::string run();

  // Bad jobs, and injected faults that took effect; without those that only make a reset fail.
  uint64_t faults() const { return faults_; }
  uint64_t jobs() const { return jobs_; }
  uint64_t episodes() const { return watch_.episodes().size(); }
  bool wedged() const { return watch_.wedged(); }

 private:
  struct ContextOf {
    Party* party;
    uint32_t id;
    uint64_t number;
    bool gone = false;
  };
  // What a job signals, and which job that is.
  struct Signal {
    Party* party;
    uint32_t syncobj;
    const Tracked* job;
  };
  struct Wait {
    uint32_t handle = 0;
    unsigned answers = 0;
    const Party* party = nullptr;
  };

  uint64_t draw(uint64_t below) { return random_() % below; }
  bool chance(unsigned one_in) { return draw(one_in) == 0; }
  template <typename T>
  const T& any(const T* items, size_t count) {
    return items[draw(count)];
  }
  drv::Options draw_options();

  void act();
  Party& any_party();
  void open_party();
  void close_party();
  void add_context(Party& party);
  void end_context();
  void submit(bool bad);
  void wait();
  void arm_faults();
  void let_pass();
  void settle();
  void pull_out();

  void check_jobs();
  void check_blame();
  void check_left();
  void complain(std::string_view what) { watch_.broken() += std::string(what) + "\n"; }

  std::mt19937_64 random_;
  Watch watch_;
  std::string story_;     // to be told if something is wrong
  bool reemits_ = false;  // the policy lets innocents go on
  bool as_6_12_ = false;
  VirtualMachine machine_;
  drv::Machine::Census before_ = {};
  std::deque<Party> parties_;
  std::deque<ContextOf> contexts_;
  std::vector<Signal> signals_;
  std::deque<Wait> waits_;
  uint64_t faults_ = 0;
  uint64_t jobs_ = 0;
};

}  // namespace fakegpu::tests
