// SPDX-License-Identifier: MIT
// dma_resv: the fences of those who use a buffer, each with what it is used for. Real counterpart:
// drivers/dma-buf/dma-resv.c; its lock is the device lock here, so that nothing is ever walked
// without it and no walk starts over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fence/fence.h"

namespace fakegpu::fence {

class Resv {
 public:
  // From what everybody waits for to what nobody does unasked. To ask for one is to ask for all
  // before it, too.
  enum class Usage : uint8_t {
    kKernel,    // moving and clearing: nothing may touch the memory before
    kWrite,     // implicit synchronization, writing
    kRead,      // implicit synchronization, reading
    kBookkeep,  // keeps the memory in place, and no more: explicit synchronization, page tables
  };

  struct Entry {
    FenceRef fence;
    Usage usage;
  };

  // What somebody new has to wait for: a writer for all access, a reader for writers.
  static constexpr Usage usage_rw(bool write) { return write ? Usage::kRead : Usage::kWrite; }

  // Makes room for `count` calls of add(). All that can fail for want of memory is here.
  void reserve(size_t count);

  // Adds a fence, not a container (of one, add what Unwrap finds), into a reserved slot. It takes
  // the place of one that has signalled, or of one of its context that is no later and whose usage
  // is the same or asks for less: a usage can be promoted, never demoted.
  void add(FenceRef fence, Usage usage);

  // Puts `replacement` in the place of every fence of `context`. Only valid if its signal means
  // that their access has ended: a page-table update for a preemption fence, say.
  void replace_fences(uint64_t context, const FenceRef& replacement, Usage usage);

  // As they stand, signalled ones too, in the order of their slots.
  const std::vector<Entry>& entries() const { return entries_; }
  // Those up to `usage` that have not signalled. A copy: asking a fence may change the object.
  std::vector<Entry> pending(Usage usage) const;

  // True if no fence up to `usage` is pending.
  bool test_signaled(Usage usage) const { return pending(usage).empty(); }

  // One fence for all that are pending up to `usage`: null if none, that fence if it is one, else
  // an array. As an array it must not be added to an object.
  FenceRef singleton(Contexts& contexts, Usage usage) const;

  // Tells all that are pending up to `usage` when they are wanted.
  void set_deadline(Usage usage, base::Nanos when) const;

  // Takes over what is pending in `from`, up to kRead, in place of what is here. No slot stays
  // reserved.
  void copy_fences(const Resv& from);

 private:
  // What a signal sets off may come back here: nothing else asks fences while it walks them.
  void poll_all() const;

  std::vector<Entry> entries_;
  size_t slots_ = 0;  // entries, and those reserved
};

}  // namespace fakegpu::fence
