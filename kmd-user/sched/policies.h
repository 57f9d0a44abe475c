// SPDX-License-Identifier: MIT
// One line per policy; the table is in policy.cc.
#pragma once

#include <memory>

#include "sched/policy.h"

namespace fakegpu::sched {

std::unique_ptr<Policy> make_edf();
std::unique_ptr<Policy> make_fair();
std::unique_ptr<Policy> make_fifo();
std::unique_ptr<Policy> make_prepaid();
std::unique_ptr<Policy> make_rr();

}  // namespace fakegpu::sched
