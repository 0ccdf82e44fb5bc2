#include "base/reader_sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

namespace correlate {
namespace {

// In a child, which alone is bound by it: 0 from `inside` is well.
int Inside(const std::function<int()>& inside) {
  const pid_t pid = fork();
  if (pid == 0) _exit(EnterReaderSandbox().ok() ? inside() : 99);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int Refused(int64_t result) { return result < 0 && errno == EPERM ? 0 : 1; }

TEST(ReaderSandbox, NoProgramIsStarted) {
  EXPECT_EQ(Inside([] { return Refused(execl("/bin/true", "true", nullptr)); }), 0);
}

TEST(ReaderSandbox, NoNetworkAndNoKernel) {
  EXPECT_EQ(Inside([] { return Refused(socket(AF_INET, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(Inside([] { return Refused(socket(AF_UNIX, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(Inside([] { return Refused(syscall(SYS_bpf, 0, nullptr, 0)); }), 0);
  EXPECT_EQ(Inside([] { return Refused(syscall(SYS_open_by_handle_at, -1, nullptr, 0)); }), 0)
      << "the last of the list";
  EXPECT_EQ(Inside([] { return Refused(syscall(SYS_execve, nullptr, nullptr, nullptr)); }), 0)
      << "the first of the list";
}

#if defined(__x86_64__)
TEST(ReaderSandbox, NoOtherTableOfCalls) {
  // x32's numbers: the kernel itself would say ENOSYS.
  EXPECT_EQ(Inside([] { return Refused(syscall(0x40000000 | SYS_getpid)); }), 0);
}
#endif

TEST(ReaderSandbox, FilesAndThreadsWork) {
  EXPECT_EQ(
      Inside([] {
        const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        bool threads = false;
        std::thread([&] { threads = socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == EPERM; }).join();
        return fd >= 0 && threads && EnterReaderSandbox().ok() ? 0 : 1;
      }),
      0);
}

TEST(ReaderSandbox, ThreadsThatRanBeforeAreBoundToo) {
  EXPECT_EQ(Inside([] { return 0; }), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    int ends[2];
    if (pipe(ends) != 0) _exit(98);
    int result = 1;
    std::thread before([&] {
      char byte = 0;
      if (read(ends[0], &byte, 1) != 1) return;
      result = Refused(socket(AF_INET, SOCK_DGRAM, 0));
    });
    if (!EnterReaderSandbox().ok() || write(ends[1], "x", 1) != 1) _exit(97);
    before.join();
    _exit(result);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace correlate
