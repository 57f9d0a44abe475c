// SPDX-License-Identifier: MIT
// One open file (drm_file with amdgpu_fpriv): its handle tables and its pending calls. What the
// ioctls do with them is in the handlers (handlers.h), one file per family.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/handle_table.h"
#include "bo_table.h"
#include "context.h"
#include "device.h"
#include "drv/file.h"
#include "events.h"
#include "fence/syncobj_wait.h"
#include "job.h"
#include "submit_queue.h"
#include "task.h"

namespace fakegpu::drv {

// capable(CAP_SYS_ADMIN), as far as it shows.
inline bool is_privileged(const Caller& caller) {
  return caller.uid == 0;
}

// Registrations of SYNCOBJ_EVENTFD that may still fire; they outlive the file.
struct EventfdCount final : base::RefCounted {
  unsigned live = 0;
};

class FileImpl final : public File {
 public:
  // `shared`: another file's arena to use; null: one of its own.
  FileImpl(Device& device, const Caller& opener, bool render, base::Ref<mm::Arena> shared);
  ~FileImpl() override;

  // drv::File.
  ioctl::Plan plan(uint32_t command, const Caller& caller, std::span<const std::byte> arg) override;
  Outcome ioctl(const Request& request, ioctl::UserMemory& memory, Reply reply) override;
  bool interrupt(uint64_t id) override;
  std::optional<int> read(uint64_t id, std::span<std::byte> bytes, bool nonblock,
                          ReadReply reply) override;
  short poll(base::UniqueFunction<void()> wake) override;
  base::Result<Backing> pages() override;
  base::Result<Backing> bo_backing(uint32_t handle) override;
  base::Result<Backing> fence_page(Sleepers sleepers) override;
  void on_close(const void* owner, base::UniqueFunction<void()> closed) override;
  void cancel_on_close(const void* owner) override;

  Device& device() const { return device_; }
  // Who calls, without the lock; the opener's process if that cannot be seen.
  base::Ref<Task> task_of(const Caller& caller) {
    return caller.pid > 0 ? last_task_.find(caller.pid) : process_;
  }
  // nullptr: opened through a render node. What it tells is under the device lock.
  MasterFile* master() { return master_ ? &*master_ : nullptr; }

  // The rest under the device lock.
  uint64_t client_id() const { return client_id_; }
  const Caller& opener() const { return opener_; }
  const Task& process() const { return *process_; }
  // drm_file::client_name; empty: none was set.
  const std::string& client_name() const { return client_name_; }
  void set_client_name(std::string name) { client_name_ = std::move(name); }
  // What its jobs have used, by ring.
  const std::vector<sched::AccountRef>& accounts() const { return accounts_; }
  BoTable& bos() { return bos_; }
  const BoTable& bos() const { return bos_; }
  base::HandleTable<fence::SyncobjRef>& syncobjs() { return syncobjs_; }
  base::HandleTable<VmRef>& vms() { return vms_; }
  base::HandleTable<ContextRef>& contexts() { return contexts_; }
  const base::Ref<mm::Usage>& usage() const { return usage_; }
  const base::Ref<JobCount>& jobs() const { return jobs_; }
  const base::Ref<EventQueue>& events() const { return events_; }
  base::Result<base::Ref<mm::Arena>> arena();
  const base::Ref<FencePage>& fence_page() const { return fence_page_; }

  const base::Ref<EventfdCount>& eventfds() const { return eventfds_; }

  // Makes a wait of the call `id` pending; `arg` is its struct, where first_signaled, if it has
  // that, will be stored at `answer_offset`. `timeout` is absolute. False: too many are pending.
  struct WaitCall {
    uint64_t id;
    std::vector<std::byte> arg;
    std::optional<size_t> answer_offset;
    base::Nanos timeout;
    Reply reply;
    std::variant<std::unique_ptr<fence::SyncobjWait>, std::unique_ptr<SeqnoWait>,
                 std::unique_ptr<WaitingSubmit>>
        wait;

    size_t entries() const {
      const auto* syncobjs = std::get_if<std::unique_ptr<fence::SyncobjWait>>(&wait);
      return syncobjs != nullptr && *syncobjs ? (*syncobjs)->size() : 1;
    }
  };
  // `entries`: of a wait for syncobjs, each of which the driver holds memory for.
  bool may_wait(size_t entries = 1) const {
    const Options& options = device_.options();
    return waits_.size() < options.file_waits &&
           wait_entries_ + entries <= options.file_wait_entries;
  }
  fence::SyncobjWait::Done wait_done(uint64_t id);
  SeqnoWait::Done seqno_wait_done(uint64_t id);
  void suspend(WaitCall call);
  // Answers a pending call that has no first_signaled.
  void finish(uint64_t id, int result) { answer(id, result, 0); }
  // Answers a pending submission that was let in.
  void finish_submit(uint64_t id, uint64_t seqno);

  // The device goes away, and then its jobs are cancelled: answers everything that is pending.
  void unplug();

 private:
  struct Pending {
    WaitCall call;
    base::TimerId timer = 0;
  };

  Outcome dispatch(const Request& request, ioctl::UserMemory& memory, Reply reply);
  void fail_pending(int error);
  void answer(uint64_t id, int result, uint32_t first_signaled);

  Device& device_;
  const Caller opener_;
  // The opener's.
  const base::Ref<Task> process_;
  LastTask last_task_;
  std::string client_name_;
  std::optional<MasterFile> master_;
  uint64_t client_id_ = 0;
  std::vector<sched::AccountRef> accounts_;
  BoTable bos_;
  base::HandleTable<fence::SyncobjRef> syncobjs_;
  base::HandleTable<VmRef> vms_;
  base::HandleTable<ContextRef> contexts_;
  base::Ref<mm::Usage> usage_;
  base::Ref<JobCount> jobs_;
  base::Ref<EventQueue> events_;
  base::Ref<EventfdCount> eventfds_;
  base::Ref<mm::Arena> arena_;
  base::Ref<FencePage> fence_page_;
  std::map<uint64_t, Pending> waits_;
  size_t wait_entries_ = 0;  // of all of them
  std::vector<std::pair<const void*, base::UniqueFunction<void()>>> closed_;
};

}  // namespace fakegpu::drv
