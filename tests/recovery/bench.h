// SPDX-License-Identifier: MIT
// A machine with two clients on which cells of the recovery matrix are tried, one after the other.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cell.h"
#include "party.h"
#include "verdict.h"

namespace fakegpu::tests {

class Bench {
 public:
  explicit Bench(Policy policy);

  // What is wrong, one line each.
  std::string run(const Cell& cell);
  bool wedged() const { return watch_.wedged(); }

 private:
  struct Member {
    Tracked* job;
    Party* party;
    Role role;
  };

  drv::Faults& faults() { return machine_.machine().faults(); }
  void inject(const base::FaultSpec& spec);
  void fail_steps();
  void submit_all();
  void feed();
  Tracked* add(Party& party, Role role, Party::Request request);
  uint32_t context_of(Party& party);
  void finish();
  void check_jobs();
  void check_flags();
  void check_usable();
  void check(bool condition, std::string_view what);

  Watch watch_;
  VirtualMachine machine_;
  Party guilty_;
  Party innocent_;
  const Cell* cell_ = nullptr;
  std::vector<Member> members_;
  std::vector<std::pair<Party*, uint32_t>> contexts_;
  uint32_t culprits_context_ = 0;
};

}  // namespace fakegpu::tests
