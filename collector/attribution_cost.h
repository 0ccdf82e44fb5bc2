// What attribution costs packets that nobody drops, measured on this host: a few thousand packets
// over the loopback device of a network namespace of our own, whose ingress has two programs, with
// the companion programs loaded and without. Takes about a second; a child process does it, and
// nothing of it is left. Privileges: as Enricher, and CAP_SYS_ADMIN for the namespace.
#ifndef COLLECTOR_ATTRIBUTION_COST_H_
#define COLLECTOR_ATTRIBUTION_COST_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace correlate {

struct AttributionCost {
  uint32_t programs = 0;  // on the device; 0: this kernel has no tcx (Linux 6.6) to attach them
  // Nanoseconds for a packet sent and received. Medians; noise of a few percent of packet_ns.
  double packet_ns = 0;         // without a recorder
  double auto_added_ns = 0;     // by --attribution auto
  double verdict_added_ns = 0;  // by --attribution verdict
  bool follows_exits = false;   // verdict: with trampolines, else by run counts alone
};

absl::StatusOr<AttributionCost> MeasureAttributionCost();

}  // namespace correlate

#endif  // COLLECTOR_ATTRIBUTION_COST_H_
