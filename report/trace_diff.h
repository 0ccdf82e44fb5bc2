// What changed between two traces, as rates of drops and exceptions by culprit, reason, location
// and program tag. A culprit is one by name, tag and place: ids are others in every recording.
#ifndef REPORT_TRACE_DIFF_H_
#define REPORT_TRACE_DIFF_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "render/event_fields.h"
#include "report/rate_test.h"
#include "report/report_tables.h"

namespace correlate {

inline constexpr double kDiffAlpha = 0.01;

// One of the two sides: feed it a trace.
class DiffSide {
 public:
  static absl::StatusOr<std::unique_ptr<DiffSide>> Create(const std::string& time,
                                                          const std::string& filter);
  // To be fed and finished.
  ReportTables& tables() { return *tables_; }
  const ReportTables& tables() const { return *tables_; }
  static const std::vector<std::pair<std::string, std::string>>& dimensions();  // name, keys

 private:
  DiffSide() = default;
  std::unique_ptr<ReportTables> tables_;  // its packet groups are the dimensions
};

struct RateChange {
  enum class Kind { kSame, kNew, kGone, kMore, kLess };
  Kind kind = Kind::kSame;
  std::string dimension;
  std::vector<std::string> values;
  Rate before;
  Rate after;
  double p = 1;
};

struct TraceDiff {
  // All that is in either; those that changed first, by the difference of their rates.
  std::vector<RateChange> changes;
  double dispersion = 1;  // the larger one of the two traces
  size_t findings = 0;    // how many changed
};
TraceDiff CompareTraces(const DiffSide& before, const DiffSide& after);

std::string RenderDiff(const DiffSide& before, const DiffSide& after, const TraceDiff& diff,
                       const std::string& before_name, const std::string& after_name);
Json DiffToJson(const DiffSide& before, const DiffSide& after, const TraceDiff& diff);

}  // namespace correlate

#endif  // REPORT_TRACE_DIFF_H_
