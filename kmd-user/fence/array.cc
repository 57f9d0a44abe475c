// SPDX-License-Identifier: MIT
#include "fence/array.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace fakegpu::fence {

struct Array::Member final : Callback {
  void fence_signaled(Fence& fence) override { array->member_signaled(fence); }

  Array* array = nullptr;
};

Array* Array::from(Fence* fence) {
  return fence && fence->kind() == Kind::kArray ? static_cast<Array*>(fence) : nullptr;
}

base::Ref<Array> Array::create(Contexts& contexts, std::vector<FenceRef> members, Mode mode) {
  return base::Ref<Array>::adopt(new Array(contexts.allocate(), std::move(members), mode));
}

Array::Array(uint64_t context, std::vector<FenceRef> members, Mode mode)
    : Fence(context, 1, Kind::kArray),
      members_(std::move(members)),
      callbacks_(new Member[members_.size()]),
      mode_(mode) {
  for (const FenceRef& member : members_) {
    assert(!member->is_container());
    (void)member;
  }
}

Array::~Array() = default;

const Fence* Array::earliest(bool with_error) const {
  const Fence* earliest = nullptr;
  for (const FenceRef& member : members_) {
    if (!member->test_signaled() || (with_error && member->error() == 0)) continue;
    if (!earliest || member->timestamp() < earliest->timestamp()) earliest = member.get();
  }
  return earliest;
}

bool Array::do_enable_signaling() {
  if (members_.empty()) return false;
  // What signalled before anybody listened counts in the order in which it did.
  const Fence* first = earliest(mode_ == Mode::kAll);
  if (first) member_error_ = first->error();
  if (first && mode_ == Mode::kAny) {
    conclude(first->timestamp());
    return true;
  }
  pending_ = members_.size();
  // Enabling one member may signal it, others, and so the array.
  for (size_t i = 0; i < members_.size() && !test_signaled(); ++i) {
    callbacks_[i].array = this;
    if (members_[i]->add_callback(callbacks_[i]) != 0) member_signaled(*members_[i]);
  }
  return true;
}

void Array::member_signaled(const Fence& member) {
  if (member_error_ == 0) member_error_ = member.error();
  if (mode_ == Mode::kAny) {
    conclude(member.timestamp());
  } else if (--pending_ == 0) {
    conclude(latest_timestamp());
  }
}

bool Array::poll_signaled() {
  for (const FenceRef& member : members_) {
    const bool done = member->is_signaled();
    if (mode_ == Mode::kAny && done) break;
    if (mode_ == Mode::kAll && !done) return false;
  }
  if (test_signaled() || members_.empty()) return true;
  const Fence* first = earliest(mode_ == Mode::kAll);
  if (first && member_error_ == 0) member_error_ = first->error();
  if (mode_ == Mode::kAll) {
    conclude(latest_timestamp());
  } else if (first) {
    conclude(first->timestamp());
  }
  return test_signaled();
}

base::Nanos Array::latest_timestamp() const {
  base::Nanos latest = 0;
  for (const FenceRef& member : members_) latest = std::max(latest, member->timestamp());
  return latest;
}

int Array::first_signaled() const {
  if (members_.empty()) return -EINVAL;
  for (size_t i = 0; i < members_.size(); ++i)
    if (members_[i]->test_signaled()) return static_cast<int>(i);
  return -EAGAIN;
}

void Array::conclude(base::Nanos when) {
  if (test_signaled()) return;
  if (member_error_ != 0) set_error(member_error_);
  signal(when);
}

void Array::do_set_deadline(base::Nanos when) {
  for (const FenceRef& member : members_) member->set_deadline(when);
}

void Array::do_urge(Urgency& urgency) {
  for (const FenceRef& member : members_) {
    if (urgency.visits_left == 0) return;
    member->urge(urgency);
  }
}

}  // namespace fakegpu::fence
