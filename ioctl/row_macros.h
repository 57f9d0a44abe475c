// SPDX-License-Identifier: MIT
// Shorthand for the rows. Offsets and sizes come from the structs themselves, so that a row cannot
// disagree with its header. Included by the rows_*.h only, which end with row_macros_end.h.
#include <cstddef>

// clang-format off
#define FIELD(type, member, kind) NAMED(type, member, kind, {})
#define NAMED(type, member, kind, names) \
  Field { #member, offsetof(type, member), sizeof(type::member), FieldKind::kind, names }
#define NAME(value) \
  FlagName { static_cast<uint64_t>(value), #value }
#define ARRAY(type, pointer, count, element, direction, max, ...) \
  ArrayField { #pointer, offsetof(type, pointer), offsetof(type, count), sizeof(type::count), \
               element, Direction::direction, max __VA_OPT__(, ) __VA_ARGS__ }
// A row whose struct is the one that the header's command word has ...
#define ROW(command, access, arrays, ...) \
  Row { #command, _IOC_TYPE(command), _IOC_NR(command), _IOC_SIZE(command), _IOC_DIR(command), \
        access, arrays, __VA_ARGS__ }
// ... or a longer one of a newer header. After the fields: the descriptors, if there are any.
#define ROW_OF_SIZE(command, size, access, arrays, ...) \
  Row { #command, _IOC_TYPE(command), _IOC_NR(command), size, _IOC_DIR(command), access, arrays, \
        __VA_ARGS__ }
#define TAKES_FD(type, member) \
  FdFields { .takes = offsetof(type, member) }
#define GIVES_FD(type, member) \
  FdFields { .gives = offsetof(type, member) }
// clang-format on
