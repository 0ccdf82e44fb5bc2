// What `doctor` says of a host: from the values that the collector probed to checks, each with what
// was found, what it costs and the command that mends it. Pure.
#ifndef CLI_DOCTOR_CHECKS_H_
#define CLI_DOCTOR_CHECKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/attribution_cost.h"
#include "collector/capabilities.h"
#include "collector/load_trials.h"

namespace correlate {

struct Check {
  // kUnknown: not readable for this user; says nothing about the host, and is no finding.
  enum class State { kOk, kUnknown, kDegraded, kMissing };

  std::string name;  // "tracefs", "kernel.kptr_restrict", "CAP_PERFMON"
  State state = State::kOk;
  std::string found;  // what is there
  std::string cost;   // what cannot be done because of it; empty if nothing
  std::string mend;   // the command or setting that changes it; empty if there is none

  bool IsFinding() const { return state == State::kDegraded || state == State::kMissing; }
};

absl::string_view StateName(Check::State state);  // "ok", "unknown", "degraded", "missing"

std::vector<Check> ExamineHost(const HostCapabilities& host);
// What --attribution costs packets here. No finding, whatever it is.
Check AttributionCheck(const absl::StatusOr<AttributionCost>& cost);
// One of our own BPF objects.
Check LoadCheck(const LoadTrial& trial);

}  // namespace correlate

#endif  // CLI_DOCTOR_CHECKS_H_
