// SPDX-License-Identifier: MIT
#include "ioctl/table.h"

#include <array>
#include <cstddef>
#include <iterator>

#include "rows_core.h"
#include "rows_driver.h"
#include "rows_syncobj.h"

namespace fakegpu::ioctl {
namespace {

constexpr size_t kRowCount =
    std::size(core::kRows) + std::size(driver::kRows) + std::size(syncobj::kRows);

constexpr std::array<Row, kRowCount> kTable = [] {
  std::array<Row, kRowCount> rows{};
  size_t at = 0;
  for (const Row& row : core::kRows) rows[at++] = row;
  for (const Row& row : driver::kRows) rows[at++] = row;
  for (const Row& row : syncobj::kRows) rows[at++] = row;
  return rows;
}();

constexpr uint8_t kNoRow = 0xff;
static_assert(kRowCount < kNoRow);

constexpr std::array<uint8_t, 256> kIndex = [] {
  std::array<uint8_t, 256> index{};
  index.fill(kNoRow);
  for (size_t i = 0; i < kRowCount; ++i) index[kTable[i].nr] = static_cast<uint8_t>(i);
  return index;
}();

constexpr bool ascending() {
  for (size_t i = 1; i < kRowCount; ++i)
    if (kTable[i - 1].nr >= kTable[i].nr) return false;
  return true;
}
static_assert(ascending());

}  // namespace

std::span<const Row> table() {
  return kTable;
}

const Row* find_row(uint32_t command) {
  if (_IOC_TYPE(command) != DRM_IOCTL_BASE) return nullptr;
  const uint8_t at = kIndex[_IOC_NR(command)];
  return at == kNoRow ? nullptr : &kTable[at];
}

}  // namespace fakegpu::ioctl
