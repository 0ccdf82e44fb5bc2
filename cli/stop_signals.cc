#include "cli/stop_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/errno_status.h"

namespace correlate {

absl::StatusOr<StopSignals> StopSignals::Block() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &stop, &before);
  signal(SIGPIPE, SIG_IGN);
  ScopedFd fd(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(errno, "signalfd");
  return StopSignals(std::move(fd), before);
}

StopSignals::~StopSignals() {
  if (!fd_.valid()) return;
  // Whoever pressed Ctrl-C twice wanted what has been done meanwhile, and no other end.
  while (Came()) {
  }
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool StopSignals::Came() const {
  signalfd_siginfo info;
  return read(fd_.get(), &info, sizeof info) == sizeof info;
}

}  // namespace correlate
