// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <signal.h>

#include <algorithm>

namespace fakegpu::tools {

namespace {

volatile sig_atomic_t signalled = 0;

void note_signal(int) {
  signalled = 1;
}

}  // namespace

void note_interrupts() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() {
  return signalled != 0;
}

std::string printable(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace fakegpu::tools
