// SPDX-License-Identifier: MIT
#include "vm.h"

namespace fakegpu::drv {

// Holds one unbound mapping until `after` signals.
class Vm::Retiring final : public fence::Callback {
 public:
  Retiring(Vm& vm, mm::AddressSpace::Bind bind, fence::FenceRef after)
      : vm_(vm), bind_(std::move(bind)), after_(std::move(after)) {}

  // False: nothing to wait for.
  bool start(std::list<Retiring>::iterator self) {
    self_ = self;
    return after_->add_callback(*this) == 0;
  }

 private:
  void fence_signaled(fence::Fence&) override {
    // Letting go destroys this, and with it perhaps the last reference to the fence that is
    // calling.
    const fence::FenceRef keep = after_;
    vm_.let_go(self_);
  }

  Vm& vm_;
  mm::AddressSpace::Bind bind_;
  fence::FenceRef after_;
  std::list<Retiring>::iterator self_;
};

Vm::Vm(mm::AddressSpaceRef space, fence::Contexts& contexts, mm::VmidManager& vmids)
    : space_(std::move(space)), contexts_(contexts), vmids_(vmids) {}

Vm::~Vm() = default;

Vm::Hold::Hold(base::Ref<Vm> vm) : vm_(std::move(vm)) {
  ++vm_->holds_;
}

Vm::Hold::~Hold() {
  if (vm_ && --vm_->holds_ == 0) vm_->kept_.clear();
}

// Allocates nothing, as fences call it.
void Vm::let_go(std::list<Retiring>::iterator unbound) {
  if (holds_ != 0) {
    kept_.splice(kept_.end(), retiring_, unbound);
  } else {
    retiring_.erase(unbound);
  }
}

void Vm::add_job(fence::FenceRef finished) {
  if (jobs_.size() >= 64)
    std::erase_if(jobs_, [](const auto& entry) { return entry.second->test_signaled(); });
  const uint64_t context = finished->context();
  jobs_[context] = std::move(finished);
}

base::Result<> Vm::unbind(uint64_t va) {
  auto bind = space_->unbind(va);
  if (!bind) return tl::unexpected(std::move(bind).error());
  vmids_.invalidate(*space_);

  std::erase_if(jobs_, [](const auto& entry) { return entry.second->test_signaled(); });
  if (jobs_.empty()) {
    if (holds_ != 0) kept_.emplace_back(*this, std::move(*bind), nullptr);
    return {};
  }
  std::vector<fence::FenceRef> members;
  members.reserve(jobs_.size());
  for (const auto& [context, fence] : jobs_) members.push_back(fence);
  fence::FenceRef all = members.size() == 1
                            ? std::move(members[0])
                            : fence::FenceRef(fence::Array::create(contexts_, std::move(members)));
  retiring_.emplace_back(*this, std::move(*bind), std::move(all));
  const auto last = std::prev(retiring_.end());
  if (!last->start(last)) let_go(last);
  return {};
}

}  // namespace fakegpu::drv
