// SPDX-License-Identifier: MIT
// Random programs on a few boxes, fences and waits, beside a model that keeps every point for ever
// and decides by looking at all of them.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "fakes.h"
#include "fence/chain.h"
#include "fence/syncobj_wait.h"

namespace fakegpu::fence {
namespace {

// What a box holds: a fence (by number), or a point on top of what was there.
struct Content {
  size_t fence;
  bool is_point = false;
  uint64_t context = 0;
  uint64_t seqno = 0;
  uint64_t previous_seqno = 0;
  std::shared_ptr<Content> below;
};
using ContentRef = std::shared_ptr<Content>;

class Model {
 public:
  std::vector<bool> signaled;  // by fence number

  bool done(const ContentRef& content) const {
    for (const Content* c = content.get(); c; c = c->below.get())
      if (!signaled[c->fence]) return false;
    return true;
  }
  ContentRef point(const ContentRef& below, size_t fence, uint64_t seqno) {
    auto content = std::make_shared<Content>(Content{.fence = fence, .is_point = true});
    const bool joins = below && below->is_point && seqno > below->seqno;
    content->context = joins ? below->context : ++contexts_;
    content->previous_seqno = joins ? below->seqno : 0;
    content->seqno = below && below->is_point ? std::max(seqno, below->seqno) : seqno;
    content->below = below;
    return content;
  }
  // The earliest point that covers `seqno`; nothing if it is not there yet.
  static ContentRef find(const ContentRef& content, uint64_t seqno) {
    if (!content || seqno == 0) return content;
    if (!content->is_point || content->seqno < seqno) return nullptr;
    ContentRef at = content;
    while (at->context == content->context && at->previous_seqno >= seqno) at = at->below;
    return at;
  }
  uint64_t query(const ContentRef& head) const {
    if (!head || !head->is_point) return 0;
    ContentRef last = head;
    for (ContentRef at = head->below; at; at = at->below) {
      if (signaled[at->fence]) continue;
      if (!at->is_point || at->context != head->context) break;
      last = at;
    }
    return done(last) ? last->seqno : last->previous_seqno;
  }

 private:
  uint64_t contexts_ = 0;
};

struct ModelWait {
  std::unique_ptr<SyncobjWait> wait;
  WaitFlags flags;
  std::vector<std::pair<size_t, uint64_t>> entries;  // box, point
  std::vector<ContentRef> latched;
  uint32_t first_at_entry = UINT32_MAX;
  std::optional<SyncobjWait::Answer> answer;
  int calls = 0;
};

constexpr size_t kBoxes = 3;

class Machine {
 public:
  Machine() {
    for (SyncobjRef& box : boxes_) box = base::make_ref<Syncobj>();
  }

  using Op = std::tuple<uint8_t, uint8_t, uint8_t, uint16_t>;

  void apply(const Op& op) {
    const auto [what, a, b, c] = op;
    const size_t box = a % kBoxes;
    switch (what % 12) {
      case 0:
        set(box, plain(new_fence(false)));
        break;
      case 1:
        set(box, plain(any_fence(b)));
        break;
      case 2:
        set(box, nullptr);
        break;
      case 3:
        set(box, plain(new_fence(true)));
        break;
      case 4:
      case 5:
        add_point(box, any_fence(b), c % 12);
        break;
      case 6:
        add_point(box, new_fence(true), c % 12);
        break;
      case 7:
      case 8:
        signal(b);
        break;
      case 9:
        start(b, c);
        break;
      case 10:
        if (!waits_.empty()) waits_.erase(waits_.begin() + b % waits_.size());
        break;
      case 11:
        // Two boxes then share a timeline, and may grow it each its own way.
        boxes_[box]->replace(boxes_[b % kBoxes]->fence());
        contents_[box] = contents_[b % kBoxes];
        break;
    }
    settle();
    if (c & 0x8000) check_queries();
  }

  void check_queries() {
    for (size_t i = 0; i < kBoxes; ++i)
      RC_ASSERT(Chain::last_signaled(boxes_[i]->fence()) == model_.query(contents_[i]));
  }

 private:
  size_t new_fence(bool signaled) {
    fences_.push_back(signaled ? make_stub(1) : FenceRef(fake()));
    model_.signaled.push_back(signaled);
    return fences_.size() - 1;
  }
  size_t any_fence(size_t pick) {
    const size_t number = pick % (fences_.size() + 1);
    return number == fences_.size() ? new_fence(false) : number;
  }
  static ContentRef plain(size_t fence) {
    return std::make_shared<Content>(Content{.fence = fence});
  }
  void set(size_t box, ContentRef content) {
    boxes_[box]->replace(content ? fences_[content->fence] : nullptr);
    contents_[box] = std::move(content);
  }
  void add_point(size_t box, size_t fence, uint64_t point) {
    boxes_[box]->add_point(contexts_, fences_[fence], point);
    contents_[box] = model_.point(contents_[box], fence, point);
  }
  void signal(size_t pick) {
    if (fences_.empty()) return;
    const size_t number = pick % fences_.size();
    fences_[number]->signal(1);
    model_.signaled[number] = true;
  }

  bool satisfied(const ModelWait& wait, size_t i) const {
    return wait.latched[i] && (wait.flags.available || model_.done(wait.latched[i]));
  }
  // The answer the model would give now, by the rule.
  bool answered(const ModelWait& wait) const {
    size_t count = 0;
    for (size_t i = 0; i < wait.entries.size(); ++i) count += satisfied(wait, i);
    return wait.flags.all ? count == wait.entries.size() : count > 0;
  }

  void start(uint8_t b, uint16_t c) {
    auto wait = std::make_unique<ModelWait>();
    wait->flags = {.all = (b & 1) != 0, .for_submit = (b & 2) != 0, .available = (b & 4) != 0};
    std::vector<SyncobjWait::Entry> entries;
    bool absent = false;
    for (size_t n = 1 + (b >> 3) % 3, rest = c; n > 0; --n, rest /= 24) {
      const size_t box = rest % kBoxes;
      const uint64_t point = (rest / kBoxes) % 8;
      entries.push_back({boxes_[box], point});
      wait->entries.emplace_back(box, point);
      wait->latched.push_back(Model::find(contents_[box], point));
      absent |= !wait->latched.back();
    }
    for (size_t i = wait->entries.size(); i-- > 0;)
      if (satisfied(*wait, i)) wait->first_at_entry = static_cast<uint32_t>(i);
    wait->wait = std::make_unique<SyncobjWait>(std::move(entries), wait->flags, 0);
    const auto at_once = wait->wait->start(0, [w = wait.get()](SyncobjWait::Answer answer) {
      ++w->calls;
      w->answer = answer;
      w->wait.reset();
    });
    if (absent && !wait->flags.for_submit && !wait->flags.available) {
      RC_ASSERT(at_once.has_value());
      RC_ASSERT(at_once->result == -EINVAL);
    } else if (answered(*wait)) {
      RC_ASSERT(at_once.has_value());
      RC_ASSERT(at_once->result == 0);
      RC_ASSERT(at_once->first_signaled == wait->first_at_entry);
    } else {
      RC_ASSERT(!at_once.has_value());
      waits_.push_back(std::move(wait));
    }
  }

  // Late latches, then who must have been answered by now.
  void settle() {
    for (auto& wait : waits_) {
      for (size_t i = 0; i < wait->entries.size(); ++i)
        if (!wait->latched[i])
          wait->latched[i] =
              Model::find(contents_[wait->entries[i].first], wait->entries[i].second);
      RC_ASSERT(wait->calls == (answered(*wait) ? 1 : 0));
      if (!wait->answer) continue;
      RC_ASSERT(wait->answer->result == 0);
      if (wait->flags.all) {
        RC_ASSERT(wait->answer->first_signaled == wait->first_at_entry);
      } else {
        RC_ASSERT(satisfied(*wait, wait->answer->first_signaled));
      }
    }
    std::erase_if(waits_, [](const auto& wait) { return wait->answer.has_value(); });
  }

  Model model_;
  Contexts contexts_;
  std::vector<FenceRef> fences_;
  SyncobjRef boxes_[kBoxes];
  ContentRef contents_[kBoxes];
  std::vector<std::unique_ptr<ModelWait>> waits_;
};

TEST(SyncobjModel, RandomProgramsAgreeWithTheModel) {
  EXPECT_TRUE(rc::check("boxes, waits and queries follow the model", [] {
    const auto program = *rc::gen::scale(4.0, rc::gen::arbitrary<std::vector<Machine::Op>>());
    {
      Machine machine;
      for (const Machine::Op& op : program) machine.apply(op);
      machine.check_queries();
    }
    RC_ASSERT(FakeFence::alive == 0);
  }));
}

}  // namespace
}  // namespace fakegpu::fence
