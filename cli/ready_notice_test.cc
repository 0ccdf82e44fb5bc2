#include "cli/ready_notice.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

std::string ReadAll(int fd) {
  std::string text(256, '\0');
  size_t filled = 0;
  for (ssize_t n = 0; (n = read(fd, text.data() + filled, text.size() - filled)) > 0;) {
    filled += static_cast<size_t>(n);
  }
  text.resize(filled);
  return text;
}

// A service manager that waits at this name.
ScopedFd Manager(const std::string& name) {
  ScopedFd receiver(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  EXPECT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path));
  const bool abstract = name[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  const auto bytes =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
  EXPECT_EQ(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), bytes), 0);
  return receiver;
}

TEST(ReadyNoticeTest, ALineAndTheEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const ScopedFd reader(ends[0]);
  auto notice = ReadyNotice::Create(ends[1], "");
  ASSERT_TRUE(notice.ok()) << notice.status();
  EXPECT_TRUE(fcntl(ends[1], F_GETFD) & FD_CLOEXEC) << "a command must not hold it open";
  ASSERT_EQ(fcntl(reader.get(), F_SETFL, O_NONBLOCK), 0);
  char byte;
  EXPECT_LT(read(reader.get(), &byte, 1), 0) << "nothing before it is ready, and no end";
  EXPECT_TRUE(notice->Ready().ok());
  EXPECT_EQ(ReadAll(reader.get()), "ready\n");
}

TEST(ReadyNoticeTest, WithoutBeingReadyThereIsTheEndAlone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const ScopedFd reader(ends[0]);
  { ASSERT_TRUE(ReadyNotice::Create(ends[1], "").ok()); }
  EXPECT_EQ(ReadAll(reader.get()), "");
}

TEST(ReadyNoticeTest, ADescriptorThatWillNotDo) {
  for (const int fd : {1000, open("/dev/null", O_RDONLY | O_CLOEXEC)}) {
    const auto notice = ReadyNotice::Create(fd, "");
    EXPECT_EQ(notice.status().code(), absl::StatusCode::kInvalidArgument) << fd;
  }
}

TEST(ReadyNoticeTest, TheServiceManagerIsTold) {
  char folder[] = "/tmp/ready-notice-XXXXXX";  // Bazel's own is too long for a socket's name
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/notify");
  for (const std::string& name : {path, absl::StrCat("@ready_notice_test.", getpid())}) {
    const ScopedFd manager = Manager(name);
    auto notice = ReadyNotice::Create(-1, name);
    ASSERT_TRUE(notice.ok());
    EXPECT_TRUE(notice->Ready().ok()) << name;
    EXPECT_EQ(ReadAll(manager.get()), "READY=1");
    EXPECT_TRUE(notice->Stopping().ok());
    EXPECT_EQ(ReadAll(manager.get()), "STOPPING=1");
  }
  unlink(path.c_str());
  rmdir(folder);
}

TEST(ReadyNoticeTest, AManagerThatIsNotThereIsAnErrorAndNoMore) {
  for (const char* name : {"/nonexistent/notify", "@nobody.waits.here", "relative"}) {
    auto notice = ReadyNotice::Create(-1, name);
    ASSERT_TRUE(notice.ok());
    EXPECT_FALSE(notice->Ready().ok()) << name;
  }
  EXPECT_TRUE(ReadyNotice::Create(-1, "")->Ready().ok());
}

}  // namespace
}  // namespace correlate
