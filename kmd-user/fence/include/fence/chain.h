// SPDX-License-Identifier: MIT
// dma_fence_chain: a timeline as a linked list of nodes, newest first. A node has signalled when
// its own fence and every earlier node have. Walking drops predecessors that are done, so a chain
// is as long as its pending points; tearing one down or signalling through it never recurses.
#pragma once

#include "fence/fence.h"

namespace fakegpu::fence {

class Chain final : public Fence, private Callback {
 public:
  // A node on top of `previous` (null, or any fence) that contains `contained` (not a chain). It
  // joins the previous node's context if `seqno` exceeds that node's; else it starts a context of
  // its own and takes the larger of the two seqnos.
  static base::Ref<Chain> create(Contexts& contexts, FenceRef previous, FenceRef contained,
                                 uint64_t seqno);

  // The fence as a chain node, or null.
  static Chain* from(Fence* fence);

  std::string_view driver_name() const override { return "dma_fence_chain"; }
  std::string_view timeline_name() const override { return "unbound"; }
  const FenceRef& contained() const { return contained_; }
  // The seqno of the node before it in its context; 0 if it is the first there.
  uint64_t previous_seqno() const { return previous_seqno_; }
  // The next older node that is not done, after dropping those that are. Null at the end.
  FenceRef walk();

  // The earliest remaining node of `fence` that covers `seqno`, as dma_fence_chain_find_seqno:
  // 0 and the node, 0 and null (already signalled), or -EINVAL (not a chain, or not that far yet).
  // seqno 0 gives `fence` itself.
  static int find_seqno(FenceRef& fence, uint64_t seqno);

  // Whether find_seqno() gives `fence` itself.
  static bool is_point(Fence& fence, uint64_t seqno) {
    if (seqno == 0) return true;
    const Chain* node = from(&fence);
    return node && node->seqno() >= seqno && node->previous_seqno_ < seqno;
  }

  // Drops what is done anywhere below, if the chain has doubled since it was last done: constant
  // time per node made, and no chain longer than twice its pending nodes and a few.
  void collect();

  // As SYNCOBJ_QUERY reports: the last point all before which has signalled.
  static uint64_t last_signaled(const FenceRef& head);

 protected:
  bool do_enable_signaling() override;
  bool poll_signaled() override;
  void do_set_deadline(base::Nanos when) override;
  void do_urge(Urgency& urgency) override;

 private:
  Chain(uint64_t context, uint64_t seqno, FenceRef previous, FenceRef contained);
  ~Chain() override;
  void fence_signaled(Fence& fence) override;
  bool arm();
  void complete();
  void finish(base::List<Callback>& ready);

  FenceRef previous_;
  FenceRef contained_;
  uint64_t previous_seqno_ = 0;
  // An enabled node whose own fence is done waits in the list of the next older one that is not.
  // complete() signals them from a worklist, where fence callbacks would recurse down the chain.
  base::List<Callback> dependents_;
  base::Nanos done_at_ = 0;  // the latest signal among what was dropped
  uint32_t length_ = 1;      // nodes, an upper bound
  uint32_t collect_at_ = kCollectSlack;

  static constexpr uint32_t kCollectSlack = 16;
};

}  // namespace fakegpu::fence
