#include "collector/capability_set.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <type_traits>

#include "base/errno_status.h"

namespace correlate {

CapabilitySet CapabilitySet::Effective() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return CapabilitySet(0);
  return CapabilitySet(data[0].effective | uint64_t{data[1].effective} << 32);
}

absl::Status CapabilitySet::KeepOnly(absl::Span<const int> capabilities) {
  uint64_t keep = 0;
  for (const int capability : capabilities) keep |= uint64_t{1} << capability;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "PR_SET_NO_NEW_PRIVS");
  // Those of the bounding set first, for which CAP_SETPCAP is needed.
  for (int capability = 0; capability <= cap_max_bits() - 1; ++capability) {
    if ((keep >> capability & 1) == 0 && cap_get_bound(capability) > 0) cap_drop_bound(capability);
  }
  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> set(cap_get_proc(), cap_free);
  if (set == nullptr) return ErrnoStatus(errno, "cap_get_proc");
  for (int capability = 0; capability < cap_max_bits(); ++capability) {
    if ((keep >> capability & 1) != 0) continue;
    const cap_value_t value = capability;
    for (const cap_flag_t flag : {CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE}) {
      cap_set_flag(set.get(), flag, 1, &value, CAP_CLEAR);
    }
  }
  if (cap_set_proc(set.get()) != 0) return ErrnoStatus(errno, "giving up capabilities");
  return absl::OkStatus();
}

}  // namespace correlate
