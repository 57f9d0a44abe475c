// SPDX-License-Identifier: MIT
#include "ioctl/table.h"

#include <fakegpu_drm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>

#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"

namespace fakegpu::ioctl {
namespace {

// What the headers declare, written out independently of the table.
struct Declared {
  uint32_t command;
  std::string_view name;
  size_t size;
};
#define DECLARED(command, type)     \
  Declared {                        \
    command, #command, sizeof(type) \
  }
const Declared kDeclared[] = {
    DECLARED(DRM_IOCTL_VERSION, drm_version),
    DECLARED(DRM_IOCTL_GET_UNIQUE, drm_unique),
    DECLARED(DRM_IOCTL_GET_CLIENT, drm_client),
    DECLARED(DRM_IOCTL_GET_STATS, drm_stats),
    DECLARED(DRM_IOCTL_SET_VERSION, drm_set_version),
    DECLARED(DRM_IOCTL_GEM_CLOSE, drm_gem_close),
    DECLARED(DRM_IOCTL_GET_CAP, drm_get_cap),
    DECLARED(DRM_IOCTL_SET_CLIENT_CAP, drm_set_client_cap),
    DECLARED(DRM_IOCTL_FAKEGPU_QUERY, drm_fakegpu_query),
    DECLARED(DRM_IOCTL_FAKEGPU_BO_CREATE, drm_fakegpu_bo_create),
    DECLARED(DRM_IOCTL_FAKEGPU_BO_INFO, drm_fakegpu_bo_info),
    DECLARED(DRM_IOCTL_FAKEGPU_BO_MMAP, drm_fakegpu_bo_mmap),
    DECLARED(DRM_IOCTL_FAKEGPU_VM_CREATE, drm_fakegpu_vm_create),
    DECLARED(DRM_IOCTL_FAKEGPU_VM_DESTROY, drm_fakegpu_vm_destroy),
    DECLARED(DRM_IOCTL_FAKEGPU_VM_BIND, drm_fakegpu_vm_bind),
    DECLARED(DRM_IOCTL_FAKEGPU_VM_UNBIND, drm_fakegpu_vm_unbind),
    DECLARED(DRM_IOCTL_FAKEGPU_CTX_CREATE, drm_fakegpu_ctx_create),
    DECLARED(DRM_IOCTL_FAKEGPU_CTX_DESTROY, drm_fakegpu_ctx_destroy),
    DECLARED(DRM_IOCTL_FAKEGPU_CTX_QUERY, drm_fakegpu_ctx_query),
    DECLARED(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, drm_fakegpu_ctx_set_priority),
    DECLARED(DRM_IOCTL_FAKEGPU_SUBMIT, drm_fakegpu_submit),
    DECLARED(DRM_IOCTL_FAKEGPU_CHANNEL, drm_fakegpu_channel),
    DECLARED(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, drm_fakegpu_wait_seqno),
    DECLARED(DRM_IOCTL_FAKEGPU_SET_POLICY, drm_fakegpu_set_policy),
    DECLARED(DRM_IOCTL_FAKEGPU_CTX_USAGE, drm_fakegpu_ctx_usage),
    DECLARED(DRM_IOCTL_FAKEGPU_CLIENTS, drm_fakegpu_clients),
    DECLARED(DRM_IOCTL_FAKEGPU_FDINFO, drm_fakegpu_fdinfo),
    DECLARED(DRM_IOCTL_FAKEGPU_ATTACH, drm_fakegpu_attach),
    DECLARED(DRM_IOCTL_FAKEGPU_IDENTIFY, drm_fakegpu_identify),
    DECLARED(DRM_IOCTL_FAKEGPU_RECORD, drm_fakegpu_record),
    DECLARED(DRM_IOCTL_FAKEGPU_INJECT, drm_fakegpu_inject),
    DECLARED(DRM_IOCTL_FAKEGPU_COREDUMP, drm_fakegpu_coredump),
    DECLARED(DRM_IOCTL_FAKEGPU_EXPLAIN, drm_fakegpu_explain),
    DECLARED(DRM_IOCTL_FAKEGPU_MONITOR, drm_fakegpu_monitor),
    DECLARED(DRM_IOCTL_GET_MAGIC, drm_auth),
    DECLARED(DRM_IOCTL_AUTH_MAGIC, drm_auth),
    {DRM_IOCTL_SET_MASTER, "DRM_IOCTL_SET_MASTER", 0},
    {DRM_IOCTL_DROP_MASTER, "DRM_IOCTL_DROP_MASTER", 0},
    DECLARED(DRM_IOCTL_PRIME_HANDLE_TO_FD, drm_prime_handle),
    DECLARED(DRM_IOCTL_PRIME_FD_TO_HANDLE, drm_prime_handle),
    DECLARED(DRM_IOCTL_MODE_CREATE_DUMB, drm_mode_create_dumb),
    DECLARED(DRM_IOCTL_MODE_MAP_DUMB, drm_mode_map_dumb),
    DECLARED(DRM_IOCTL_MODE_DESTROY_DUMB, drm_mode_destroy_dumb),
    DECLARED(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, SyncobjHandle),
    DECLARED(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, SyncobjHandle),
    DECLARED(DRM_IOCTL_SYNCOBJ_TRANSFER, drm_syncobj_transfer),
    {_IOWR('d', 0xcf, SyncobjEventfd), "DRM_IOCTL_SYNCOBJ_EVENTFD", sizeof(SyncobjEventfd)},
    {_IOWR('d', 0xd1, SetClientName), "DRM_IOCTL_SET_CLIENT_NAME", sizeof(SetClientName)},
    DECLARED(SYNC_IOC_MERGE, sync_merge_data),
    DECLARED(SYNC_IOC_FILE_INFO, sync_file_info),
    {_IOW('>', 5, SyncSetDeadline), "SYNC_IOC_SET_DEADLINE", 16},
    {_IOWR('W', 0, SwSyncCreateFence), "SW_SYNC_IOC_CREATE_FENCE", 40},
    {_IOW('W', 1, uint32_t), "SW_SYNC_IOC_INC", 4},
    {_IOWR('W', 2, SwSyncGetDeadline), "SW_SYNC_GET_DEADLINE", 16},
    DECLARED(DMA_BUF_IOCTL_SYNC, dma_buf_sync),
    DECLARED(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, dma_buf_export_sync_file),
    DECLARED(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, dma_buf_import_sync_file),
    DECLARED(DRM_IOCTL_SYNCOBJ_CREATE, drm_syncobj_create),
    DECLARED(DRM_IOCTL_SYNCOBJ_DESTROY, drm_syncobj_destroy),
    DECLARED(DRM_IOCTL_SYNCOBJ_WAIT, SyncobjWait),
    DECLARED(DRM_IOCTL_SYNCOBJ_RESET, drm_syncobj_array),
    DECLARED(DRM_IOCTL_SYNCOBJ_SIGNAL, drm_syncobj_array),
    DECLARED(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, SyncobjTimelineWait),
    DECLARED(DRM_IOCTL_SYNCOBJ_QUERY, drm_syncobj_timeline_array),
    DECLARED(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, drm_syncobj_timeline_array),
};

TEST(Table, HasExactlyTheDeclaredCallsWithTheirNumbersSizesAndDirections) {
  EXPECT_EQ(table().size(), std::size(kDeclared));
  for (const Declared& declared : kDeclared) {
    const Row* row = find_row(declared.command);
    ASSERT_NE(row, nullptr) << declared.name;
    EXPECT_EQ(row->name, declared.name);
    EXPECT_EQ(row->nr, _IOC_NR(declared.command)) << declared.name;
    EXPECT_EQ(row->size, declared.size) << declared.name;
    EXPECT_EQ(row->direction, _IOC_DIR(declared.command)) << declared.name;
  }
}

TEST(Table, IsAscendingByNumber) {
  for (size_t i = 1; i < table().size(); ++i) {
    if (table()[i - 1].type != table()[i].type) continue;
    EXPECT_LT(table()[i - 1].nr, table()[i].nr);
  }
}

// A struct that is equal to its prefix in an older drm.h: a caller of either size is served.
static_assert(offsetof(SyncobjWait, pad) == offsetof(drm_syncobj_wait, pad));
static_assert(offsetof(SyncobjWait, timeout_nsec) == offsetof(drm_syncobj_wait, timeout_nsec));
static_assert(offsetof(SyncobjWait, count_handles) == offsetof(drm_syncobj_wait, count_handles));
static_assert(offsetof(SyncobjWait, first_signaled) == offsetof(drm_syncobj_wait, first_signaled));
static_assert(offsetof(SyncobjTimelineWait, points) == offsetof(drm_syncobj_timeline_wait, points));
static_assert(offsetof(SyncobjTimelineWait, flags) == offsetof(drm_syncobj_timeline_wait, flags));
static_assert(offsetof(SyncobjTimelineWait, pad) == offsetof(drm_syncobj_timeline_wait, pad));
static_assert(sizeof(drm_stats) == 8 + 15 * 16);

// The uAPI is the same on every 64-bit machine: offsets that clients have compiled in.
static_assert(offsetof(drm_fakegpu_query, data) == 8 && sizeof(drm_fakegpu_query) == 24);
static_assert(offsetof(drm_fakegpu_device_info, va_start) == 48);
static_assert(offsetof(drm_fakegpu_device_info, page_size) == 64);
static_assert(offsetof(drm_fakegpu_device_info, features) == 80);
static_assert(sizeof(drm_fakegpu_device_info) == 96);
static_assert(offsetof(drm_fakegpu_ring_info, emitted) == 32);
static_assert(offsetof(drm_fakegpu_ring_info, policy) == 56);
static_assert(offsetof(drm_fakegpu_ring_info, queued) == 72);
static_assert(sizeof(drm_fakegpu_ring_info) == 104 && sizeof(drm_fakegpu_heap_info) == 32);
static_assert(offsetof(drm_fakegpu_bo_create, handle) == 24 && sizeof(drm_fakegpu_bo_create) == 32);
static_assert(offsetof(drm_fakegpu_bo_info, heap) == 24 && sizeof(drm_fakegpu_bo_info) == 32);
static_assert(offsetof(drm_fakegpu_bo_mmap, offset) == 8 && sizeof(drm_fakegpu_bo_mmap) == 24);
static_assert(offsetof(drm_fakegpu_vm_bind, bo_offset) == 16 && sizeof(drm_fakegpu_vm_bind) == 40);
static_assert(offsetof(drm_fakegpu_vm_unbind, va) == 8 && sizeof(drm_fakegpu_vm_unbind) == 16);
static_assert(offsetof(drm_fakegpu_ctx_create, ctx_id) == 12);
static_assert(offsetof(drm_fakegpu_ctx_create, fence_slot) == 16);
static_assert(sizeof(drm_fakegpu_ctx_create) == 24);
static_assert(offsetof(drm_fakegpu_ctx_query, jobs_submitted) == 16);
static_assert(sizeof(drm_fakegpu_ctx_query) == 48);
static_assert(sizeof(drm_fakegpu_usage) == 72 && sizeof(drm_fakegpu_ctx_usage) == 80);
static_assert(offsetof(drm_fakegpu_client, name) == 32);
static_assert(offsetof(drm_fakegpu_client, engine_ns) == 104 && sizeof(drm_fakegpu_client) == 160);
static_assert(sizeof(drm_fakegpu_client::name) > DRM_FAKEGPU_CLIENT_NAME_MAX);
static_assert(offsetof(drm_fakegpu_clients, count) == 16 && sizeof(drm_fakegpu_clients) == 24);
static_assert(offsetof(drm_fakegpu_fdinfo, size) == 16 && sizeof(drm_fakegpu_fdinfo) == 24);
static_assert(sizeof(drm_fakegpu_ib) == 16 && sizeof(drm_fakegpu_sync) == 16);
static_assert(offsetof(drm_fakegpu_submit, ibs) == 16);
static_assert(offsetof(drm_fakegpu_submit, in_syncs) == 32);
// Callers of before `bos` end with seqno, at 64 bytes.
static_assert(offsetof(drm_fakegpu_submit, seqno) == 56 && offsetof(drm_fakegpu_submit, bos) == 64);
static_assert(sizeof(drm_fakegpu_bo_use) == 8 && sizeof(drm_fakegpu_submit) == 80);
static_assert(sizeof(drm_fakegpu_event_fence) == 40);
static_assert(offsetof(drm_fakegpu_event_wedged, task) == 16);
static_assert(offsetof(drm_fakegpu_event_wedged, seqnum) == 32);
static_assert(sizeof(drm_fakegpu_event_wedged) == 48 && sizeof(drm_fakegpu_monitor) == 8);
static_assert(offsetof(drm_fakegpu_wait_seqno, seqno) == 8 && sizeof(drm_fakegpu_wait_seqno) == 32);
static_assert(offsetof(drm_fakegpu_set_policy, ring) == 16 && sizeof(drm_fakegpu_set_policy) == 24);
static_assert(sizeof(drm_fakegpu_policy_info) == 16);
static_assert(offsetof(drm_fakegpu_channel, path) == 16 && sizeof(drm_fakegpu_channel) == 120);

TEST(Table, FieldsAndArraysLieInsideTheirStructs) {
  for (const Row& row : table()) {
    size_t end = 0;
    for (const Field& field : row.fields) {
      EXPECT_GE(field.offset, end) << row.name << "." << field.name << ": overlap or disorder";
      end = field.offset + field.bytes;
      EXPECT_LE(end, row.size) << row.name << "." << field.name;
      if (field.kind != FieldKind::kText && field.kind != FieldKind::kSecret) {
        EXPECT_TRUE(field.bytes == 4 || field.bytes == 8) << row.name << "." << field.name;
      }
    }
    for (const ArrayField& array : row.arrays) {
      EXPECT_LE(array.pointer_offset + 8, row.size) << row.name << "." << array.name;
      EXPECT_LE(array.count_offset + array.count_bytes, row.size) << row.name << "." << array.name;
      EXPECT_TRUE(array.count_bytes == 4 || array.count_bytes == 8);
      EXPECT_GT(array.element_bytes, 0u);
      EXPECT_GT(array.max_elements, 0u);
      for (const Field& field : array.element_fields)
        EXPECT_LE(field.offset + field.bytes, array.element_bytes) << row.name << "." << field.name;
    }
  }
}

TEST(Table, DescribesEveryByteOfEveryStruct) {
  for (const Row& row : table()) {
    if (row.name == "DRM_IOCTL_GET_STATS") continue;  // 15 entries that are always 0
    size_t end = 0;
    for (const Field& field : row.fields) {
      // Compilers pad drm_version's ints before its 8-byte fields.
      EXPECT_LE(field.offset - end, row.name == "DRM_IOCTL_VERSION" ? 4u : 0u)
          << row.name << "." << field.name;
      end = field.offset + field.bytes;
    }
    EXPECT_EQ(end, row.size) << row.name;
  }
}

TEST(Table, EveryPointerFieldHasItsArray) {
  for (const Row& row : table()) {
    std::set<size_t> pointers;
    for (const Field& field : row.fields)
      if (field.kind == FieldKind::kPointer) pointers.insert(field.offset);
    std::set<size_t> arrays;
    for (const ArrayField& array : row.arrays) arrays.insert(array.pointer_offset);
    EXPECT_EQ(pointers, arrays) << row.name;
  }
}

TEST(Table, ArrayOffsetsAreTheStructs) {
  const Row* submit = find_row(DRM_IOCTL_FAKEGPU_SUBMIT);
  ASSERT_EQ(submit->arrays.size(), 4u);
  EXPECT_EQ(submit->arrays[0].name, "ibs");
  EXPECT_EQ(submit->arrays[0].pointer_offset, 16);
  EXPECT_EQ(submit->arrays[0].count_offset, 12);
  EXPECT_EQ(submit->arrays[1].name, "in_syncs");
  EXPECT_EQ(submit->arrays[1].pointer_offset, 32);
  EXPECT_EQ(submit->arrays[1].count_offset, 24);
  EXPECT_EQ(submit->arrays[2].name, "out_syncs");
  EXPECT_EQ(submit->arrays[2].pointer_offset, 40);
  EXPECT_EQ(submit->arrays[2].count_offset, 28);
  EXPECT_EQ(submit->arrays[3].name, "bos");
  EXPECT_EQ(submit->arrays[3].pointer_offset, 64);
  EXPECT_EQ(submit->arrays[3].count_offset, 72);
  const Row* query = find_row(DRM_IOCTL_SYNCOBJ_QUERY);
  ASSERT_EQ(query->arrays.size(), 2u);
  EXPECT_EQ(query->arrays[0].direction, Direction::kIn);
  EXPECT_EQ(query->arrays[1].direction, Direction::kOut);
  EXPECT_EQ(query->arrays[1].element_bytes, 8u);
  const Row* version = find_row(DRM_IOCTL_VERSION);
  ASSERT_EQ(version->arrays.size(), 3u);
  for (const ArrayField& array : version->arrays) {
    EXPECT_EQ(array.count_bytes, 8);
    EXPECT_EQ(array.direction, Direction::kOut);
  }
}

// strace prints the name of whatever driver it knows a command word from. The highest private
// numbers that strace 6.1 has a name for are nouveau's and exynos's, up to 0x84.
TEST(Table, DriverCallsAreWhereStraceHasNoNames) {
  for (const Row& row : table()) {
    if (!row.name.starts_with("DRM_IOCTL_FAKEGPU_")) continue;
    EXPECT_GE(row.nr, 0x85) << row.name;
    EXPECT_LT(row.nr, DRM_COMMAND_END) << row.name;
  }
}

TEST(Table, DescriptorFieldsAreSignedFieldsOfTheStruct) {
  std::set<std::string_view> takes;
  std::set<std::string_view> gives;
  for (const Row& row : table()) {
    for (const int offset : {row.fds.takes, row.fds.gives}) {
      if (offset < 0) continue;
      const auto found = std::ranges::find_if(
          row.fields, [offset](const Field& field) { return field.offset == offset; });
      ASSERT_NE(found, row.fields.end()) << row.name;
      EXPECT_EQ(found->bytes, 4) << row.name;
      EXPECT_EQ(found->kind, FieldKind::kSigned) << row.name;
    }
    if (row.fds.takes >= 0) takes.insert(row.name);
    if (row.fds.gives >= 0) gives.insert(row.name);
  }
  EXPECT_EQ(takes, (std::set<std::string_view>{
                       "DRM_IOCTL_PRIME_FD_TO_HANDLE", "DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE",
                       "DRM_IOCTL_SYNCOBJ_EVENTFD", "SYNC_IOC_MERGE", "SW_SYNC_GET_DEADLINE",
                       "DMA_BUF_IOCTL_IMPORT_SYNC_FILE"}));
  EXPECT_EQ(gives,
            (std::set<std::string_view>{
                "DRM_IOCTL_PRIME_HANDLE_TO_FD", "DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", "SYNC_IOC_MERGE",
                "SW_SYNC_IOC_CREATE_FENCE", "DMA_BUF_IOCTL_EXPORT_SYNC_FILE"}));
}

TEST(Table, AccessIsTheKernels) {
  EXPECT_EQ(find_row(DRM_IOCTL_VERSION)->access, kRenderAllow);
  EXPECT_EQ(find_row(DRM_IOCTL_GET_UNIQUE)->access, 0);
  EXPECT_EQ(find_row(DRM_IOCTL_GET_CLIENT)->access, 0);
  EXPECT_EQ(find_row(DRM_IOCTL_GET_STATS)->access, 0);
  EXPECT_EQ(find_row(DRM_IOCTL_SET_VERSION)->access, kMaster);
  EXPECT_EQ(find_row(DRM_IOCTL_SET_CLIENT_CAP)->access, 0);
  EXPECT_EQ(find_row(DRM_IOCTL_GET_CAP)->access, kRenderAllow);
  EXPECT_EQ(find_row(DRM_IOCTL_GEM_CLOSE)->access, kRenderAllow);
  for (const Row& row : table()) {
    // Dumb buffers are for display, which render nodes have not.
    const bool mode = row.nr >= DRM_COMMAND_END && row.nr < 0xbf;
    if (row.type != DRM_IOCTL_BASE || row.nr < DRM_COMMAND_BASE) continue;
    EXPECT_EQ(row.access, mode ? 0 : kRenderAllow) << row.name;
  }
}

TEST(FindRow, IgnoresSizeAndDirection) {
  const Row* wait = find_row(DRM_IOCTL_SYNCOBJ_WAIT);
  ASSERT_NE(wait, nullptr);
  EXPECT_EQ(wait->size, 40);
  for (const uint32_t size : {0u, 1u, 32u, 40u, 16383u})
    for (const uint32_t direction : {0u, 1u, 2u, 3u})
      EXPECT_EQ(find_row(_IOC(direction, 'd', 0xc3, size)), wait);
}

TEST(FindRow, UnknownNumbersAndOtherTypesHaveNone) {
  EXPECT_EQ(find_row(_IOC(_IOC_READ, 'd', 0x03, 4)), nullptr);  // IRQ_BUSID
  EXPECT_EQ(find_row(_IOC(3u, 'd', 0x84, 8)), nullptr);
  EXPECT_EQ(find_row(_IOC(3u, 'd', 0xff, 8)), nullptr);
  EXPECT_EQ(find_row(0x5401), nullptr);  // TCGETS, which isatty() sends: not GET_UNIQUE
  EXPECT_EQ(find_row(0), nullptr);
  EXPECT_EQ(find_row(0xffffffff), nullptr);
}

}  // namespace
}  // namespace fakegpu::ioctl
