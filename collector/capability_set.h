// Which capabilities this thread has right now: to say which one is missing instead of "permission
// denied", and to let go of those that are needed no more. Thread-safe.
#ifndef COLLECTOR_CAPABILITY_SET_H_
#define COLLECTOR_CAPABILITY_SET_H_

#include <linux/capability.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace correlate {

class CapabilitySet {
 public:
  explicit CapabilitySet(uint64_t bits) : bits_(bits) {}
  // The effective ones of the calling thread.
  static CapabilitySet Effective();

  // Gives up all others for this thread and those it makes, for good: the bounding set too, where
  // that may be changed, and what a program that it executes could gain (PR_SET_NO_NEW_PRIVS).
  static absl::Status KeepOnly(absl::Span<const int> capabilities);

  // `capability` is a CAP_... of linux/capability.h.
  bool Has(int capability) const { return (bits_ >> capability & 1) != 0; }
  uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_;
};

}  // namespace correlate

#endif  // COLLECTOR_CAPABILITY_SET_H_
