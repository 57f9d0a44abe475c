// SPDX-License-Identifier: MIT
#include "fake_driver.h"

namespace fakegpu::cuse_dev {
namespace {

class FakeFile final : public drv::File {
 public:
  FakeFile(Behaviour& behaviour, int& closed) : behaviour_(behaviour), closed_(closed) {}
  ~FakeFile() override { ++closed_; }

  ioctl::Plan plan(uint32_t command, const drv::Caller&, std::span<const std::byte> arg) override {
    if (behaviour_.plan) return behaviour_.plan(command, arg);
    const ioctl::Row* row = ioctl::find_row(command);
    if (_IOC_TYPE(command) != DRM_IOCTL_BASE) return {.error = -ENOTTY};
    if (row == nullptr) return {.error = -EINVAL};
    return ioctl::plan_arrays(*row, arg);
  }
  drv::Outcome ioctl(const drv::Request& request, ioctl::UserMemory& memory,
                     drv::Reply reply) override {
    return behaviour_.ioctl(request, memory, std::move(reply));
  }
  bool interrupt(uint64_t id) override { return behaviour_.interrupt && behaviour_.interrupt(id); }
  std::optional<int> read(uint64_t id, std::span<std::byte> bytes, bool nonblock,
                          drv::ReadReply reply) override {
    return behaviour_.read(id, bytes, nonblock, std::move(reply));
  }
  short poll(base::UniqueFunction<void()> wake) override {
    return behaviour_.poll(std::move(wake));
  }
  base::Result<Backing> pages() override { return base::fail(ENOMEM, "no arena"); }
  base::Result<Backing> bo_backing(uint32_t) override { return base::fail(ENOENT, "no BO"); }
  void on_close(const void*, base::UniqueFunction<void()>) override {}
  void cancel_on_close(const void*) override {}

 private:
  Behaviour& behaviour_;
  int& closed_;
};

}  // namespace

base::Result<std::unique_ptr<drv::File>> FakeMachine::open(const drv::Caller& caller,
                                                           bool is_render, drv::File*) {
  if (behaviour_.open_error != 0) return base::fail(behaviour_.open_error, "as told");
  ++opened;
  opener = caller;
  render = is_render;
  return std::make_unique<FakeFile>(behaviour_, closed);
}

base::Result<std::unique_ptr<drv::File>> FakeMachine::open_sw_sync(std::string_view name) {
  if (behaviour_.open_error != 0) return base::fail(behaviour_.open_error, "as told");
  ++opened;
  sw_sync_name = name;
  return std::make_unique<FakeFile>(behaviour_, closed);
}

}  // namespace fakegpu::cuse_dev
