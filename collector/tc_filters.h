// What tc's filters on one hook mean: BPF programs, and whatever else there may drop a packet or
// decide which filters see it. Pure.
#ifndef COLLECTOR_TC_FILTERS_H_
#define COLLECTOR_TC_FILTERS_H_

#include <vector>

#include "absl/types/span.h"
#include "collector/event.h"
#include "collector/rtnetlink.h"

namespace correlate {

// A program, or what else the filter is (kind), placed at `hook` as far as the filter tells.
Attachment FilterAttachment(const Attachment& hook, const FilterMessage& filter);

// `filters` as the kernel dumped them (within a chain in the order in which they run), `hook` with
// everything that they share. Packets enter at chain 0. Of other classifiers than BPF there is one
// entry a priority, however many filters it has. Actions stand after the BPF filter they belong to.
std::vector<Attachment> FilterAttachments(const Attachment& hook,
                                          absl::Span<const FilterMessage> filters);

}  // namespace correlate

#endif  // COLLECTOR_TC_FILTERS_H_
