// What a program's return value means for a packet that was freed on its hook. Pure.
#ifndef SYMBOLIZE_EXIT_VERDICT_H_
#define SYMBOLIZE_EXIT_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "collector/event.h"

namespace correlate {

// The verdict's name, "TC_ACT_SHOT", if the kernel frees a packet on that hook for it; nullopt if
// the packet went on. `refused`: the drop reason says that a program refused it (TC_INGRESS,
// TC_EGRESS), and not that a redirect failed. (net/core/dev.c, include/net/pkt_cls.h,
// drivers/net/veth.c, drivers/net/netkit.c)
std::optional<std::string> DroppingVerdict(HookWalk::Hook hook, int32_t verdict, bool refused);

// "TC_ACT_OK", "XDP_PASS", "NETKIT_NEXT"; "TC action 12" for one without a name.
std::string VerdictName(HookWalk::Hook hook, int32_t verdict);

}  // namespace correlate

#endif  // SYMBOLIZE_EXIT_VERDICT_H_
