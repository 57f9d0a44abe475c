// SPDX-License-Identifier: MIT
#include "master.h"

#include <cerrno>
#include <utility>

namespace fakegpu::drv {

uint32_t Master::add(MasterFile& file) {
  uint32_t magic = 1;
  for (const auto& [taken, holder] : magics_) {
    if (taken != magic) break;
    ++magic;
  }
  magics_.emplace(magic, &file);
  return magic;
}

MasterFile* Master::take(uint32_t magic) {
  const auto found = magics_.find(magic);
  return found != magics_.end() ? std::exchange(found->second, nullptr) : nullptr;
}

MasterFile::MasterFile(base::Ref<Master>& current, const base::Process& opener, bool privileged)
    : current_(current), opener_(opener), master_(current), authenticated_(privileged) {
  if (!master_) become_master();
}

MasterFile::~MasterFile() {
  if (magic_ != 0) magic_master_->remove(magic_);
  if (is_current()) current_ = nullptr;
}

void MasterFile::become_master() {
  master_ = base::make_ref<Master>();
  is_master_ = true;
  authenticated_ = true;
  current_ = master_;
}

uint32_t MasterFile::magic() {
  if (magic_ == 0) {
    magic_ = master_->add(*this);
    magic_master_ = master_;
  }
  return magic_;
}

int MasterFile::authenticate(uint32_t magic) {
  MasterFile* const file = master_->take(magic);
  if (file == nullptr) return -EINVAL;
  file->authenticated_ = true;
  return 0;
}

int MasterFile::set(const Asker& asker) {
  if (!allows(asker)) return -EACCES;
  if (is_current()) return 0;
  if (current_) return -EBUSY;
  if (is_master_)
    current_ = master_;
  else
    become_master();
  return 0;
}

int MasterFile::drop(const Asker& asker) {
  if (!allows(asker)) return -EACCES;
  if (!is_current()) return -EINVAL;
  current_ = nullptr;
  return 0;
}

}  // namespace fakegpu::drv
