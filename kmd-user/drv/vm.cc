// SPDX-License-Identifier: MIT
#include "vm.h"

#include <algorithm>
#include <forward_list>

namespace fakegpu::drv {

// What was unbound after some jobs, with those of them that no epoch before it waits for. Epochs go
// in their order, so the last one waits for all that is unfinished, and none names a job that an
// earlier one does.
class Vm::Epoch {
 public:
  explicit Epoch(Vm& vm) : vm_(vm) {}

  void add(fence::FenceRef job) {
    jobs_.emplace_front(*this, std::move(job));
    ++pending_;
  }
  // Enabling one job's fence may signal others: it is not done before all are enabled.
  void start() {
    for (Job& job : jobs_) job.start();
    --pending_;
  }
  bool done() const { return pending_ == 0; }

  std::list<mm::AddressSpace::Bind> unbound;

 private:
  class Job final : public fence::Callback {
   public:
    Job(Epoch& epoch, fence::FenceRef finished) : epoch_(epoch), finished_(std::move(finished)) {}

    void start() {
      if (finished_->add_callback(*this) != 0) count_out();
    }

   private:
    void fence_signaled(fence::Fence&) override {
      Vm& vm = epoch_.vm_;
      count_out();
      vm.retire();
    }
    void count_out() {
      finished_.reset();
      --epoch_.pending_;
    }

    Epoch& epoch_;
    fence::FenceRef finished_;
  };

  Vm& vm_;
  std::forward_list<Job> jobs_;
  size_t pending_ = 1;  // jobs, and start()
};

Vm::Vm(mm::AddressSpaceRef space, mm::VmidManager& vmids)
    : space_(std::move(space)), vmids_(vmids) {}

Vm::~Vm() = default;

Vm::Hold::Hold(base::Ref<Vm> vm) : vm_(std::move(vm)) {
  ++vm_->holds_;
}

Vm::Hold::~Hold() {
  if (vm_ && --vm_->holds_ == 0) vm_->kept_.clear();
}

// Allocates nothing, as fences call it.
void Vm::retire() {
  while (!epochs_.empty() && epochs_.front().done()) {
    std::list<mm::AddressSpace::Bind> unbound = std::move(epochs_.front().unbound);
    epochs_.pop_front();
    if (holds_ != 0) kept_.splice(kept_.end(), unbound);
  }
}

void Vm::add_job(fence::FenceRef finished) {
  if (jobs_.size() >= prune_at_) {
    std::erase_if(jobs_, [](const auto& entry) { return entry.second->test_signaled(); });
    prune_at_ = std::max(kPruneAt, 2 * jobs_.size());
  }
  const uint64_t context = finished->context();
  jobs_[context] = std::move(finished);
}

base::Result<> Vm::unbind(uint64_t va) {
  auto bind = space_->unbind(va);
  if (!bind) return tl::unexpected(std::move(bind).error());
  vmids_.invalidate(*space_);

  std::erase_if(jobs_, [](const auto& entry) { return entry.second->test_signaled(); });
  if (!jobs_.empty()) {
    Epoch& epoch = epochs_.emplace_back(*this);
    for (auto& [context, finished] : jobs_) epoch.add(std::move(finished));
    jobs_.clear();
    epoch.unbound.push_back(std::move(*bind));
    epoch.start();
    retire();
  } else if (!epochs_.empty()) {
    epochs_.back().unbound.push_back(std::move(*bind));
  } else if (holds_ != 0) {
    kept_.push_back(std::move(*bind));
  }
  return {};
}

}  // namespace fakegpu::drv
