// SPDX-License-Identifier: MIT
// Programs of ioctls by two clients and on the descriptors that they get, with structs made of
// edges: any command of the table with any size, pointers into memory that ends somewhere, handles
// that may or may not exist. Nothing may crash, hang or leak, and an error must not be a success in
// disguise.
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "fuzz_input.h"
#include "ioctl/decode.h"
#include "ioctl/table.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

// The caller's memory: one window, everything else is unmapped.
class Window final : public ioctl::UserMemory {
 public:
  static constexpr uint64_t kBase = 0x10000;

  bool fetch(uint64_t address, std::span<std::byte> to) override {
    if (!inside(address, to.size())) return false;
    if (to.empty()) return true;
    std::memcpy(to.data(), bytes_.data() + (address - kBase), to.size());
    return true;
  }
  bool store(uint64_t address, std::span<const std::byte> from) override {
    if (!inside(address, from.size())) return false;
    if (from.empty()) return true;
    std::memcpy(bytes_.data() + (address - kBase), from.data(), from.size());
    return true;
  }
  void put(uint64_t offset, uint64_t value, size_t size) {
    if (offset + size <= bytes_.size()) std::memcpy(bytes_.data() + offset, &value, size);
  }

 private:
  bool inside(uint64_t address, size_t size) const {
    return address >= kBase && address - kBase <= bytes_.size() &&
           size <= bytes_.size() - (address - kBase);
  }
  std::array<std::byte, 8192> bytes_{};
};

// Kept of what calls give.
constexpr size_t kDescriptors = 24;

void require(bool condition) {
  if (!condition) std::abort();
}

uint32_t make_command(FuzzInput& input, const ioctl::Row& row) {
  const uint32_t size = input.pick(4) == 0 ? input.take<uint16_t>() & 0x3fff : row.size;
  const uint32_t direction = input.pick(8) == 0 ? input.pick(4) : row.direction;
  const uint32_t nr = input.pick(32) == 0 ? input.take<uint8_t>() : row.nr;
  const uint32_t type = input.pick(64) == 0 ? input.take<uint8_t>() : row.type;
  return _IOC(direction, type, nr, size);
}

// Fills the struct at the window's start field by field.
void fill(FuzzInput& input, const ioctl::Row& row, Window& memory) {
  for (const ioctl::Field& field : row.fields) {
    uint64_t value = input.number();
    // Handles, counts and flags are small numbers; pointers lead into the window, or out of it.
    if (field.kind == ioctl::FieldKind::kPointer && input.pick(8) != 0)
      value = Window::kBase + 1024 + 512 * input.pick(15);
    if (field.kind == ioctl::FieldKind::kPad && input.pick(8) != 0) value = 0;
    if (field.kind == ioctl::FieldKind::kUnsigned && input.pick(4) != 0) value = input.pick(6);
    if (field.bytes <= 8) memory.put(field.offset, value, field.bytes);
  }
  for (uint32_t i = input.pick(24); i > 0; --i)
    memory.put(1024 + 8 * input.take<uint8_t>(), input.pick(4) ? input.pick(5) : input.number(), 8);
}

// A fault that the device knows, mostly whole.
void fill_fault(FuzzInput& input, const drv::Faults& faults, Window& memory) {
  const auto kinds = faults.kinds();
  const drm_fakegpu_fault_kind& kind = kinds[input.take<uint8_t>() % kinds.size()];
  drm_fakegpu_inject arg = {};
  std::memcpy(arg.fault.name, kind.name, sizeof(kind.name));
  arg.fault.ring = input.pick(4) == 0 ? input.pick(8) : DRM_FAKEGPU_ALL_RINGS;
  arg.fault.ioctl = DRM_FAKEGPU_ANY_IOCTL;
  (input.pick(4) == 0 ? arg.fault.probability : arg.fault.nth) = input.number();
  if (kind.takes & DRM_FAKEGPU_FAULT_TAKES_DURATION) arg.fault.duration_ns = input.number();
  if (kind.takes & DRM_FAKEGPU_FAULT_TAKES_IOCTL) arg.fault.error = input.pick(135);
  if (input.pick(4) == 0) arg.fault.for_ns = input.number();
  require(memory.store(Window::kBase, std::as_bytes(std::span(&arg, 1))));
}

// Of a device that is gone, or was given up, something is kept.
bool nothing_is_kept(const drv::Faults& faults) {
  constexpr std::string_view kFatal[] = {"mute-gpu-reset", "failed-ring-test", "slow-reset",
                                         "unplug"};
  return std::ranges::none_of(faults.kinds(), [&](const drm_fakegpu_fault_kind& kind) {
    return kind.fired != 0 && std::ranges::count(kFatal, std::string_view(kind.name)) != 0;
  });
}

}  // namespace

void fuzz_one(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  drv::Options options;
  constexpr base::Nanos kTimeout = 50 * base::kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  options.file_bytes = 8 << 20;
  options.file_objects = 64;
  options.file_jobs = 32;
  options.file_waits = 8;
  options.channel_path = "/channel";
  VirtualMachine machine(input.take<uint8_t>(), options);
  const auto before = machine.machine().census();
  {
    FakeDescriptors table;
    table.install(std::move(*machine.machine().open_sw_sync("fuzz")));
    std::unique_ptr<drv::File> files[2];
    uint64_t replies = 0;
    uint64_t pending = 0;
    uint64_t id = 0;
    auto memory = std::make_unique<Window>();
    while (!input.empty()) {
      const uint32_t who = input.pick(2);
      const drv::Caller caller = {1, who ? 1000u : 0u, 0};
      if (!files[who]) {
        auto opened = machine.machine().open(caller, input.pick(4) != 0);
        if (!opened) break;  // it was unplugged
        files[who] = std::move(*opened);
      }
      while (table.open_files() > kDescriptors) table.close(table.nth(0));
      switch (input.pick(16)) {
        case 0:
          files[who].reset();
          continue;
        case 1:
          machine.executor().run_for(static_cast<base::Nanos>(input.take<uint32_t>()));
          continue;
        case 2:
          files[who]->interrupt(1 + input.pick(255));
          continue;
        case 3: {
          std::byte bytes[256];
          files[who]->read(++id, std::span(bytes).first(input.take<uint8_t>()), input.pick(2) != 0,
                           [](int, std::span<const std::byte>) {});
          continue;
        }
        case 4:
          if (table.open_files() != 0) table.close(table.nth(input.pick(table.open_files())));
          continue;
        default:
          break;
      }
      const auto rows = ioctl::table();
      const ioctl::Row& row = rows[input.take<uint8_t>() % rows.size()];
      fill(input, row, *memory);
      if (row.nr == _IOC_NR(DRM_IOCTL_FAKEGPU_INJECT) && input.pick(4) != 0)
        fill_fault(input, machine.machine().faults(), *memory);
      if (row.fds.takes >= 0 && table.open_files() != 0 && input.pick(4) != 0)
        memory->put(static_cast<uint64_t>(row.fds.takes),
                    static_cast<uint64_t>(table.nth(input.pick(table.open_files()))), 4);
      drv::File* target = files[who].get();
      if (row.type != DRM_IOCTL_BASE && table.open_files() != 0 && input.pick(16) != 0)
        target = &table.file(table.nth(input.pick(table.open_files())));
      const uint32_t command = make_command(input, row);
      const uint64_t arg = input.pick(32) == 0 ? input.number() : Window::kBase;
      std::array<std::byte, 512> raw{};
      memory->fetch(Window::kBase, raw);
      ioctl::describe_call(command, std::span(raw).first(_IOC_SIZE(command) % 512), memory.get());
      const size_t in = std::min<size_t>(ioctl::struct_copy(command).in_bytes, raw.size());
      const ioctl::Plan plan = target->plan(command, caller, std::span(raw).first(in));
      require(plan.error <= 0);
      const auto result = target->ioctl({command, arg, caller, ++id, &table}, *memory,
                                        [&replies](int answer, std::span<const std::byte>) {
                                          require(answer <= 0);
                                          ++replies;
                                        });
      if (result) {
        require(*result <= 0 && *result > -4096);
        // What the plan refuses, the call refuses; but it may not need an array that the plan
        // cannot fetch (GET_UNIQUE with too little room).
        const bool refused = plan.error != 0 && plan.error != -EFAULT && plan.error != -ENOMEM;
        if (refused && arg == Window::kBase) require(*result != 0);
      } else {
        ++pending;
      }
    }
    require(replies <= pending);
  }
  require(machine.machine().faults().clear().has_value());
  machine.executor().run_for(20 * base::kNanosPerSecond);
  const auto after = machine.machine().census();
  require(after.objects == 0);
  require(after.files == 0 && after.jobs == 0 && after.waits == 0);
  require(after.syncobjs == 0 && after.contexts == 0);
  if (!nothing_is_kept(machine.machine().faults())) return;
  require(after.bos == before.bos);
  require(after.heap_bytes[0] == before.heap_bytes[0]);
  require(after.heap_bytes[1] == before.heap_bytes[1]);
}

}  // namespace fakegpu::tests
