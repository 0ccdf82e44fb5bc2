// Signals as a descriptor instead of a handler, so that they are heeded between two steps of a
// recording. They stay blocked while this lives. Made before any other thread.
#ifndef CLI_BLOCKED_SIGNALS_H_
#define CLI_BLOCKED_SIGNALS_H_

#include <signal.h>

#include <vector>

#include "absl/status/statusor.h"
#include "base/scoped_fd.h"

namespace correlate {

class BlockedSignals {
 public:
  // SIGINT and SIGTERM; SIGPIPE is ignored from here on, so that a reader that goes away is an
  // error of write(2). One a process.
  static absl::StatusOr<BlockedSignals> ThatStop();
  static absl::StatusOr<BlockedSignals> Block(const std::vector<int>& signals);
  ~BlockedSignals();
  BlockedSignals(BlockedSignals&&) = default;

  int fd() const { return fd_.get(); }  // readable once a signal came
  // Takes one that came: its number; 0: none did.
  int Take() const;
  bool Came() const { return Take() != 0; }

 private:
  BlockedSignals(ScopedFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  ScopedFd fd_;
  sigset_t before_;
};

}  // namespace correlate

#endif  // CLI_BLOCKED_SIGNALS_H_
