#include "collector/capability_set.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace correlate {

CapabilitySet CapabilitySet::Effective() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return CapabilitySet(0);
  return CapabilitySet(data[0].effective | uint64_t{data[1].effective} << 32);
}

}  // namespace correlate
