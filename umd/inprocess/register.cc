// SPDX-License-Identifier: MIT
// For programs that have the module linked in: it is there before anybody asks.
#include "inprocess/module.h"

namespace {

[[gnu::constructor]] void register_module() {
  fakegpu::umd::register_inprocess(fakegpu_inprocess_module);
}

}  // namespace
