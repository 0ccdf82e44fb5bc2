// The CMD of `record -- CMD`: started when everything is attached, and the user's own: it outlives
// this process if that is killed, and is never killed by it. One thread.
#ifndef CLI_CHILD_PROCESS_H_
#define CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/scoped_fd.h"

namespace correlate {

class ChildProcess {
 public:
  // Forks a process that waits. NotFound or PermissionDenied: there is no such command, or it may
  // not be executed (found out before anything else is done). With `stdout_is_ours` (the trace goes
  // there) what the command prints goes to stderr.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Prepare(std::vector<std::string> command,
                                                               bool stdout_is_ours);
  // A child that never started is told to go and waited for.
  ~ChildProcess();

  // Lets it execute the command. An error is that of execve(2).
  absl::Status Start();
  int exit_fd() const { return pidfd_.get(); }  // readable once it ended
  bool Ended() const;
  // Once exit_fd() is readable: its exit status, 128 + N if signal N ended it, as a shell has it.
  int ExitStatus();

 private:
  ChildProcess(std::string name, pid_t pid, ScopedFd pidfd, ScopedFd start, ScopedFd exec_error);

  const std::string name_;
  pid_t pid_;
  ScopedFd pidfd_;
  ScopedFd start_;       // one byte written: go
  ScopedFd exec_error_;  // closed by a successful execve, else an errno
  bool started_ = false;
  bool reaped_ = false;
};

}  // namespace correlate

#endif  // CLI_CHILD_PROCESS_H_
