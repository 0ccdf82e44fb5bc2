// SIGINT and SIGTERM as a descriptor instead of a handler, so that a recording ends well between
// two steps. They stay blocked while this lives; SIGPIPE is ignored, so that a reader that goes
// away is an error of write(2). One a process, made before any other thread.
#ifndef CLI_STOP_SIGNALS_H_
#define CLI_STOP_SIGNALS_H_

#include <signal.h>

#include "absl/status/statusor.h"
#include "base/scoped_fd.h"

namespace correlate {

class StopSignals {
 public:
  static absl::StatusOr<StopSignals> Block();
  ~StopSignals();
  StopSignals(StopSignals&&) = default;

  int fd() const { return fd_.get(); }  // readable once a signal came
  bool Came() const;                    // takes it

 private:
  StopSignals(ScopedFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  ScopedFd fd_;
  sigset_t before_;
};

}  // namespace correlate

#endif  // CLI_STOP_SIGNALS_H_
