#include "alert/exec_actions.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"

extern char** environ;

namespace correlate {
namespace {

constexpr size_t kMostProblems = 100;

// A file in memory: the command reads it when it likes, and nobody waits for it.
absl::Status WriteInput(const std::string& json, ScopedFd* input) {
  *input = ScopedFd(memfd_create("alert", MFD_CLOEXEC));
  if (!input->valid()) return ErrnoStatus(errno, "memory for the alert");
  const std::string line = json + "\n";
  if (write(input->get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      lseek(input->get(), 0, SEEK_SET) != 0) {
    return ErrnoStatus(errno, "memory for the alert");
  }
  return absl::OkStatus();
}

}  // namespace

ExecActions::~ExecActions() {
  for (const auto& [key, running] : running_) {
    kill(-running.pid, SIGKILL);
    waitpid(running.pid, nullptr, 0);
  }
}

void ExecActions::Problem(std::string text) {
  if (problems_.size() < kMostProblems) problems_.push_back(std::move(text));
}

std::vector<std::string> ExecActions::TakeProblems() { return std::exchange(problems_, {}); }

void ExecActions::Run(const std::string& alert, const AlertAction& action,
                      const std::string& json) {
  const std::string key = absl::StrCat(alert, "\n", absl::StrJoin(action.command, "\n"));
  if (waiting_.size() >= kMostWaiting && !waiting_.contains(key)) {
    Problem(absl::StrCat(action.command.front(), " was not run: ", kMostWaiting, " others wait"));
    return;
  }
  waiting_[key] = {action, json};
}

absl::Status ExecActions::Start(const std::string& key, const Waiting& what, uint64_t now_ns) {
  ScopedFd input;
  if (absl::Status written = WriteInput(what.json, &input); !written.ok()) return written;
  std::vector<char*> arguments;
  for (const std::string& word : what.action.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.get(), STDIN_FILENO);
  // stdout is for data of ours.
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own, so that what it starts ends with it, and no signal blocked or ignored.
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  Running running = {.deadline_ns = now_ns + what.action.timeout_ns,
                     .command = what.action.command.front()};
  const int error = posix_spawn(&running.pid, what.action.command.front().c_str(), &files,
                                &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return ErrnoStatus(error, what.action.command.front());
  running_[key] = std::move(running);
  return absl::OkStatus();
}

void ExecActions::Tick(uint64_t now_ns) {
  for (auto at = running_.begin(); at != running_.end();) {
    Running& running = at->second;
    int status = 0;
    const pid_t ended = waitpid(running.pid, &status, WNOHANG);
    if (ended == 0) {
      if (!running.killed && now_ns >= running.deadline_ns) {
        kill(-running.pid, SIGKILL);
        running.killed = true;
        Problem(absl::StrCat(running.command, " took too long and was killed"));
      }
      ++at;
      continue;
    }
    if (ended > 0 && !running.killed && status != 0) {
      Problem(WIFEXITED(status)
                  ? absl::StrCat(running.command, " ended with ", WEXITSTATUS(status))
                  : absl::StrCat(running.command, " was ended by signal ", WTERMSIG(status)));
    }
    at = running_.erase(at);
  }
  for (auto at = waiting_.begin(); at != waiting_.end() && running_.size() < kMostAtOnce;) {
    if (running_.contains(at->first)) {
      ++at;
      continue;
    }
    const absl::Status started = Start(at->first, at->second, now_ns);
    if (!started.ok()) Problem(absl::StrCat("cannot run ", started.message()));
    at = waiting_.erase(at);
  }
}

}  // namespace correlate
