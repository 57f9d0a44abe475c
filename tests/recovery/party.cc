// SPDX-License-Identifier: MIT
#include "party.h"

#include <algorithm>

namespace fakegpu::tests {

namespace {

constexpr uint64_t kReadOnly = 0x4000'0000;
constexpr uint32_t kFirstTag = 0x1000;

}  // namespace

std::string_view ring_name(unsigned ring) {
  static constexpr std::string_view kNames[kRings] = {"gfx_0.0", "comp_1.0", "comp_1.1", "sdma0",
                                                      "sdma1"};
  return kNames[ring];
}

hw::Profile recovery_profile() {
  hw::Profile profile = small_profile();
  profile.compute_rings = 2;
  return profile;
}

// What jobs write is in system memory, which a reset does not lose.
Party::Party(VirtualMachine& machine, Watch& watch)
    : watch_(watch),
      client_(machine),
      memory_(client_.buffer(kJobs * Place::kDwords * 4, DRM_FAKEGPU_HEAP_SYSTEM)),
      ibs_(client_.buffer(kJobs * kIbDwords * 4)),
      read_only_va_(kReadOnly) {
  drm_fakegpu_vm_bind bind = {};
  bind.vm_id = client_.vm();
  bind.handle = memory_.handle;
  bind.flags = DRM_FAKEGPU_VM_BIND_READONLY;
  bind.va = read_only_va_;
  bind.size = kJobs * Place::kDwords * 4;
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_VM_BIND, bind), 0);
}

Place Party::place(unsigned slot) {
  const uint64_t offset = uint64_t{slot} * Place::kDwords;
  return {memory_.va + 4 * offset, read_only_va_ + 4 * offset, memory_.as<uint32_t>() + offset};
}

drm_fakegpu_ib Party::write_ib(unsigned slot, packets::Words words, bool sdma) {
  while (sdma && words.size() % 8 != 0) words.push_back(0);
  EXPECT_LE(words.size(), kIbDwords);
  std::copy(words.begin(), words.end(), ibs_.as<uint32_t>() + slot * kIbDwords);
  return {ibs_.va + uint64_t{4} * kIbDwords * slot, static_cast<uint32_t>(words.size()), 0};
}

Tracked* Party::submit(const Request& request, int* refusal) {
  EXPECT_FALSE(full());
  const auto slot = static_cast<unsigned>(jobs_.size());
  const Place at = place(slot);
  const uint32_t tag = kFirstTag + 16 * slot;
  const bool sdma = is_sdma(request.ring);
  Tracked& job = jobs_.emplace_back();
  job.number = slot;
  job.context = request.context;
  job.owner = request.owner;
  job.ring = request.ring;
  job.bad = request.fault != nullptr;
  job.memory = at.bytes;
  job.reads = request.reads;
  for (unsigned i = 0; i < Tracked::kDwords; ++i) job.expected[i] = i < 4 ? tag + i : tag + 4;
  job.expected[7] = Tracked::kUntouched + 1;
  job.expected[3] = request.reads ? request.reads->expected[0] : tag + 2;
  std::fill_n(at.bytes, Place::kDwords, 0);
  std::fill_n(at.bytes, Tracked::kDwords, Tracked::kUntouched);

  const uint64_t reads =
      request.reads ? place(static_cast<unsigned>(request.reads->number)).handed_over() : 0;
  auto words = request.fault ? bad_program(*request.fault, sdma, at, tag)
                             : good_program(sdma, at, tag, reads, request.long_pauses);
  std::vector<drm_fakegpu_sync> out;
  if (request.out) out.push_back({request.out, 0, 0});
  watch_.expect(&job);
  const int result = client_.submit({.context = request.context,
                                     .ring = request.ring,
                                     .ibs = {write_ib(slot, std::move(words), sdma)},
                                     .in = request.in,
                                     .out = out,
                                     .flags = DRM_FAKEGPU_SUBMIT_EVENT,
                                     .user_data = slot});
  if (refusal) *refusal = result;
  watch_.expect(nullptr);
  if (result == 0) return &job;
  jobs_.pop_back();
  return nullptr;
}

void Party::read_events() {
  std::byte bytes[sizeof(drm_fakegpu_event_fence)];
  while (client_.file().read(1, bytes, true, nullptr) == int{sizeof(bytes)}) {
    drm_fakegpu_event_fence event;
    std::memcpy(&event, bytes, sizeof(event));
    watch_.event(jobs_.at(event.user_data), event.error);
  }
}

void Party::close() {
  closed_ = true;
  for (Tracked& job : jobs_) job.memory = nullptr;
  client_.close();
}

void Party::end_context(uint32_t context) {
  drm_fakegpu_ctx_destroy arg = {};
  arg.ctx_id = context;
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), 0);
}

void Party::end_syncobj(uint32_t handle) {
  drm_syncobj_destroy arg = {};
  arg.handle = handle;
  EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_DESTROY, arg), 0);
}

uint32_t Party::flags(uint32_t context) {
  drm_fakegpu_ctx_query query = {};
  query.ctx_id = context;
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);
  return query.flags;
}

}  // namespace fakegpu::tests
