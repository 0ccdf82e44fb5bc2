// Which entry of a hook's list ended a packet, from how often each program ran meanwhile. Pure.
#ifndef SYMBOLIZE_RUN_COUNTS_H_
#define SYMBOLIZE_RUN_COUNTS_H_

#include <cstddef>
#include <optional>

#include "collector/event.h"

namespace correlate {

// The index of the last entry that ran: programs of one hook run in order until one of them has the
// last word. nullopt where the counts do not say: not counted, a program ran elsewhere meanwhile,
// something that is no program (or jumps) is on the hook, or the counts fit no beginning of the
// list.
std::optional<size_t> LastThatRan(const HookWalk& walk);

}  // namespace correlate

#endif  // SYMBOLIZE_RUN_COUNTS_H_
