// SPDX-License-Identifier: MIT
#include "trace_file.h"

namespace fakegpu::cuse_dev {

base::Result<std::unique_ptr<TraceFile>> TraceFile::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return base::fail_errno(path);
  return std::unique_ptr<TraceFile>(new TraceFile(file));
}

void TraceFile::emit(const base::TraceEvent& event) {
  base::TextTrace line;
  line.emit(event);
  std::fwrite(line.text().data(), 1, line.text().size(), file_.get());
}

}  // namespace fakegpu::cuse_dev
