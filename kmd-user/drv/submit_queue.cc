// SPDX-License-Identifier: MIT
#include "submit_queue.h"

#include <utility>

namespace fakegpu::drv {

WaitingSubmit::WaitingSubmit(FileImpl& file, uint64_t id, const drm_fakegpu_submit& arg,
                             SubmitArguments arguments, SubmitQueue& queue,
                             base::List<SubmitQueue>& full)
    : file_(file), id_(id), arg_(arg), arguments_(std::move(arguments)), queue_(queue) {
  queue_.waits_.push_back(*this);
  if (!queue_.linked()) full.push_back(queue_);
}

WaitingSubmit::~WaitingSubmit() {
  unlink();
  if (queue_.empty()) queue_.unlink();
}

}  // namespace fakegpu::drv
