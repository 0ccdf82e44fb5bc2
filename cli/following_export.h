// `export --follow`: the rows of a recording that is still running, as they come, from one file or
// from a ring of them. Where it has got to is kept in a small file beside the output, so that after
// a restart it goes on where it stopped, without loss and without doubles: what was written since
// that file was is cut off the output and written again.
#ifndef CLI_FOLLOWING_EXPORT_H_
#define CLI_FOLLOWING_EXPORT_H_

#include <string>

#include "export/export_format.h"
#include "query/selection.h"

namespace correlate {

struct FollowRequest {
  std::string path;    // of the trace, or the ring's without numbers
  std::string output;  // "-": stdout, of which nothing can be cut off again
  std::string state;   // empty: beside the output; of stdout none is kept
};

// Until the recording ends (a ring goes on for ever), or SIGINT or SIGTERM comes. The exit status;
// messages are on stderr.
int RunFollowingExport(const FollowRequest& request, const ExportFormat& format,
                       const ExportOptions& options, const Selection& selection);

}  // namespace correlate

#endif  // CLI_FOLLOWING_EXPORT_H_
