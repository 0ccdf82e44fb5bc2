// A profile as google/pprof's profile.proto has it, compressed by gzip: for `go tool pprof`.
#ifndef EXPORT_PPROF_PROFILE_H_
#define EXPORT_PPROF_PROFILE_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<SummaryExport> MakePprofProfile(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_PPROF_PROFILE_H_
