// A file of rules (rules.proto), checked and ready to be used. Pure.
#ifndef ALERT_RULE_H_
#define ALERT_RULE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "alert/http_client.h"
#include "query/event_key.h"
#include "query/filter.h"

namespace correlate {

// Of a flight recorder.
struct SnapshotSettings {
  std::string file;
  uint64_t keep_ns = 0;
  uint32_t most_files = 0;
  friend bool operator==(const SnapshotSettings&, const SnapshotSettings&) = default;
};

struct AlertAction {
  enum class Kind { kPrint, kExec, kWebhook, kAlertmanager, kSnapshot };
  Kind kind = Kind::kPrint;
  std::vector<std::string> command;  // kExec
  uint64_t timeout_ns = 0;           // kExec
  HttpTarget target;                 // kWebhook, kAlertmanager
  uint64_t resend_ns = 0;            // kAlertmanager
  SnapshotSettings snapshot;         // kSnapshot
  friend bool operator==(const AlertAction&, const AlertAction&) = default;
};

struct AlertRule {
  std::string name;
  std::string source;  // the whole rule and its actions: equal for rules that are the same
  std::optional<Filter> filter;  // nullopt: drops and XDP exceptions
  std::vector<EventKey> by;
  uint64_t window_ns = 0;  // whole seconds
  bool per_second = false;
  double above = 0;
  uint64_t for_ns = 0;
  double below = 0;
  uint64_t keep_ns = 0;
  uint64_t silence_ns = 0;
  std::string severity;
  std::string summary;
  std::map<std::string, std::string> labels;
  uint32_t most = 0;
  std::vector<AlertAction> actions;
};

// `name`: of the file, for errors: "rules.textproto:3:12: ...". The first thing that is wrong is
// told, by line and column of the file, or by the rule and its field.
absl::StatusOr<std::vector<AlertRule>> ParseRules(const std::string& text, const std::string& name);

// What rules want of the flight recorder; nullopt: nothing.
std::optional<SnapshotSettings> SnapshotsOf(absl::Span<const AlertRule> rules);

}  // namespace correlate

#endif  // ALERT_RULE_H_
