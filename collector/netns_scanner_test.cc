#include "collector/netns_scanner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/scoped_fd.h"
#include "collector/test_child.h"

namespace correlate {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

uint64_t Inode(const char* path) {
  struct stat status = {};
  return stat(path, &status) == 0 ? status.st_ino : 0;
}

size_t OpenFiles() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Name and inode as a look into each namespace sees them.
std::map<uint64_t, Netns> Look(NetnsWalk* walk = nullptr) {
  std::map<uint64_t, Netns> seen;
  const auto result = ForEachNetns([&](const Netns& netns) {
    EXPECT_EQ(Inode("/proc/thread-self/ns/net"), netns.id.inode);  // really inside
    EXPECT_EQ(netns.from_ns, netns.to_ns);
    EXPECT_NE(netns.from_ns, 0);
    EXPECT_TRUE(seen.emplace(netns.id.inode, netns).second);
  });
  EXPECT_TRUE(result.ok()) << result.status();
  if (result.ok()) {
    EXPECT_EQ(result->visited, seen.size());
    if (walk != nullptr) *walk = *result;
  }
  return seen;
}

TEST(NetnsScannerTest, OurOwnComesFirst) {
  const auto places = DiscoverNamespaces();
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(places->places[0].inode, Inode("/proc/self/ns/net"));
}

// A process in a network namespace of its own, until the end of the test.
class NetnsProcess {
 public:
  NetnsProcess() {
    int pipe_fds[2];
    if (pipe(pipe_fds) != 0) return;
    ScopedFd reader(pipe_fds[0]);
    ScopedFd writer(pipe_fds[1]);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char ok = unshare(CLONE_NEWNET) == 0 ? 1 : 0;
      if (write(writer.get(), &ok, 1) != 1) _exit(1);
      for (;;) pause();
    }
    char ok = 0;
    if (pid_ > 0 && read(reader.get(), &ok, 1) == 1 && ok == 1) {
      inode_ = Inode(("/proc/" + std::to_string(pid_) + "/ns/net").c_str());
    }
  }
  ~NetnsProcess() { End(); }
  NetnsProcess(const NetnsProcess&) = delete;
  NetnsProcess& operator=(const NetnsProcess&) = delete;

  void End() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  uint64_t inode() const { return inode_; }

 private:
  pid_t pid_ = -1;
  uint64_t inode_ = 0;
};

TEST(NetnsScannerTest, FindsNamespacesOfProcessesAndLeavesThem) {
  if (geteuid() != 0) GTEST_SKIP() << "a network namespace needs CAP_SYS_ADMIN";
  NetnsProcess process;
  if (process.inode() == 0) GTEST_SKIP() << "no network namespace of our own to be had here";
  const uint64_t own = Inode("/proc/self/ns/net");
  const size_t open_files = OpenFiles();
  NetnsWalk walk;
  const auto seen = Look(&walk);
  EXPECT_THAT(walk.notes, IsEmpty());
  ASSERT_TRUE(seen.contains(own));
  ASSERT_TRUE(seen.contains(process.inode()));
  EXPECT_NE(seen.at(process.inode()).id.cookie, seen.at(own).id.cookie);
  EXPECT_EQ(Inode("/proc/thread-self/ns/net"), own);
  EXPECT_EQ(OpenFiles(), open_files);

  const auto again = Look();
  EXPECT_EQ(again.at(process.inode()).id, seen.at(process.inode()).id);
  process.End();
  EXPECT_FALSE(Look().contains(process.inode()));
}

TEST(NetnsScannerTest, NamespacesThatEndMeanwhileAreNoError) {
  if (geteuid() != 0) GTEST_SKIP() << "a network namespace needs CAP_SYS_ADMIN";
  NetnsProcess one, two;
  if (one.inode() == 0 || two.inode() == 0) {
    GTEST_SKIP() << "no network namespace of our own to be had here";
  }
  bool ended = false;
  size_t seen = 0;
  const auto walk = ForEachNetns([&](const Netns& netns) {
    ++seen;
    EXPECT_FALSE(ended && (netns.id.inode == one.inode() || netns.id.inode == two.inode()));
    if (!ended) {
      one.End();
      two.End();
    }
    ended = true;
  });
  ASSERT_TRUE(walk.ok()) << walk.status();
  EXPECT_EQ(walk->visited, seen);
  EXPECT_THAT(walk->notes, IsEmpty());
}

// /run is hidden under a file system of the test's own, in a mount namespace of its own.
void LookAtNamedNamespaces() {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0 || mkdir("/run/netns", 0755) != 0) {
    SkipChild();
  }
  const auto touch = [](const char* path) {
    ASSERT_TRUE(ScopedFd(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444)).valid());
  };
  touch("/run/netns/leftover");  // `ip netns add` that failed half way
  touch("/run/netns/blue");
  touch("/run/netns/indigo");
  // A namespace held by nothing but its name: made by a process that goes back home.
  const ScopedFd home(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (unshare(CLONE_NEWNET) != 0) SkipChild();
  ASSERT_EQ(mount("/proc/self/ns/net", "/run/netns/blue", nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(mount("/proc/self/ns/net", "/run/netns/indigo", nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(setns(home.get(), CLONE_NEWNET), 0);

  const uint64_t blue = Inode("/run/netns/blue");
  const auto seen = Look();
  ASSERT_TRUE(seen.contains(blue));
  EXPECT_EQ(seen.at(blue).name, "blue");
  EXPECT_TRUE(seen.contains(Inode("/proc/self/ns/net")));
  for (const auto& [inode, netns] : seen) EXPECT_NE(netns.name, "leftover");
}

TEST(NetnsScannerTest, NamesComeFromRunNetns) {
  if (geteuid() != 0) GTEST_SKIP() << "namespaces need CAP_SYS_ADMIN";
  EXPECT_CHILD_PASSES(LookAtNamedNamespaces, "no namespaces of our own to be had here");
}

TEST(NetnsScannerTest, OurOwnNeedsNoPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "becomes a plain user, which only root can";
  const NetnsProcess process;
  if (process.inode() == 0) GTEST_SKIP() << "no network namespace of our own to be had here";
  const auto look_as_a_plain_user = [&] {
    if (setgid(65534) != 0 || setuid(65534) != 0) SkipChild();
    NetnsWalk walk;
    const auto seen = Look(&walk);
    EXPECT_TRUE(seen.contains(Inode("/proc/self/ns/net")));
    EXPECT_FALSE(seen.contains(process.inode()));
    EXPECT_EQ(walk.visited, 1);
    EXPECT_THAT(walk.notes, Contains(HasSubstr("CAP_SYS_PTRACE")));
  };
  EXPECT_CHILD_PASSES(look_as_a_plain_user, "cannot become a plain user here");
}

}  // namespace
}  // namespace correlate
