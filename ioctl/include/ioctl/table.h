// SPDX-License-Identifier: MIT
// The one table of ioctls. It drives dispatch, the fetch plans of the transports, access checks and
// the decoder. DRM core's calls keep their numbers; the driver's own are in fakegpu_drm.h. Besides
// DRM's type 'd' there are the calls of the files that DRM's calls give out: sync_file ('>'),
// dma-buf
// ('b'), and of the sw_sync node ('W').
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fakegpu::ioctl {

// What of an array is ever fetched (ArrayField::max_elements). The handlers refuse larger counts.
inline constexpr uint32_t kMaxSubmitIbs = 64;
inline constexpr uint32_t kMaxSubmitSyncobjs = 1024;  // in each list
inline constexpr uint32_t kMaxSubmitBos = 4096;
// DRM core's syncobj calls: what the kernel gets from kmalloc(), 4 MiB, as pointers to syncobjs.
inline constexpr uint32_t kMaxSyncobjArray = 524288;
inline constexpr uint32_t kMaxQueryBytes = 4096;
inline constexpr uint32_t kMaxReportBytes = 65536;  // COREDUMP, EXPLAIN, INJECT
inline constexpr uint32_t kMaxClients = 256;
inline constexpr uint32_t kMaxNameBytes = 256;    // VERSION's strings, GET_UNIQUE
inline constexpr uint32_t kMaxFenceInfos = 1024;  // SYNC_IOC_FILE_INFO

// One field of a struct, for the decoder.
enum class FieldKind : uint8_t {
  kUnsigned,
  kSigned,
  kHex,
  kPointer,
  kFlags,
  kEnum,
  kIndex,  // a number, some of which have names
  kText,
  kPad,     // shown only if not 0
  kSecret,  // never shown
};
struct FlagName {
  uint64_t value;
  std::string_view name;
};
struct Field {
  std::string_view name;
  uint16_t offset;
  uint16_t bytes;  // 4 or 8; the length of a kText or kSecret
  FieldKind kind;
  std::span<const FlagName> names;  // of kFlags, kEnum and kIndex
};

// Which way the bytes of an array go, seen from the caller.
enum class Direction : uint8_t { kIn, kOut, kInOut };

// An array that a struct points to: where the struct keeps its address and its element count. In
// the order of reading; there are few.
struct ArrayField {  // NOLINT(clang-analyzer-optin.performance.Padding)
  std::string_view name;
  uint16_t pointer_offset;  // of a __u64
  uint16_t count_offset;
  uint8_t count_bytes;  // width of the count field: 4 or 8
  uint32_t element_bytes;
  Direction direction;
  // A larger count is cut to this before anything is fetched or stored; the handler still sees the
  // caller's count in the struct and answers for it.
  uint32_t max_elements;
  // For the decoder. Elements that are structs have fields; others of 1, 4 or 8 bytes are numbers,
  // or the characters of a text.
  std::span<const Field> element_fields = {};
  bool text = false;
};

// Access rules, as the kernel's DRM_* ioctl flags.
enum Access : uint8_t {
  kRenderAllow = 1,  // allowed on a render node
  kAuth = 2,         // needs an authenticated file on a primary node
  kMaster = 4,       // needs to be the current master
  kRootOnly = 8,
};

// Where a struct names a descriptor of the caller's, a __s32; -1: nowhere.
struct FdFields {
  int16_t takes = -1;  // one that the call looks at
  int16_t gives = -1;  // one that it makes
};

struct Row {
  std::string_view name;  // "DRM_IOCTL_FAKEGPU_SUBMIT"
  uint8_t type;           // 'd', '>', 'b' or 'W'
  uint8_t nr;
  uint16_t size;      // of the struct as this build knows it
  uint8_t direction;  // _IOC_READ | _IOC_WRITE as the header declares it
  uint8_t access;     // Access bits
  std::span<const ArrayField> arrays;
  std::span<const Field> fields;
  FdFields fds = {};
};

// All rows, by type and then ascending by nr.
std::span<const Row> table();

// The row for a command word, by its type and number alone; the caller's size and direction do not
// matter, as they do not to DRM (the other types' files compare the whole word). nullptr: no such
// ioctl. Constant time.
const Row* find_row(uint32_t command);

}  // namespace fakegpu::ioctl
