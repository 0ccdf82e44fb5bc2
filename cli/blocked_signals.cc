#include "cli/blocked_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/errno_status.h"

namespace correlate {

absl::StatusOr<BlockedSignals> BlockedSignals::ThatStop() {
  auto blocked = Block({SIGINT, SIGTERM});
  signal(SIGPIPE, SIG_IGN);
  return blocked;
}

absl::StatusOr<BlockedSignals> BlockedSignals::Block(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &set, &before);
  ScopedFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus(errno, "signalfd");
  return BlockedSignals(std::move(fd), before);
}

BlockedSignals::~BlockedSignals() {
  if (!fd_.valid()) return;
  // Whoever pressed Ctrl-C twice wanted what has been done meanwhile, and no other end.
  while (Came()) {
  }
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int BlockedSignals::Take() const {
  signalfd_siginfo info;
  return read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace correlate
