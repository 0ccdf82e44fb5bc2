// Call stacks folded into lines, "root;caller;leaf COUNT", as flamegraph.pl reads them. The event
// stands at the root and the drop reason at the leaf; events without a callchain have "[no
// callchain taken]".
#ifndef EXPORT_FOLDED_STACKS_H_
#define EXPORT_FOLDED_STACKS_H_

#include <memory>
#include <ostream>

#include "export/export_format.h"

namespace correlate {

std::unique_ptr<SummaryExport> MakeFoldedStacks(const ExportOptions& options, std::ostream& out);

}  // namespace correlate

#endif  // EXPORT_FOLDED_STACKS_H_
