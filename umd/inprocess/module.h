// SPDX-License-Identifier: MIT
#pragma once

#include "transport.h"

// Found by name when the module is loaded at run time.
extern "C" const fakegpu::umd::InprocessModule fakegpu_inprocess_module;
