// A trace of TrackEvents for Perfetto's viewer: an instant for each event on the track of its CPU,
// with its callstack interned, counters of drops for each program and device, and loads and
// attachments.
#ifndef EXPORT_PERFETTO_TRACE_H_
#define EXPORT_PERFETTO_TRACE_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<SummaryExport> MakePerfettoTrace(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_PERFETTO_TRACE_H_
