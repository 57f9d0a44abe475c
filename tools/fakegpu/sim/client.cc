// SPDX-License-Identifier: MIT
#include "client.h"

#include <poll.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include <fmt/core.h>

namespace fakegpu::sim {

namespace {

// Nobody asks who they are; root, so that all priorities are allowed.
constexpr drv::Caller kCaller = {1, 0, 0};

}  // namespace

Client::Client(World& world, Client* memory_of) : world_(world) {
  auto file = world.machine.open(kCaller, true, memory_of ? &memory_of->file() : nullptr);
  if (!file) throw std::runtime_error("open: " + file.error().message());
  file_ = std::move(*file);
  drm_fakegpu_vm_create vm = {};
  call(DRM_IOCTL_FAKEGPU_VM_CREATE, vm);
  vm_ = vm.vm_id;
  listen();
}

Client::~Client() = default;

Queue& Client::add_queue(const QueueSpec& spec, std::unique_ptr<Workload> workload,
                         ClientStatistics& statistics, uint32_t ring) {
  queues_.push_back(
      std::make_unique<Queue>(*this, queues_.size(), spec, std::move(workload), statistics, ring));
  return *queues_.back();
}

void Client::end() {
  for (const auto& queue : queues_) queue->end();
}

int Client::try_call(uint32_t command, void* arg, drv::Descriptors* descriptors) {
  const auto result = file_->ioctl(
      {command, reinterpret_cast<uintptr_t>(arg), kCaller, ++last_id_, descriptors}, memory_, {});
  return result ? *result : -EINPROGRESS;
}

void Client::must(uint32_t command, int result) {
  if (result != 0)
    throw std::runtime_error(
        fmt::format("call {:#x} of a simulated client: {}", command, std::strerror(-result)));
}

bool Client::wait(uint32_t command, void* arg, drv::Reply reply) {
  const auto result =
      file_->ioctl({command, reinterpret_cast<uintptr_t>(arg), kCaller, ++last_id_, nullptr},
                   memory_, std::move(reply));
  if (!result) return false;
  if (*result != 0)
    throw std::runtime_error(
        fmt::format("wait {:#x} of a simulated client: {}", command, std::strerror(-*result)));
  return true;
}

uint64_t Client::allocate(uint64_t bytes, base::Mapping& mapping) {
  drm_fakegpu_bo_create bo = {};
  bo.size = bytes;
  call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo);
  drm_fakegpu_vm_bind bind = {};
  bind.vm_id = vm_;
  bind.handle = bo.handle;
  bind.va = next_va_;
  bind.size = bo.size;
  next_va_ += bo.size;
  call(DRM_IOCTL_FAKEGPU_VM_BIND, bind);
  auto backing = file_->bo_backing(bo.handle);
  if (!backing) throw std::runtime_error(backing.error().message());
  auto mapped = base::Mapping::map_shared(backing->fd.get(), backing->offset, backing->size,
                                          PROT_READ | PROT_WRITE);
  if (!mapped) throw std::runtime_error(mapped.error().message());
  mapping = std::move(*mapped);
  return bind.va;
}

// Takes all events there are, then asks to be called for the next.
void Client::listen() {
  std::array<drm_fakegpu_event_fence, 32> events;
  do {
    const auto bytes = std::as_writable_bytes(std::span(events));
    size_t count;
    do {
      const auto got = file_->read(0, bytes, true, {});
      count = got && *got > 0 ? static_cast<size_t>(*got) / sizeof(events[0]) : 0;
      for (size_t i = 0; i < count; ++i)
        queues_[events[i].user_data]->job_finished(events[i].error);
    } while (count == events.size());
  } while (file_->poll([this] {
    if (!world_.over) listen();
  }) & POLLIN);
}

}  // namespace fakegpu::sim
