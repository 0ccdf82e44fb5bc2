// What a process that reads foreign bytes gives up before it does: new programs, the network, other
// processes, the kernel's facilities. A trace, a perf.data, an ELF inside of them may come from
// anybody; what a mistake of ours lets them do ends here.
//
// A seccomp filter (seccomp(2), Documentation/userspace-api/seccomp_filter.rst) for all threads of
// the process and those to come, which cannot be undone; the calls fail with EPERM. Files may be
// opened as before. What has to be started (a pager) has to be forked before.
#ifndef BASE_READER_SANDBOX_H_
#define BASE_READER_SANDBOX_H_

#include "absl/status/status.h"

namespace correlate {

// The first call does it, later ones give its result. FailedPrecondition: this kernel has no
// seccomp, or this build knows no filter for this machine.
absl::Status EnterReaderSandbox();

}  // namespace correlate

#endif  // BASE_READER_SANDBOX_H_
