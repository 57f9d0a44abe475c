// SPDX-License-Identifier: MIT
#include "ioctl/decode.h"

#include <fmt/core.h>
#include <linux/ioctl.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "ioctl/table.h"
#include "struct_view.h"

namespace fakegpu::ioctl {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t kShownElements = 8;
constexpr size_t kMaxElementBytes = 160;

std::string quoted(Bytes bytes) {
  std::string text = "\"";
  for (const std::byte byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\0') break;
    if (c == '"' || c == '\\') text += '\\';
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
  }
  return text + '"';
}

std::string flags_text(uint64_t value, std::span<const FlagName> names) {
  if (value == 0) return "0";
  std::string text;
  for (const FlagName& flag : names) {
    if ((value & flag.value) != flag.value) continue;
    text += fmt::format("{}{}", text.empty() ? "" : "|", flag.name);
    value &= ~flag.value;
  }
  if (value != 0) text += fmt::format("{}{:#x}", text.empty() ? "" : "|", value);
  return text;
}

// The name of a value; empty: it has none.
std::string_view name_of(uint64_t value, std::span<const FlagName> names) {
  for (const FlagName& name : names)
    if (name.value == value) return name.name;
  return {};
}

std::string enum_text(uint64_t value, std::span<const FlagName> names) {
  const std::string_view name = name_of(value, names);
  return name.empty() ? fmt::format("{:#x}", value) : std::string(name);
}

std::string index_text(uint64_t value, std::span<const FlagName> names) {
  const std::string_view name = name_of(value, names);
  return name.empty() ? fmt::format("{}", value) : std::string(name);
}

std::string pointer_text(uint64_t address) {
  return address == 0 ? "NULL" : fmt::format("{:#x}", address);
}

int64_t sign_extended(uint64_t value, size_t bytes) {
  return bytes == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

std::string value_text(const Field& field, Bytes arg) {
  const uint64_t value = load(arg, field.offset, std::min<size_t>(field.bytes, 8));
  switch (field.kind) {
    case FieldKind::kUnsigned:
      return fmt::format("{}", value);
    case FieldKind::kSigned:
      return fmt::format("{}", sign_extended(value, field.bytes));
    case FieldKind::kHex:
    case FieldKind::kPad:
      return fmt::format("{:#x}", value);
    case FieldKind::kPointer:
      return pointer_text(value);
    case FieldKind::kFlags:
      return flags_text(value, field.names);
    case FieldKind::kEnum:
      return enum_text(value, field.names);
    case FieldKind::kIndex:
      return index_text(value, field.names);
    case FieldKind::kText:
      return quoted(arg.subspan(field.offset, field.bytes));
    case FieldKind::kSecret:
      return "<hidden>";
  }
  return "?";
}

bool is_shown(const Field& field, Bytes arg) {
  if (size_t{field.offset} + field.bytes > arg.size()) return false;
  return field.kind != FieldKind::kPad || load(arg, field.offset, field.bytes) != 0;
}

std::string element_text(const ArrayField& array, Bytes element) {
  if (array.element_fields.empty())
    return array.element_bytes == 1 ? fmt::format("{:#04x}", load(element, 0, 1))
                                    : fmt::format("{}", load(element, 0, 8));
  std::string text = "{";
  for (const Field& field : array.element_fields)
    if (is_shown(field, element))
      text += fmt::format("{}{}={}", text.size() == 1 ? "" : ", ", field.name,
                          value_text(field, element));
  return text + "}";
}

// Empty: the memory cannot be reached.
std::string array_text(const ArrayField& array, uint64_t address, uint64_t count,
                       UserMemory& memory) {
  const uint64_t present = std::min<uint64_t>(count, array.max_elements);
  if (array.text) {
    std::vector<std::byte> bytes(present);
    return memory.fetch(address, bytes) ? quoted(bytes) : std::string();
  }
  if (array.element_bytes > kMaxElementBytes) return {};
  std::string text = "[";
  for (uint64_t i = 0; i < std::min(present, kShownElements); ++i) {
    std::array<std::byte, kMaxElementBytes> buffer;
    const std::span<std::byte> element(buffer.data(), array.element_bytes);
    if (!memory.fetch(address + i * array.element_bytes, element)) return {};
    text += fmt::format("{}{}", i == 0 ? "" : ", ", element_text(array, element));
  }
  if (count > kShownElements) text += fmt::format(", ... {} in all", count);
  return text + "]";
}

std::string field_text(const Row& row, const Field& field, Bytes arg, UserMemory* memory) {
  const uint64_t address = load(arg, field.offset, 8);
  if (field.kind != FieldKind::kPointer || memory == nullptr || address == 0)
    return value_text(field, arg);
  for (const ArrayField& array : row.arrays) {
    if (array.pointer_offset != field.offset) continue;
    const uint64_t count = load(arg, array.count_offset, array.count_bytes);
    std::string text = array_text(array, address, count, *memory);
    if (!text.empty()) return text;
  }
  return value_text(field, arg);
}

std::string direction_text(uint32_t direction) {
  switch (direction) {
    case _IOC_NONE:
      return "_IOC_NONE";
    case _IOC_READ:
      return "_IOC_READ";
    case _IOC_WRITE:
      return "_IOC_WRITE";
    default:
      return "_IOC_READ|_IOC_WRITE";
  }
}

}  // namespace

std::string command_name(uint32_t command) {
  if (const Row* row = find_row(command)) return std::string(row->name);
  return fmt::format("_IOC({}, {:#x}, {:#x}, {:#x})", direction_text(_IOC_DIR(command)),
                     _IOC_TYPE(command), _IOC_NR(command), _IOC_SIZE(command));
}

std::string describe_call(uint32_t command, std::span<const std::byte> arg, UserMemory* memory) {
  const Row* row = find_row(command);
  if (row == nullptr) return command_name(command);
  arg = arg.first(std::min<size_t>(arg.size(), row->size));
  std::string text = fmt::format("{} {{", row->name);
  bool first = true;
  for (const Field& field : row->fields) {
    if (!is_shown(field, arg)) continue;
    text +=
        fmt::format("{}{}={}", first ? "" : ", ", field.name, field_text(*row, field, arg, memory));
    first = false;
  }
  return text + "}";
}

}  // namespace fakegpu::ioctl
