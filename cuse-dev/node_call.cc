// SPDX-License-Identifier: MIT
#include "node_call.h"

#include <fakegpu_drm.h>

namespace fakegpu::cuse_dev {
namespace {

constexpr uint32_t word_of(const ioctl::Row& row, uint32_t size) {
  return _IOC(row.direction, row.type, row.nr, size);
}

}  // namespace

bool NodeCall::known() const {
  if (row == nullptr) return false;
  return row->type == DRM_IOCTL_BASE || command == word_of(*row, row->size);
}

NodeCall node_call(uint32_t word) {
  const ioctl::Row* const row = ioctl::find_row(word);
  NodeCall call = {word, word, row, false};
  if (row == nullptr || row->fds.gives < 0) return call;
  if (word != word_of(*row, row->size + sizeof(drm_fakegpu_fd_claim))) return call;
  call.command = word_of(*row, row->size);
  call.claims = true;
  return call;
}

}  // namespace fakegpu::cuse_dev
