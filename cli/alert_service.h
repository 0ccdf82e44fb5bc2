// `alert` on live events: a recording, rules and metrics over it, and what alerts do. For a time of
// months: memory is bounded, and nothing that is told somebody makes the recording wait.
#ifndef CLI_ALERT_SERVICE_H_
#define CLI_ALERT_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "alert/rule.h"
#include "cli/recording.h"

namespace correlate {

struct AlertServiceOptions {
  RecordingOptions recording;
  std::string rules;         // the file; empty: those built in
  std::string listen;        // ADDRESS:PORT of metrics; empty: none
  size_t most_series = 0;    // of metrics
  uint64_t duration_ns = 0;  // 0: until a signal comes
  int ready_fd = -1;         // see ReadyNotice
};

// The rules of a file, or those built in.
absl::StatusOr<std::vector<AlertRule>> ReadAlertRules(const std::string& path);

void SayOfAlert(absl::string_view text);  // a line on stderr

// Runs until it is stopped; how many alerts fired.
absl::StatusOr<uint64_t> RunAlertService(const AlertServiceOptions& options,
                                         std::vector<AlertRule> rules);

}  // namespace correlate

#endif  // CLI_ALERT_SERVICE_H_
