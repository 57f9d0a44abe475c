// SPDX-License-Identifier: MIT
#include "client.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <utility>

#include "ioctl/drm_core.h"

namespace fakegpu::conformance {

namespace {
std::string the_device;
std::string the_card;
std::string the_sw_sync;
pid_t the_daemon = 0;
std::function<OtherDevice()> start_other;
std::function<std::string()> start_fresh;

const OtherDevice& the_other() {
  static const OtherDevice other = start_other();
  return other;
}
}  // namespace

const std::string& device_path() {
  return the_device;
}
const std::string& card_path() {
  return the_card;
}
const std::string& sw_sync_path() {
  return the_sw_sync;
}
void set_paths(std::string device, std::string card, std::string sw_sync) {
  the_device = std::move(device);
  the_card = std::move(card);
  the_sw_sync = std::move(sw_sync);
}

const std::string& other_device_path() {
  return the_other().path;
}
pid_t other_daemon_pid() {
  return the_other().daemon;
}
std::string start_fresh_device() {
  return start_fresh();
}
void set_fresh(std::function<std::string()> start) {
  start_fresh = std::move(start);
}
void set_other(std::function<OtherDevice()> start) {
  start_other = std::move(start);
}

pid_t daemon_pid() {
  return the_daemon;
}
void set_daemon(pid_t process) {
  the_daemon = process;
}

short poll_events(int fd, int timeout) {
  // poll() itself passes over it, and would wait for nothing.
  if (fd < 0) return POLLNVAL;
  pollfd asked = {fd, POLLIN, 0};
  ::poll(&asked, 1, timeout);
  return asked.revents;
}

uint32_t Client::make_syncobj(uint32_t flags) const {
  drm_syncobj_create arg = {.handle = 0, .flags = flags};
  EXPECT_EQ(call(DRM_IOCTL_SYNCOBJ_CREATE, arg), 0);
  return arg.handle;
}

Fd Client::sw_sync() const {
  int fd = -1;
  EXPECT_EQ(fakegpu_sw_sync_open(device_, &fd), 0);
  return Fd(fd);
}

int Client::handle_to_fd(uint32_t handle, uint32_t flags, uint64_t point, uint32_t pad) const {
  ioctl::SyncobjHandle arg = {handle, flags, -1, pad, point};
  const int result = call(resized(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, sizeof(arg)), arg);
  return result == 0 ? arg.fd : result;
}

int Client::fd_to_handle(int fd, uint32_t& handle, uint32_t flags, uint64_t point,
                         uint32_t pad) const {
  ioctl::SyncobjHandle arg = {handle, flags, fd, pad, point};
  const int result = call(resized(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, sizeof(arg)), arg);
  handle = arg.handle;
  return result;
}

uint32_t Client::make_bo(uint64_t size, uint32_t heap) const {
  drm_fakegpu_bo_create arg = {.size = size, .heap = heap};
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
  return arg.handle;
}

uint32_t Client::make_vm() const {
  drm_fakegpu_vm_create arg = {};
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg), 0);
  return arg.vm_id;
}

uint32_t Client::make_context(uint32_t vm) const {
  drm_fakegpu_ctx_create arg = {.vm_id = vm};
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg), 0);
  return arg.ctx_id;
}

int Client::wait(std::span<const uint32_t> handles, int64_t timeout, uint32_t flags,
                 uint32_t* first) const {
  drm_syncobj_wait arg = {};
  arg.handles = address_of(handles.data());
  arg.timeout_nsec = timeout;
  arg.count_handles = static_cast<uint32_t>(handles.size());
  arg.flags = flags;
  if (first) arg.first_signaled = *first;
  const int result = call(DRM_IOCTL_SYNCOBJ_WAIT, arg);
  if (first) *first = arg.first_signaled;
  return result;
}

int Client::timeline_wait(std::span<const uint32_t> handles, std::span<const uint64_t> points,
                          int64_t timeout, uint32_t flags, uint32_t* first) const {
  drm_syncobj_timeline_wait arg = {};
  arg.handles = address_of(handles.data());
  arg.points = address_of(points.data());
  arg.timeout_nsec = timeout;
  arg.count_handles = static_cast<uint32_t>(handles.size());
  arg.flags = flags;
  if (first) arg.first_signaled = *first;
  const int result = call(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, arg);
  if (first) *first = arg.first_signaled;
  return result;
}

int Client::signal(std::span<const uint32_t> handles) const {
  drm_syncobj_array arg = {.handles = address_of(handles.data()),
                           .count_handles = static_cast<uint32_t>(handles.size())};
  return call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg);
}

int Client::reset(std::span<const uint32_t> handles) const {
  drm_syncobj_array arg = {.handles = address_of(handles.data()),
                           .count_handles = static_cast<uint32_t>(handles.size())};
  return call(DRM_IOCTL_SYNCOBJ_RESET, arg);
}

int Client::timeline_signal(std::span<const uint32_t> handles,
                            std::span<const uint64_t> points) const {
  drm_syncobj_timeline_array arg = {.handles = address_of(handles.data()),
                                    .points = address_of(points.data()),
                                    .count_handles = static_cast<uint32_t>(handles.size())};
  return call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg);
}

int Client::query(std::span<const uint32_t> handles, std::span<uint64_t> points,
                  uint32_t flags) const {
  drm_syncobj_timeline_array arg = {.handles = address_of(handles.data()),
                                    .points = address_of(points.data()),
                                    .count_handles = static_cast<uint32_t>(handles.size()),
                                    .flags = flags};
  return call(DRM_IOCTL_SYNCOBJ_QUERY, arg);
}

drm_fakegpu_heap_info Client::heap(uint32_t index) const {
  drm_fakegpu_heap_info info = {};
  drm_fakegpu_query arg = {.item = DRM_FAKEGPU_QUERY_HEAP,
                           .index = index,
                           .data = address_of(&info),
                           .size = sizeof(info)};
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  return info;
}

Worker::Worker(const Client& client, uint32_t ring_type, uint32_t instance)
    : client_(client),
      ring_(client.device().ring(ring_type, instance)),
      context_(client.device()),
      bo_(client.device(), kPage),
      memory_(bo_.map<uint32_t>()),
      va_(bo_.va()),
      packets_(context_, ring_type) {}

drm_fakegpu_ib Worker::finish() const {
  drm_fakegpu_ib ib = {};
  EXPECT_EQ(fakegpu_cmdbuf_finish(packets_, &ib), 0);
  return ib;
}

drm_fakegpu_submit Worker::submission(const drm_fakegpu_ib& ib) const {
  drm_fakegpu_submit arg = {};
  arg.ctx_id = context_.id();
  arg.ring = ring_;
  arg.ib_count = 1;
  arg.ibs = address_of(&ib);
  return arg;
}

int Worker::submit(std::initializer_list<drm_fakegpu_sync> ins,
                   std::initializer_list<drm_fakegpu_sync> outs, uint32_t flags,
                   uint64_t user_data) const {
  const drm_fakegpu_ib ib = finish();
  drm_fakegpu_submit arg = submission(ib);
  if (ib.dwords == 0) arg.ib_count = 0;
  arg.flags = flags;
  arg.user_data = user_data;
  arg.in_sync_count = static_cast<uint32_t>(ins.size());
  arg.in_syncs = address_of(ins.begin());
  arg.out_sync_count = static_cast<uint32_t>(outs.size());
  arg.out_syncs = address_of(outs.begin());
  return client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
}

Gate::Gate(const Client& client, uint32_t instance)
    : worker_(client, DRM_FAKEGPU_RING_COMPUTE, instance) {
  EXPECT_EQ(fakegpu_cmd_wait_reg_mem(worker_.packets(), FAKEGPU_COMPARE_EQUAL, 0, worker_.va(), 1,
                                     UINT32_MAX, 16),
            0);
}

}  // namespace fakegpu::conformance
