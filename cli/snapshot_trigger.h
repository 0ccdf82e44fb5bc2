// --snapshot-on SIGNAL|RULE: what makes a flight recorder write what it holds. Values.
#ifndef CLI_SNAPSHOT_TRIGGER_H_
#define CLI_SNAPSHOT_TRIGGER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace correlate {

struct SnapshotTrigger {
  int signal = 0;     // SIGUSR1, SIGUSR2, SIGHUP; 0: a rule
  std::string event;  // "xdp:xdp_exception"
  uint64_t rate = 0;  // more than so many a second; 0: a single one is enough
};

// "USR1", "SIGHUP", "xdp:xdp_exception", "skb:kfree_skb>10000".
absl::StatusOr<SnapshotTrigger> ParseSnapshotTrigger(absl::string_view text);

}  // namespace correlate

#endif  // CLI_SNAPSHOT_TRIGGER_H_
