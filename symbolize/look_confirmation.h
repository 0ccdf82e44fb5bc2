// Whether the tables of attachments bear out what a look at a hook saw when a packet was freed.
// Pure.
#ifndef SYMBOLIZE_LOOK_CONFIRMATION_H_
#define SYMBOLIZE_LOOK_CONFIRMATION_H_

#include <cstdint>
#include <vector>

#include "symbolize/attachment_table.h"
#include "symbolize/correlated_event.h"
#include "symbolize/hook_attribution.h"

namespace correlate {

// True where the tables have seen exactly this list on that hook of that device, since some moment
// after `other_seen_ns` (when something else was last seen there; 0: never) and before `time_ns`;
// where it is known to have changed, so long before that no packet is under way since then. Then
// nothing changed while the packet was on its way. tc and XDP hooks only.
bool TablesConfirm(const AttachmentTable& attachments, const HookLook& look, uint64_t time_ns,
                   uint64_t other_seen_ns);

// What the tables hold to have been on that hook at that moment, certainly or perhaps: programs
// only.
std::vector<HookJudgement::Suspect> SuspectsOfTables(const AttachmentTable& attachments,
                                                     const HookLook& look, uint64_t time_ns);

}  // namespace correlate

#endif  // SYMBOLIZE_LOOK_CONFIRMATION_H_
