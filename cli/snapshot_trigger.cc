#include "cli/snapshot_trigger.h"

#include <signal.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace correlate {

absl::StatusOr<SnapshotTrigger> ParseSnapshotTrigger(absl::string_view text) {
  constexpr std::pair<absl::string_view, int> kSignals[] = {
      {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP}};
  SnapshotTrigger trigger;
  for (const auto& [name, number] : kSignals) {
    if (absl::StripPrefix(text, "SIG") != name) continue;
    trigger.signal = number;
    return trigger;
  }
  const std::pair<absl::string_view, absl::string_view> rule =
      absl::StrSplit(text, absl::MaxSplits('>', 1));
  trigger.event = std::string(absl::StripAsciiWhitespace(rule.first));
  const bool has_rate = text.find('>') != absl::string_view::npos;
  if (trigger.event.find(':') == std::string::npos ||
      trigger.event.find(' ') != std::string::npos ||
      (has_rate && !absl::SimpleAtoi(rule.second, &trigger.rate))) {
    return absl::InvalidArgumentError(
        absl::StrCat("--snapshot-on takes USR1, USR2 or HUP, or an event, or an event and a rate a "
                     "second like skb:kfree_skb>10000; not '",
                     text, "'"));
  }
  return trigger;
}

}  // namespace correlate
