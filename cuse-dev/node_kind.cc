// SPDX-License-Identifier: MIT
#include "node_kind.h"

#include "base/process.h"

namespace fakegpu::cuse_dev {

NodeKind kind_of_name(std::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return name.starts_with("card") ? NodeKind::kPrimary : NodeKind::kRender;
}

base::Result<std::unique_ptr<drv::File>> open_through(NodeKind kind, drv::Machine& machine,
                                                      const drv::Caller& opener,
                                                      drv::File* memory_of) {
  if (kind == NodeKind::kSwSync) return machine.open_sw_sync(base::command_of(opener.pid));
  return machine.open(opener, kind == NodeKind::kRender, memory_of);
}

}  // namespace fakegpu::cuse_dev
