// SPDX-License-Identifier: MIT
/**
 * \file fakegpu.hpp
 * The C++ face of libdrm_fakegpu: owners for the C handles, header-only. Functions throw
 * std::system_error (std::generic_category, the positive errno) where the C function would return
 * an error; what they do, and what may be called from which thread, is in the C headers. The
 * builder functions of command buffers stay C functions: CommandBuffer converts to the handle, and
 * the error that it keeps is thrown when it is submitted.
 */
#ifndef FAKEGPU_FAKEGPU_HPP
#define FAKEGPU_FAKEGPU_HPP

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fakegpu/fakegpu.h>

namespace fakegpu {

/** Throws if `result` is an error, else gives it back. */
inline int check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
  return result;
}

/** Owns a C handle: move-only, null when moved from. Converts to the handle, as a borrow. */
template <typename T, void (*destroy)(T*)>
class Owner {
 public:
  Owner() = default;
  explicit Owner(T* handle) : handle_(handle) {}

  T* get() const { return handle_.get(); }
  operator T*() const { return get(); }

 private:
  struct Destroy {
    void operator()(T* handle) const { destroy(handle); }
  };
  std::unique_ptr<T, Destroy> handle_;
};

/** Owns a descriptor: move-only, -1 when moved from. Converts to it, as a borrow. */
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  operator int() const { return fd_; }

 private:
  int fd_ = -1;
};

class Device : public Owner<fakegpu_device, fakegpu_device_close> {
 public:
  /** `where` as for fakegpu_device_open(); nullptr finds the device. */
  explicit Device(const char* where = nullptr) : Owner(open(where)) {}
  explicit Device(fakegpu_device* handle) : Owner(handle) {}

  const char* transport() const { return fakegpu_device_transport(*this); }
  const drm_fakegpu_device_info& info() const { return *fakegpu_device_info(*this); }
  int64_t deadline_ns(int64_t from_now_ns) const { return fakegpu_deadline_ns(*this, from_now_ns); }
  uint32_t ring(uint32_t type, uint32_t instance = 0) const {
    return static_cast<uint32_t>(check(fakegpu_find_ring(*this, type, instance), "find ring"));
  }
  /** Why `client`, or this handle, has not finished what it has not (fakegpu_explain_client()). */
  std::string explain(uint64_t client = 0) const {
    std::string text(65536, '\0');
    uint32_t size = static_cast<uint32_t>(text.size());
    check(fakegpu_explain_client(*this, client, text.data(), &size), "explain client");
    text.resize(std::min<size_t>(size, text.size()));
    return text;
  }
  /** Every policy there is; the default first. */
  std::vector<std::string> policies() const {
    std::vector<std::string> names;
    drm_fakegpu_policy_info info = {};
    int result = 0;
    for (uint32_t i = 0; (result = fakegpu_query_policy(*this, i, &info)) == 0; ++i)
      names.emplace_back(info.name);
    if (result != -EINVAL) check(result, "query policy");
    return names;
  }
  /** That of a ring. */
  std::string policy(uint32_t ring) const {
    drm_fakegpu_ring_info info = {};
    check(fakegpu_query_ring(*this, ring, &info), "query ring");
    return info.policy;
  }
  /** Changes it. */
  void set_policy(const std::string& name, uint32_t ring = DRM_FAKEGPU_ALL_RINGS) const {
    check(fakegpu_device_set_policy(*this, name.c_str(), ring), "set policy");
  }
  Fd sw_sync() const {
    int fd = -1;
    check(fakegpu_sw_sync_open(*this, &fd), "open sw_sync");
    return Fd(fd);
  }

  /** Of this open file on a ring. */
  drm_fakegpu_usage usage(uint32_t ring) const {
    drm_fakegpu_usage usage = {};
    check(fakegpu_query_usage(*this, ring, &usage), "query usage");
    return usage;
  }
  /** The open files that the caller may see. */
  std::vector<drm_fakegpu_client> clients() const {
    std::vector<drm_fakegpu_client> found;
    const auto add = [](const drm_fakegpu_client* client, void* to) {
      try {
        static_cast<std::vector<drm_fakegpu_client>*>(to)->push_back(*client);
      } catch (...) {
        return -ENOMEM;
      }
      return 0;
    };
    check(fakegpu_visit_clients(*this, add, &found), "list clients");
    return found;
  }
  /** Of this open file, or another one. */
  std::string fdinfo(uint64_t client_id = 0) const {
    std::string text(1024, 0);
    for (;;) {
      const auto length = static_cast<size_t>(
          check(fakegpu_fdinfo(*this, client_id, text.data(), static_cast<uint32_t>(text.size())),
                "read fdinfo"));
      const bool whole = length < text.size();
      text.resize(whole ? length : length + 64);
      if (whole) return text;
    }
  }
  /** Chooses which DRM_FAKEGPU_MONITOR_* events it is told (fakegpu_device_monitor()). */
  void monitor(uint32_t events = DRM_FAKEGPU_MONITOR_WEDGED) const {
    check(fakegpu_device_monitor(*this, events), "monitor the device");
  }
  /**
   * Calls `visit` with each event that it takes (fakegpu_device_handle_events()): a callable for
   * drm_fakegpu_event_fence, drm_fakegpu_event_wedged or both, which must not throw. False: there
   * is none, or a signal handler ran.
   */
  template <typename Visit>
  bool handle_events(Visit&& visit, bool block = true) const {
    fakegpu_event_handlers handlers = {};
    handlers.size = sizeof(handlers);
    handlers.data = const_cast<void*>(static_cast<const void*>(&visit));
    if constexpr (std::is_invocable_v<Visit&, const drm_fakegpu_event_fence&>)
      handlers.fence = [](void* data, const drm_fakegpu_event_fence* event) {
        (*static_cast<std::remove_reference_t<Visit>*>(data))(*event);
      };
    if constexpr (std::is_invocable_v<Visit&, const drm_fakegpu_event_wedged&>)
      handlers.wedged = [](void* data, const drm_fakegpu_event_wedged* event) {
        (*static_cast<std::remove_reference_t<Visit>*>(data))(*event);
      };
    const int result = fakegpu_device_handle_events(*this, &handlers, block);
    if (result == -EAGAIN || result == -EINTR) return false;
    return check(result, "read events") > 0;
  }
  /** Arms a fault, as "hang,ring=gfx_0.0,nth=3" (fakegpu_inject_fault()). */
  void inject(const std::string& fault) const {
    check(fakegpu_inject_fault(*this, fault.c_str()), "inject fault");
  }
  /** Disarms those of a kind; without a name, all. */
  void clear_faults(const char* name = nullptr) const {
    check(fakegpu_clear_faults(*this, name), "clear faults");
  }
  /** Every kind there is, and how often it has fired. */
  std::vector<drm_fakegpu_fault_kind> fault_kinds() const {
    return fault_info<drm_fakegpu_fault_kind>(DRM_FAKEGPU_FAULT_KINDS);
  }
  std::vector<drm_fakegpu_armed_fault> armed_faults() const {
    return fault_info<drm_fakegpu_armed_fault>(DRM_FAKEGPU_FAULT_ARMED);
  }
  void set_client_name(const char* name) const {
    check(fakegpu_set_client_name(*this, name), "name client");
  }

 private:
  template <typename T>
  std::vector<T> fault_info(uint32_t what) const {
    std::vector<T> all(65536 / sizeof(T));
    uint32_t size = static_cast<uint32_t>(all.size() * sizeof(T));
    check(fakegpu_fault_info(*this, what, all.data(), &size), "ask for faults");
    all.resize(std::min<size_t>(size / sizeof(T), all.size()));
    return all;
  }
  static fakegpu_device* open(const char* where) {
    fakegpu_device* handle = nullptr;
    check(fakegpu_device_open(where, &handle), "open device");
    return handle;
  }
};

class Bo : public Owner<fakegpu_bo, fakegpu_bo_destroy> {
 public:
  Bo() = default;
  Bo(const Device& device, uint64_t size_bytes, uint32_t heap = DRM_FAKEGPU_HEAP_VRAM,
     uint32_t flags = 0, uint64_t alignment_bytes = 0)
      : Owner(create(device, size_bytes, heap, flags, alignment_bytes)) {}

  /** The BO of a dma-buf. */
  static Bo import_fd(const Device& device, int fd) {
    fakegpu_bo* handle = nullptr;
    check(fakegpu_bo_import(device, fd, &handle), "import BO");
    return Bo(handle);
  }

  uint64_t size() const { return fakegpu_bo_size(*this); }
  /** This BO as a submission names it, which reads it, writes it, or both. */
  fakegpu_bo_use use(uint32_t flags) const { return {get(), flags}; }
  /** A dma-buf for it. */
  Fd export_fd() const {
    int fd = -1;
    check(fakegpu_bo_export(*this, &fd), "export BO");
    return Fd(fd);
  }
  /** Address in the default address space. */
  uint64_t va() const {
    uint64_t va = 0;
    check(fakegpu_bo_va(*this, &va), "bind BO");
    return va;
  }
  /** Maps the BO until it is destroyed; as elements of T. */
  template <typename T = std::byte>
  std::span<T> map() const {
    static_assert(std::is_trivially_copyable_v<T>);
    void* cpu = nullptr;
    check(fakegpu_bo_map(*this, &cpu), "map BO");
    return {static_cast<T*>(cpu), static_cast<size_t>(size() / sizeof(T))};
  }

 private:
  explicit Bo(fakegpu_bo* handle) : Owner(handle) {}
  static fakegpu_bo* create(const Device& device, uint64_t size, uint32_t heap, uint32_t flags,
                            uint64_t alignment) {
    fakegpu_bo* handle = nullptr;
    check(fakegpu_bo_create(device, size, alignment, heap, flags, &handle), "create BO");
    return handle;
  }
};

class Syncobj : public Owner<fakegpu_syncobj, fakegpu_syncobj_destroy> {
 public:
  Syncobj() = default;
  explicit Syncobj(const Device& device, uint32_t flags = 0) : Owner(create(device, flags)) {}

  /** This object at a point, for submissions and waits. */
  fakegpu_sync_point at(uint64_t point = 0) const { return {get(), point}; }
  void signal(uint64_t point = 0) const { check(fakegpu_syncobj_signal(*this, point), "signal"); }
  void reset() const { check(fakegpu_syncobj_reset(*this), "reset syncobj"); }
  /** Why the fence has not signalled (fakegpu_explain_syncobj()). */
  std::string explain(uint64_t point = 0) const {
    std::string text(65536, '\0');
    uint32_t size = static_cast<uint32_t>(text.size());
    check(fakegpu_explain_syncobj(*this, point, text.data(), &size), "explain syncobj");
    text.resize(std::min<size_t>(size, text.size()));
    return text;
  }
  uint64_t query(uint32_t flags = 0) const {
    uint64_t point = 0;
    check(fakegpu_syncobj_query(*this, flags, &point), "query syncobj");
    return point;
  }

  /** The object behind a descriptor that export_fd() gave. */
  static Syncobj import_fd(const Device& device, int fd) {
    fakegpu_syncobj* handle = nullptr;
    check(fakegpu_syncobj_import(device, fd, &handle), "import syncobj");
    return Syncobj(handle);
  }
  Fd export_fd() const {
    int fd = -1;
    check(fakegpu_syncobj_export(*this, &fd), "export syncobj");
    return Fd(fd);
  }
  /** The fence that it has now, as a sync_file. */
  Fd export_sync_file(uint64_t point = 0) const {
    int fd = -1;
    check(fakegpu_syncobj_export_sync_file(*this, point, &fd), "export sync_file");
    return Fd(fd);
  }
  void import_sync_file(int fd, uint64_t point = 0) const {
    check(fakegpu_syncobj_import_sync_file(*this, point, fd), "import sync_file");
  }
  /** Counts `eventfd` up when the point signals. */
  void notify(int eventfd, uint64_t point = 0, uint32_t flags = 0) const {
    check(fakegpu_syncobj_eventfd(*this, point, flags, eventfd), "watch syncobj");
  }

 private:
  explicit Syncobj(fakegpu_syncobj* handle) : Owner(handle) {}
  static fakegpu_syncobj* create(const Device& device, uint32_t flags) {
    fakegpu_syncobj* handle = nullptr;
    check(fakegpu_syncobj_create(device, flags, &handle), "create syncobj");
    return handle;
  }
};

/** Waits for all points; they may still lack a fence. False: the deadline passed. Throws all else.
 */
inline bool wait(const Device& device, std::span<const fakegpu_sync_point> points,
                 int64_t deadline_ns = INT64_MAX) {
  const int result = fakegpu_syncobj_timeline_wait(
      device, points.data(), static_cast<uint32_t>(points.size()), deadline_ns,
      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, nullptr);
  if (result == -ETIME) return false;
  check(result, "wait");
  return true;
}
inline bool wait(const Device& device, fakegpu_sync_point point, int64_t deadline_ns = INT64_MAX) {
  return wait(device, std::span(&point, 1), deadline_ns);
}

/** Puts the fence of one object or point into another. */
inline void transfer(fakegpu_sync_point from, fakegpu_sync_point to, uint32_t flags = 0) {
  check(fakegpu_syncobj_transfer(to.syncobj, to.point, from.syncobj, from.point, flags),
        "transfer fence");
}

class Context : public Owner<fakegpu_context, fakegpu_context_destroy> {
 public:
  Context() = default;
  explicit Context(const Device& device, int32_t priority = DRM_FAKEGPU_PRIORITY_NORMAL,
                   fakegpu_vm* vm = nullptr)
      : Owner(create(device, priority, vm)) {}

  uint32_t id() const { return fakegpu_context_id(*this); }
  void set_priority(int32_t priority) const {
    check(fakegpu_context_set_priority(*this, priority), "set priority");
  }
  drm_fakegpu_ctx_query query() const {
    drm_fakegpu_ctx_query state = {};
    check(fakegpu_context_query(*this, &state), "query context");
    return state;
  }
  drm_fakegpu_usage usage(uint32_t ring) const {
    drm_fakegpu_usage usage = {};
    check(fakegpu_context_usage(*this, ring, &usage), "query usage");
    return usage;
  }

  /** Queues one job of `buffers`; gives its seqno. `flags`: DRM_FAKEGPU_SUBMIT_*; with _WAIT it has
   * its turn when there is room. */
  uint64_t submit(uint32_t ring, std::initializer_list<fakegpu_cmdbuf*> buffers,
                  std::span<const fakegpu_sync_point> waits = {},
                  std::span<const fakegpu_sync_point> signals = {}, uint32_t flags = 0,
                  uint64_t user_data = 0, std::span<const fakegpu_bo_use> bos = {}) const {
    fakegpu_submission submission = {};
    submission.ring = ring;
    submission.flags = flags;
    submission.cmdbufs = buffers.begin();
    submission.cmdbuf_count = static_cast<uint32_t>(buffers.size());
    submission.waits = waits.data();
    submission.wait_count = static_cast<uint32_t>(waits.size());
    submission.signals = signals.data();
    submission.signal_count = static_cast<uint32_t>(signals.size());
    submission.bos = bos.data();
    submission.bo_count = static_cast<uint32_t>(bos.size());
    submission.user_data = user_data;
    uint64_t seqno = 0;
    check(fakegpu_context_submit(*this, &submission, &seqno), "submit");
    return seqno;
  }

  /** Waits for the job of that seqno. False: the deadline passed. Throws all else. */
  bool wait(uint32_t ring, uint64_t seqno, int64_t deadline_ns = INT64_MAX) const {
    const int result = fakegpu_context_wait(*this, ring, seqno, deadline_ns);
    if (result == -ETIME) return false;
    check(result, "wait");
    return true;
  }

 private:
  static fakegpu_context* create(const Device& device, int32_t priority, fakegpu_vm* vm) {
    fakegpu_context* handle = nullptr;
    check(fakegpu_context_create(device, vm, priority, &handle), "create context");
    return handle;
  }
};

class CommandBuffer : public Owner<fakegpu_cmdbuf, fakegpu_cmdbuf_destroy> {
 public:
  CommandBuffer() = default;
  CommandBuffer(const Context& context, uint32_t ring_type) : Owner(create(context, ring_type)) {}

  int error() const { return fakegpu_cmdbuf_error(*this); }
  uint32_t dwords() const { return fakegpu_cmdbuf_dwords(*this); }
  void reset() const { fakegpu_cmdbuf_reset(*this); }
  /** fakegpu_cmd_dispatch() with one of the structs of kernels.h. */
  template <typename Arguments>
  int dispatch(uint32_t kernel, const Arguments& arguments, uint32_t x, uint32_t y = 1,
               uint32_t z = 1) const {
    static_assert(std::is_trivially_copyable_v<Arguments>);
    return fakegpu_cmd_dispatch(*this, kernel, &arguments, sizeof(arguments), x, y, z);
  }

 private:
  static fakegpu_cmdbuf* create(const Context& context, uint32_t ring_type) {
    fakegpu_cmdbuf* handle = nullptr;
    check(fakegpu_cmdbuf_create(context, ring_type, &handle), "create command buffer");
    return handle;
  }
};

}  // namespace fakegpu

#endif
