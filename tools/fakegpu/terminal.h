// SPDX-License-Identifier: MIT
// A command that goes on until it is told to stop, and prints what clients call themselves.
#pragma once

#include <string>
#include <string_view>

namespace fakegpu::tools {

// From now on SIGINT, SIGTERM and SIGHUP end nothing, but interrupted() tells of them.
void note_interrupts();
bool interrupted();

// Whoever named itself may have meant the terminal: what is not printable ASCII becomes '?'.
std::string printable(std::string_view name);

}  // namespace fakegpu::tools
