// Which capabilities this thread has right now: to say which one is missing instead of "permission
// denied". Thread-safe.
#ifndef COLLECTOR_CAPABILITY_SET_H_
#define COLLECTOR_CAPABILITY_SET_H_

#include <linux/capability.h>

#include <cstdint>

namespace correlate {

class CapabilitySet {
 public:
  explicit CapabilitySet(uint64_t bits) : bits_(bits) {}
  // The effective ones of the calling thread.
  static CapabilitySet Effective();

  // `capability` is a CAP_... of linux/capability.h.
  bool Has(int capability) const { return (bits_ >> capability & 1) != 0; }
  uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_;
};

}  // namespace correlate

#endif  // COLLECTOR_CAPABILITY_SET_H_
