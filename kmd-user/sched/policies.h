// SPDX-License-Identifier: MIT
// One line per policy; the table is in policy.cc.
#pragma once

#include <memory>

#include "sched/policy.h"

namespace fakegpu::sched {

std::unique_ptr<Policy> make_fifo();
std::unique_ptr<Policy> make_rr();

}  // namespace fakegpu::sched
