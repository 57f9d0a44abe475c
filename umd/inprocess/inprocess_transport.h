// SPDX-License-Identifier: MIT
// The driver as a library call: a File of a Machine in this process.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/unique_function.h"
#include "drv/machine.h"
#include "drv/native_descriptors.h"
#include "transport.h"

namespace fakegpu::umd {

// Runs one task of the machine's executor in this thread; false: none is queued.
using Pump = base::UniqueFunction<bool()>;

// What a waiting thread does when the pump has nothing left.
enum class Idle {
  kSleep,     // other threads run tasks too: sleep until one of them answers
  kDeadlock,  // nobody else does (a simulation): the wait can never end and gives -EDEADLK
};

// How the threads of clients and the machine get on. `host`, if given, is kept until the file is
// closed.
struct Shell {
  base::Clock& clock;
  Pump pump;  // called by several threads at once if several use the device
  Idle idle = Idle::kSleep;
  std::shared_ptr<void> host;
  // The machine's; outlives the file unless `host` owns it. nullptr: calls cannot give or take
  // descriptors (-EOPNOTSUPP).
  drv::NativeDescriptors* descriptors = nullptr;
};

// A new open file of `machine`, which outlives it unless `shell.host` owns it.
int make_inprocess_transport(drv::Machine& machine, Shell shell, std::unique_ptr<Transport>* out,
                             Node node = Node::kRender);

}  // namespace fakegpu::umd
