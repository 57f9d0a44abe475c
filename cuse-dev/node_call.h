// SPDX-License-Identifier: MIT
// What the command word of an ioctl on a node says: the call, and whether a claim follows its
// struct (struct drm_fakegpu_fd_claim).
#pragma once

#include <cstdint>

#include "ioctl/plan.h"
#include "ioctl/table.h"

namespace fakegpu::cuse_dev {

struct NodeCall {
  uint32_t word;          // the caller's
  uint32_t command;       // what the driver is to see
  const ioctl::Row* row;  // nullptr: the table has none
  bool claims;            // after row->size bytes comes the claim

  // The struct as the kernel moves it, claim included.
  ioctl::StructCopy copy() const { return ioctl::struct_copy(word); }
  // The word is one that some file answers: DRM's are told apart by their number, others whole.
  bool known() const;
};

NodeCall node_call(uint32_t word);

}  // namespace fakegpu::cuse_dev
