#include "cli/pager.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

namespace correlate {

Pager::Pager() {
  if (isatty(STDOUT_FILENO) == 0) return;
  const char* asked = std::getenv("PAGER");
  const std::string command =
      asked == nullptr || *asked == '\0'
          ? "if command -v less >/dev/null; then exec less; else exec cat; fi"
          : asked;
  if (command == "cat") return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  pid_ = fork();
  if (pid_ == 0) {
    close(ends[1]);
    pollfd waiting = {.fd = ends[0], .events = POLLIN, .revents = 0};
    while (poll(&waiting, 1, -1) < 0 && errno == EINTR) {
    }
    if ((waiting.revents & POLLIN) == 0) _exit(0);  // it ended without
    dup2(ends[0], STDIN_FILENO);
    // Ends at once where all fits on the screen, shows colours, keeps the screen as it is.
    setenv("LESS", "FRX", 0);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  close(ends[0]);
  if (pid_ > 0) {
    std::signal(SIGPIPE, SIG_IGN);  // the user may leave it early
    terminal_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(ends[1], STDOUT_FILENO);
  }
  close(ends[1]);
}

Pager::~Pager() {
  if (pid_ <= 0) return;
  std::cout.flush();
  dup2(terminal_, STDOUT_FILENO);  // the pager sees the end
  close(terminal_);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace correlate
