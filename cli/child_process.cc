#include "cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

// execvp's search, done ahead: 0, or the errno that execvp would give.
int CheckExecutable(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) < 0) return errno;
  if (S_ISDIR(info.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) < 0 ? errno : 0;
}

int CheckCommand(const std::string& name) {
  if (name.find('/') != std::string::npos) return CheckExecutable(name);
  const char* path = std::getenv("PATH");
  int error = ENOENT;
  for (absl::string_view directory :
       absl::StrSplit(path != nullptr ? path : "/bin:/usr/bin", ':')) {
    const int found = CheckExecutable(absl::StrCat(directory.empty() ? "." : directory, "/", name));
    if (found == 0) return 0;
    if (found == EACCES) error = EACCES;
  }
  return error;
}

absl::Status CannotExecute(int error, const std::string& name) {
  return ErrnoStatus(error, absl::StrCat("cannot execute '", name, "'"),
                     "check the command after --");
}

[[noreturn]] void WaitAndExecute(int start_fd, int error_fd, bool stdout_is_ours,
                                 const std::vector<char*>& argv) {
  char go = 0;
  ssize_t n;
  do {
    n = read(start_fd, &go, 1);
  } while (n < 0 && errno == EINTR);
  if (n != 1) _exit(0);  // the recorder is gone, or gave up
  // The recorder blocks the signals that it reads from a descriptor; CMD gets them as it should.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (stdout_is_ours) dup2(STDERR_FILENO, STDOUT_FILENO);
  execvp(argv[0], argv.data());
  const int error = errno;
  (void)!write(error_fd, &error, sizeof error);
  _exit(error == ENOENT ? 127 : 126);
}

}  // namespace

ChildProcess::ChildProcess(std::string name, pid_t pid, ScopedFd pidfd, ScopedFd start,
                           ScopedFd exec_error)
    : name_(std::move(name)),
      pid_(pid),
      pidfd_(std::move(pidfd)),
      start_(std::move(start)),
      exec_error_(std::move(exec_error)) {}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Prepare(
    std::vector<std::string> command, bool stdout_is_ours) {
  if (const int error = CheckCommand(command.front()); error != 0) {
    return CannotExecute(error, command.front());
  }
  int start[2];
  int exec_error[2];
  if (pipe2(start, O_CLOEXEC) < 0) return ErrnoStatus(errno, "pipe2");
  ScopedFd start_read(start[0]);
  ScopedFd start_write(start[1]);
  if (pipe2(exec_error, O_CLOEXEC) < 0) return ErrnoStatus(errno, "pipe2");
  ScopedFd error_read(exec_error[0]);
  ScopedFd error_write(exec_error[1]);
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) {
    start_write.reset();  // so that the recorder's end, however it ends, is seen
    WaitAndExecute(start_read.get(), error_write.get(), stdout_is_ours, argv);
  }
  ScopedFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) {
    const int error = errno;
    start_write.reset();
    waitpid(pid, nullptr, 0);
    return ErrnoStatus(error, "pidfd_open", "needs Linux 5.3 or later");
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(
      command.front(), pid, std::move(pidfd), std::move(start_write), std::move(error_read)));
}

ChildProcess::~ChildProcess() {
  if (started_ || reaped_) return;
  start_.reset();
  waitpid(pid_, nullptr, 0);
}

absl::Status ChildProcess::Start() {
  started_ = true;
  const char go = 1;
  if (write(start_.get(), &go, 1) != 1) return ErrnoStatus(errno, "start of the command");
  int error = 0;
  ssize_t n;
  do {
    n = read(exec_error_.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == sizeof error) return CannotExecute(error, name_);
  return absl::OkStatus();
}

bool ChildProcess::Ended() const {
  pollfd ended = {pidfd_.get(), POLLIN, 0};
  return poll(&ended, 1, 0) == 1;
}

int ChildProcess::ExitStatus() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return 125;
  reaped_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace correlate
