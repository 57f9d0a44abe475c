// SPDX-License-Identifier: MIT
#include "progress.h"

#include <utility>

namespace fakegpu::drv {

void Progress::show(FencePage& page, uint32_t slot) {
  page_ = &page;
  slot_ = slot;
  page.store(slot, finished_);
}

void Progress::finish(uint64_t seqno) {
  finished_ = seqno;
  if (page_) page_->store(slot_, seqno);
  // From the front each time: an answer may destroy its wait.
  while (!waits_.empty() && waits_.begin()->first <= finished_) {
    SeqnoWait& wait = *waits_.begin()->second;
    waits_.erase(waits_.begin());
    wait.waiting_ = false;
    auto done = std::move(wait.done_);
    done();
  }
}

SeqnoWait::SeqnoWait(Progress& progress, uint64_t seqno, Done done)
    : progress_(progress), place_(progress.waits_.emplace(seqno, this)), done_(std::move(done)) {}

SeqnoWait::~SeqnoWait() {
  if (waiting_) progress_.waits_.erase(place_);
}

}  // namespace fakegpu::drv
