// Runs part of a test in a child process, where it may change namespaces, users and limits as it
// likes: all of it goes with the child.
#ifndef COLLECTOR_TEST_CHILD_H_
#define COLLECTOR_TEST_CHILD_H_

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/functional/function_ref.h"

// Of clang's coverage, where that is on (tools/coverage): what ran in a child counts as well.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace correlate {

inline constexpr int kChildSkipped = 77;

// In the child: this host does not allow what comes next.
[[noreturn]] inline void SkipChild() { _exit(kChildSkipped); }

// 0 if `body` had no failure; kChildSkipped; else something else.
inline int RunInChild(absl::FunctionRef<void()> body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    fflush(stdout);
    if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// The same as a test's last statement.
#define EXPECT_CHILD_PASSES(body, skip_reason)                                      \
  do {                                                                              \
    const int child_status_ = ::correlate::RunInChild(body);                        \
    if (child_status_ == ::correlate::kChildSkipped) GTEST_SKIP() << (skip_reason); \
    EXPECT_EQ(child_status_, 0);                                                    \
  } while (false)

}  // namespace correlate

#endif  // COLLECTOR_TEST_CHILD_H_
