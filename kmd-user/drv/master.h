// SPDX-License-Identifier: MIT
// Masters and authentication (drm_auth.c). One open file of the primary node at a time is the
// device's master; it vouches for others by the magic number that they got and told it. Render
// nodes know none of this.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/process.h"
#include "base/ref.h"

namespace fakegpu::drv {

class MasterFile;

// What an open file that becomes master brings into being (struct drm_master), and what those that
// are opened under it belong to.
class Master final : public base::RefCounted {
 public:
  // The lowest number that is free.
  uint32_t add(MasterFile& file);
  void remove(uint32_t magic) { magics_.erase(magic); }
  // The file of `magic`, once; then nullptr.
  MasterFile* take(uint32_t magic);

  // What GET_UNIQUE tells; empty until SET_VERSION.
  std::string_view unique() const { return unique_; }
  void set_unique(std::string_view unique) { unique_ = unique; }

 private:
  // Those already taken hold their number until their file is closed.
  std::map<uint32_t, MasterFile*> magics_;
  std::string unique_;
};

// An open file of the primary node (the fields of struct drm_file for this). Under the device lock.
class MasterFile {
 public:
  // `current`: the device's master, null if there is none; then this file becomes it. `privileged`:
  // the opener needs nobody to vouch for it.
  MasterFile(base::Ref<Master>& current, const base::Process& opener, bool privileged);
  MasterFile(const MasterFile&) = delete;
  MasterFile& operator=(const MasterFile&) = delete;
  // The device has no master then, if this was it.
  ~MasterFile();

  const base::Process& opener() const { return opener_; }
  bool authenticated() const { return authenticated_; }
  // It is the device's master now.
  bool is_current() const { return is_master_ && master_.get() == current_.get(); }
  Master& master() { return *master_; }

  // GET_MAGIC: always the same, of the master that the file was under when it first asked.
  uint32_t magic();
  // AUTH_MAGIC. -EINVAL: no such magic under this master, or it was used.
  int authenticate(uint32_t magic);

  // Who asks to change masters: the process that opened the file, one with privilege.
  struct Asker {
    bool opener;
    bool privileged;
  };
  // SET_MASTER. -EACCES: not privileged, and not a former master's opener; -EBUSY: there is another
  // master. A file that never was one gets a new master, with no magics.
  int set(const Asker& asker);
  // DROP_MASTER. -EACCES as set(); -EINVAL: it is not the device's master.
  int drop(const Asker& asker);

 private:
  bool allows(const Asker& asker) const { return asker.privileged || (asker.opener && is_master_); }
  void become_master();

  base::Ref<Master>& current_;
  const base::Process opener_;
  base::Ref<Master> master_;
  base::Ref<Master> magic_master_;
  uint32_t magic_ = 0;
  bool authenticated_;
  // Of master_, which is its own then: now or formerly the device's.
  bool is_master_ = false;
};

}  // namespace fakegpu::drv
