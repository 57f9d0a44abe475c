// SPDX-License-Identifier: MIT
// Random programs of syncobj, sync_file, sw_sync and eventfd calls by several clients, beside a
// model (fence_model.h) that is looked at afresh after every step. A failure prints the seed of its
// program; FAKEGPU_PROGRAM_SEED=N runs just that one.
#include <poll.h>
#include <sys/eventfd.h>

#include <cstdlib>
#include <random>

#include "fence_model.h"
#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr unsigned kPrograms = 250;
constexpr unsigned kSteps = 400;  // of each: 100,000 in all
constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
constexpr uint32_t kTimeline = ioctl::kSyncobjFdTimeline;
constexpr unsigned long kHandleToFd = _IOWR('d', 0xc1, ioctl::SyncobjHandle);
constexpr unsigned long kFdToHandle = _IOWR('d', 0xc2, ioctl::SyncobjHandle);

template <typename T>
uint64_t address(const T* at) {
  return reinterpret_cast<uintptr_t>(at);
}

class Program {
 public:
  explicit Program(uint64_t seed) : random_(seed) {
    for (Process& process : processes_) {
      process.client = std::make_unique<Client>(machine_);
      process.client->use(table_);
    }
    timeline_ = std::move(*machine_.machine().open_sw_sync("program"));
  }
  ~Program() {
    for (Process& process : processes_) process.client.reset();
    for (const auto& [fd, content] : sync_files_) table_.close(fd);
    for (const auto& [fd, box] : boxes_) table_.close(fd);
    timeline_.reset();
    const auto left = machine_.machine().census();
    EXPECT_EQ(left.syncobjs + left.objects + left.waits + left.files, 0u);
  }

  void step() {
    using Operation = void (Program::*)();
    static constexpr Operation kOperations[] = {
        &Program::create,    &Program::destroy,     &Program::reset,       &Program::signal,
        &Program::add_point, &Program::add_point,   &Program::make_fence,  &Program::make_fence,
        &Program::advance,   &Program::import_file, &Program::import_file, &Program::export_file,
        &Program::merge,     &Program::share,       &Program::receive,     &Program::transfer,
        &Program::transfer,  &Program::query,       &Program::look,        &Program::start_wait,
        &Program::watch,     &Program::watch,       &Program::close_fd,    &Program::file_info,
        &Program::interrupt,
    };
    (this->*kOperations[pick(std::size(kOperations))])();
    compare();
  }

 private:
  struct Process {
    std::unique_ptr<Client> client;
    std::map<uint32_t, model::BoxRef> boxes;
  };
  struct SwFence {
    uint32_t value;
    std::shared_ptr<model::Leaf> leaf;
  };
  struct PendingWait {
    model::Wait model;
    Process* process;
    uint64_t id;
    std::vector<uint32_t> handles;
    std::vector<uint64_t> points;
    bool answered = false;
    int result = 1;
    uint32_t first = 0;
  };
  struct Watched {
    model::Event model;
    base::UniqueFd eventfd;
    bool fired = false;
  };

  uint64_t pick(uint64_t below) { return random_() % below; }
  Process& anybody() { return processes_[pick(std::size(processes_))]; }
  // Mostly one that exists.
  uint32_t some_handle(const Process& process) {
    if (process.boxes.empty() || pick(16) == 0) return static_cast<uint32_t>(pick(40));
    return std::next(process.boxes.begin(), pick(process.boxes.size()))->first;
  }
  model::BoxRef box(const Process& process, uint32_t handle) {
    const auto found = process.boxes.find(handle);
    return found == process.boxes.end() ? nullptr : found->second;
  }
  uint64_t some_point() { return pick(3) == 0 ? 0 : 1 + pick(24); }
  template <typename Map>
  int32_t some_fd(const Map& map) {
    if (map.empty() || pick(16) == 0) return static_cast<int32_t>(pick(400));
    return std::next(map.begin(), pick(map.size()))->first;
  }

  void create() {
    Process& process = anybody();
    if (process.boxes.size() > 12) return;
    drm_syncobj_create arg = {0, static_cast<uint32_t>(pick(2))};
    ASSERT_EQ(process.client->call(DRM_IOCTL_SYNCOBJ_CREATE, arg), 0);
    auto made = std::make_shared<model::Box>();
    if (arg.flags) made->fence = model::stub();
    ASSERT_TRUE(process.boxes.emplace(arg.handle, std::move(made)).second);
  }
  void destroy() {
    Process& process = anybody();
    drm_syncobj_destroy arg = {some_handle(process), 0};
    const int expected = process.boxes.erase(arg.handle) ? 0 : -EINVAL;
    ASSERT_EQ(process.client->call(DRM_IOCTL_SYNCOBJ_DESTROY, arg), expected);
  }
  void replace(unsigned long command, bool with_stub) {
    Process& process = anybody();
    uint32_t handles[2] = {some_handle(process), some_handle(process)};
    drm_syncobj_array arg = {address(handles), static_cast<uint32_t>(1 + pick(2)), 0};
    int expected = 0;
    for (uint32_t i = 0; i < arg.count_handles; ++i)
      if (!box(process, handles[i])) expected = -ENOENT;
    ASSERT_EQ(process.client->call(command, arg), expected);
    if (expected != 0) return;
    for (uint32_t i = 0; i < arg.count_handles; ++i)
      box(process, handles[i])->fence = with_stub ? model::stub() : nullptr;
  }
  void reset() { replace(DRM_IOCTL_SYNCOBJ_RESET, false); }
  void signal() { replace(DRM_IOCTL_SYNCOBJ_SIGNAL, true); }

  void add_point() {
    Process& process = anybody();
    const uint32_t handle = some_handle(process);
    const uint64_t point = some_point();
    drm_syncobj_timeline_array arg = {address(&handle), address(&point), 1, 0};
    const model::BoxRef to = box(process, handle);
    ASSERT_EQ(process.client->call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg), to ? 0 : -ENOENT);
    if (to) to->add(model::stub(), point);
  }

  void make_fence() {
    if (sync_files_.size() > 24) return;
    ioctl::SwSyncCreateFence arg = {};
    arg.value = value_ + static_cast<uint32_t>(pick(6));
    ASSERT_EQ(on_timeline(ioctl::kSwSyncIocCreateFence, arg), 0);
    auto leaf = std::make_shared<model::Leaf>(arg.value <= value_);
    sync_files_.emplace(arg.fence, leaf);
    if (!leaf->done) sw_fences_.push_back({arg.value, std::move(leaf)});
  }
  void advance() {
    ioctl::SwSyncInc arg = {static_cast<uint32_t>(pick(3))};
    ASSERT_EQ(on_timeline(ioctl::kSwSyncIocInc, arg), 0);
    value_ += arg.value;
    for (const SwFence& fence : sw_fences_)
      if (fence.value <= value_) fence.leaf->done = true;
    std::erase_if(sw_fences_, [](const SwFence& fence) { return fence.leaf->done; });
  }
  template <typename T>
  int on_timeline(uint32_t command, T& arg) {
    ioctl::DirectMemory memory;
    return *timeline_->ioctl({command, address(&arg), {}, 1, &table_}, memory, nullptr);
  }

  void import_file() {
    Process& process = anybody();
    ioctl::SyncobjHandle arg = {some_handle(process), kImport, some_fd(sync_files_), 0,
                                some_point()};
    if (pick(2)) arg.flags |= kTimeline;
    const auto file = sync_files_.find(arg.fd);
    const model::BoxRef to = box(process, arg.handle);
    const int expected = file == sync_files_.end() ? -EINVAL : to ? 0 : -ENOENT;
    ASSERT_EQ(process.client->call(kFdToHandle, arg), expected);
    if (expected == 0) to->put(file->second, arg.flags & kTimeline ? arg.point : 0);
  }
  void export_file() {
    if (sync_files_.size() > 24) return;
    Process& process = anybody();
    ioctl::SyncobjHandle arg = {some_handle(process), kExport, -1, 0, some_point()};
    if (pick(2)) arg.flags |= kTimeline;
    const model::BoxRef from = box(process, arg.handle);
    model::FenceRef fence;
    const int expected = from ? from->find(arg.flags & kTimeline ? arg.point : 0, fence) : -ENOENT;
    ASSERT_EQ(process.client->call(kHandleToFd, arg), expected);
    if (expected == 0) sync_files_.emplace(arg.fd, fence ? fence : model::stub());
  }
  void merge() {
    if (sync_files_.empty() || sync_files_.size() > 24) return;
    const auto first = std::next(sync_files_.begin(), pick(sync_files_.size()));
    sync_merge_data arg = {};
    arg.fd2 = some_fd(sync_files_);
    const auto second = sync_files_.find(arg.fd2);
    const int expected = second == sync_files_.end() ? -ENOENT : 0;
    ASSERT_EQ(on_file(first->first, SYNC_IOC_MERGE, arg), expected);
    if (expected != 0) return;
    sync_files_.emplace(arg.fence,
                        std::make_shared<model::All>(std::vector{first->second, second->second}));
  }
  template <typename T>
  int on_file(int32_t fd, uint32_t command, T& arg) {
    ioctl::DirectMemory memory;
    return *table_.file(fd).ioctl({command, address(&arg), {}, 1, &table_}, memory, nullptr);
  }
  void file_info() {
    if (sync_files_.empty()) return;
    const auto file = std::next(sync_files_.begin(), pick(sync_files_.size()));
    sync_file_info arg = {};
    ASSERT_EQ(on_file(file->first, SYNC_IOC_FILE_INFO, arg), 0);
    ASSERT_EQ(arg.status, file->second->signaled() ? 1 : 0);
  }

  void share() {
    if (boxes_.size() > 8) return;
    Process& process = anybody();
    ioctl::SyncobjHandle arg = {some_handle(process), 0, -1, 0, pick(2)};
    const model::BoxRef shared = box(process, arg.handle);
    ASSERT_EQ(process.client->call(kHandleToFd, arg), shared ? 0 : -EINVAL);
    if (shared) boxes_.emplace(arg.fd, shared);
  }
  void receive() {
    Process& process = anybody();
    if (process.boxes.size() > 12) return;
    ioctl::SyncobjHandle arg = {0, 0, some_fd(boxes_), 0, 0};
    const auto shared = boxes_.find(arg.fd);
    ASSERT_EQ(process.client->call(kFdToHandle, arg), shared == boxes_.end() ? -EINVAL : 0);
    if (shared == boxes_.end()) return;
    ASSERT_TRUE(process.boxes.emplace(arg.handle, shared->second).second);
  }
  void close_fd() {
    auto close = [this](auto& map) {
      if (map.empty()) return;
      const auto at = std::next(map.begin(), pick(map.size()));
      table_.close(at->first);
      map.erase(at);
    };
    if (pick(3) == 0)
      close(boxes_);
    else
      close(sync_files_);
  }

  void transfer() {
    Process& process = anybody();
    drm_syncobj_transfer arg = {};
    arg.src_handle = some_handle(process);
    arg.dst_handle = some_handle(process);
    arg.src_point = some_point();
    arg.dst_point = some_point();
    const model::BoxRef from = box(process, arg.src_handle);
    const model::BoxRef to = box(process, arg.dst_handle);
    model::FenceRef fence;
    const int expected = from && to ? from->find(arg.src_point, fence) : -ENOENT;
    ASSERT_EQ(process.client->call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg), expected);
    if (expected == 0) to->put(fence ? fence : model::stub(), arg.dst_point);
  }
  void query() {
    Process& process = anybody();
    const uint32_t handle = some_handle(process);
    uint64_t point = 0;
    drm_syncobj_timeline_array arg = {address(&handle), address(&point), 1,
                                      static_cast<uint32_t>(pick(2))};
    const model::BoxRef of = box(process, handle);
    ASSERT_EQ(process.client->call(DRM_IOCTL_SYNCOBJ_QUERY, arg), of ? 0 : -ENOENT);
    if (of) {
      ASSERT_EQ(point, of->query(arg.flags != 0));
    }
  }

  // A wait on a few boxes of one process; the same arguments for the driver and for the model.
  std::unique_ptr<PendingWait> make_wait() {
    auto wait = std::make_unique<PendingWait>();
    wait->process = &anybody();
    wait->model.all = pick(2) != 0;
    wait->model.for_submit = pick(2) != 0;
    wait->model.available = pick(3) == 0;
    if (wait->process->boxes.empty()) return nullptr;
    for (uint64_t i = 0, count = 1 + pick(3); i < count; ++i) {
      const auto entry = std::next(wait->process->boxes.begin(), pick(wait->process->boxes.size()));
      wait->handles.push_back(entry->first);
      wait->points.push_back(some_point());
      wait->model.entries.push_back({entry->second, wait->points.back()});
    }
    wait->model.look();
    return wait;
  }
  // Nothing: it became pending.
  std::optional<int> call(PendingWait& wait, int64_t timeout, uint32_t& first) {
    drm_syncobj_timeline_wait arg = {};
    arg.handles = address(wait.handles.data());
    arg.points = address(wait.points.data());
    arg.timeout_nsec = timeout;
    arg.count_handles = static_cast<uint32_t>(wait.handles.size());
    arg.flags = (wait.model.all ? 1u : 0) | (wait.model.for_submit ? 2u : 0) |
                (wait.model.available ? 4u : 0);
    arg.first_signaled = 77;
    auto reply = [&wait](int result, std::span<const std::byte> out) {
      EXPECT_FALSE(wait.answered);
      wait.answered = true;
      wait.result = result;
      drm_syncobj_timeline_wait answer;
      std::memcpy(&answer, out.data(), sizeof(answer));
      wait.first = answer.first_signaled;
    };
    const auto result =
        wait.process->client->start(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, arg, std::move(reply));
    wait.id = wait.process->client->last_id();
    first = arg.first_signaled;
    return result;
  }
  void expect_immediate(PendingWait& wait, int result, uint32_t first) {
    if (wait.model.invalid()) {
      ASSERT_EQ(result, -EINVAL);
    } else if (!wait.model.done()) {
      ASSERT_EQ(result, -ETIME);
    } else {
      ASSERT_EQ(result, 0);
      ASSERT_EQ(first, wait.model.first());
    }
  }
  void look() {
    const auto wait = make_wait();
    if (!wait) return;
    uint32_t first = 0;
    const auto result = call(*wait, 0, first);
    ASSERT_TRUE(result);
    expect_immediate(*wait, *result, first);
  }
  void start_wait() {
    if (waits_.size() > 8) return;
    auto wait = make_wait();
    if (!wait) return;
    uint32_t first = 0;
    const auto result = call(*wait, INT64_MAX, first);
    if (result) {
      expect_immediate(*wait, *result, first);
      return;
    }
    ASSERT_FALSE(wait->model.invalid());
    ASSERT_FALSE(wait->model.done());
    waits_.push_back(std::move(wait));
  }
  void interrupt() {
    if (waits_.empty()) return;
    const auto at = std::next(waits_.begin(), pick(waits_.size()));
    PendingWait& wait = **at;
    ASSERT_TRUE(wait.process->client->file().interrupt(wait.id));
    ASSERT_TRUE(wait.answered);
    ASSERT_EQ(wait.result, -EINTR);
    waits_.erase(at);
  }

  void watch() {
    if (watched_.size() > 12) return;
    Process& process = anybody();
    ioctl::SyncobjEventfd arg = {};
    arg.handle = some_handle(process);
    arg.point = some_point();
    arg.flags = pick(2) ? DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE : 0;
    base::UniqueFd mine(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ASSERT_TRUE(mine);
    arg.fd = table_.add(std::move(*mine.duplicate()));
    const model::BoxRef of = box(process, arg.handle);
    ASSERT_EQ(process.client->call(ioctl::kSyncobjEventfdCommand, arg), of ? 0 : -ENOENT);
    table_.close(arg.fd);
    if (of) watched_.push_back({{of, arg.point, arg.flags != 0}, std::move(mine)});
  }

  // Everything that may have happened by itself.
  void compare() {
    for (const auto& wait : waits_) {
      wait->model.look();
      ASSERT_EQ(wait->answered, wait->model.done());
      if (!wait->answered) continue;
      ASSERT_EQ(wait->result, 0);
      if (wait->model.all) continue;
      // Of several that one call signals, the first to be signalled ends the wait.
      ASSERT_LT(wait->first, wait->model.entries.size());
      ASSERT_TRUE(wait->model.satisfied(wait->model.entries[wait->first]));
    }
    std::erase_if(waits_, [](const auto& wait) { return wait->answered; });
    for (Watched& each : watched_) {
      eventfd_t count = 0;
      const bool fired = ::eventfd_read(each.eventfd.get(), &count) == 0;
      if (fired) {
        ASSERT_EQ(count, 1u);
      }
      ASSERT_EQ(fired, each.model.fires());
      each.fired = fired;
    }
    std::erase_if(watched_, [](const Watched& each) { return each.fired; });
    for (const auto& [fd, fence] : sync_files_)
      ASSERT_EQ(table_.file(fd).poll(nullptr) & POLLIN, fence->signaled() ? POLLIN : 0);
  }

  std::mt19937_64 random_;
  VirtualMachine machine_;
  FakeDescriptors table_;
  Process processes_[3];
  std::unique_ptr<drv::File> timeline_;
  uint32_t value_ = 0;
  std::vector<SwFence> sw_fences_;
  std::map<int32_t, model::FenceRef> sync_files_;
  std::map<int32_t, model::BoxRef> boxes_;
  std::vector<std::unique_ptr<PendingWait>> waits_;
  std::vector<Watched> watched_;
};

void run(uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "FAKEGPU_PROGRAM_SEED=" << seed);
  Program program(seed);
  for (unsigned i = 0; i < kSteps && !testing::Test::HasFatalFailure(); ++i) program.step();
}

TEST(SyncobjPrograms, DoWhatTheModelDoes) {
  if (const char* seed = std::getenv("FAKEGPU_PROGRAM_SEED")) {
    run(std::strtoull(seed, nullptr, 0));
    return;
  }
  // Other programs each time; what failed says how to see it again.
  const uint64_t base = std::random_device{}();
  for (uint64_t i = 0; i < kPrograms && !testing::Test::HasFailure(); ++i) run(base + i);
}

}  // namespace
}  // namespace fakegpu::tests
