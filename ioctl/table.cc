// SPDX-License-Identifier: MIT
#include "ioctl/table.h"

#include <array>
#include <cstddef>
#include <span>

#include "rows_core.h"
#include "rows_driver.h"
#include "rows_fence_files.h"
#include "rows_syncobj.h"

namespace fakegpu::ioctl {
namespace {

// DRM's first, then the other types'.
constexpr std::span<const Row> kFamilies[] = {
    core::kRows,
    driver::kRows,
    core::kModeRows,
    syncobj::kRows,
    core::kLastRows,
    fence_files::kSyncFileRows,
    fence_files::kSwSyncRows,
    fence_files::kDmaBufRows,
};

constexpr size_t kRowCount = [] {
  size_t count = 0;
  for (const auto& family : kFamilies) count += family.size();
  return count;
}();

constexpr std::array<Row, kRowCount> kTable = [] {
  std::array<Row, kRowCount> rows{};
  size_t at = 0;
  for (const auto& family : kFamilies)
    for (const Row& row : family) rows[at++] = row;
  return rows;
}();

constexpr uint8_t kNoRow = 0xff;
static_assert(kRowCount < kNoRow);

constexpr std::array<uint8_t, 256> kDrmIndex = [] {
  std::array<uint8_t, 256> index{};
  index.fill(kNoRow);
  for (size_t i = 0; i < kRowCount; ++i)
    if (kTable[i].type == DRM_IOCTL_BASE) index[kTable[i].nr] = static_cast<uint8_t>(i);
  return index;
}();

constexpr size_t kDrmRows = [] {
  size_t count = 0;
  while (count < kRowCount && kTable[count].type == DRM_IOCTL_BASE) ++count;
  return count;
}();

constexpr bool ascending() {
  for (size_t i = 1; i < kRowCount; ++i)
    if (kTable[i - 1].type == kTable[i].type && kTable[i - 1].nr >= kTable[i].nr) return false;
  return true;
}
static_assert(ascending());

}  // namespace

std::span<const Row> table() {
  return kTable;
}

const Row* find_row(uint32_t command) {
  if (_IOC_TYPE(command) == DRM_IOCTL_BASE) {
    const uint8_t at = kDrmIndex[_IOC_NR(command)];
    return at == kNoRow ? nullptr : &kTable[at];
  }
  for (const Row& row : std::span(kTable).subspan(kDrmRows))
    if (row.type == _IOC_TYPE(command) && row.nr == _IOC_NR(command)) return &row;
  return nullptr;
}

}  // namespace fakegpu::ioctl
