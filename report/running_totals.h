// The last word of a recording's running totals, and the sum over recordings where a stream holds
// several (files of a ring put one behind the other). One thread.
#ifndef REPORT_RUNNING_TOTALS_H_
#define REPORT_RUNNING_TOTALS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "symbolize/trace_sink.h"

namespace correlate {

class RunningTotals {
 public:
  // As TraceSink's; OnRecording begins the next recording.
  void OnRecording();
  void OnFormat(const EventFormat& format) { names_[format.id] = format.FullName(); }
  void OnCounts(const EventCounts& counts) { counts_[{counts.format_id, counts.cpu}] = counts; }
  void OnXdpActions(const XdpActionCounts& counts) { xdp_actions_[counts.program_id] = counts; }

  // By event and CPU; of the sums format_id says nothing.
  std::map<std::pair<std::string, uint32_t>, EventCounts> Counts() const;
  std::map<uint32_t, XdpActionCounts> XdpActions() const;  // by program

 private:
  bool begun_ = false;
  std::map<uint32_t, std::string> names_;                        // by format
  std::map<std::pair<uint32_t, uint32_t>, EventCounts> counts_;  // by format and CPU
  std::map<uint32_t, XdpActionCounts> xdp_actions_;
  // Of recordings that are over.
  std::map<std::pair<std::string, uint32_t>, EventCounts> earlier_;
  std::map<uint32_t, XdpActionCounts> earlier_actions_;
};

}  // namespace correlate

#endif  // REPORT_RUNNING_TOTALS_H_
