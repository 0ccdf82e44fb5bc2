// Speedscope's file format (its JSON schema): a sampled profile for each event.
#ifndef EXPORT_SPEEDSCOPE_PROFILE_H_
#define EXPORT_SPEEDSCOPE_PROFILE_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<SummaryExport> MakeSpeedscopeProfile(const ExportOptions& options,
                                                     std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_SPEEDSCOPE_PROFILE_H_
