#include "collector/cgroup_scanner.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

using testing::ElementsAre;

TEST(MountPointsTest, OfOneType) {
  EXPECT_THAT(MountPoints("24 1 0:22 / /proc rw - proc proc rw\n"
                          "30 29 0:26 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 "
                          "cgroup2 rw\n"
                          "31 29 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                          "broken - cgroup2\n"
                          "\n",
                          "cgroup2"),
              ElementsAre("/sys/fs/cgroup/unified"));
}

// A cgroup of the test's own, without processes.
class Cgroup {
 public:
  explicit Cgroup(const std::string& path) : path_(path) {
    made_ = mkdir(path.c_str(), 0755) == 0;
    fd_ = ScopedFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~Cgroup() {
    fd_.reset();
    if (made_) rmdir(path_.c_str());
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  bool made() const { return made_ && fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  const std::string path_;
  bool made_ = false;
  ScopedFd fd_;
};

TEST(CgroupScannerTest, ProgramsInTheirOrder) {
  if (geteuid() != 0) GTEST_SKIP() << "attaching to a cgroup needs root";
  const auto mounts = ReadFile("/proc/self/mountinfo");
  ASSERT_TRUE(mounts.ok());
  const std::vector<std::string> points = MountPoints(*mounts, "cgroup2");
  if (points.empty()) GTEST_SKIP() << "no cgroup2 is mounted here";
  const std::string name = absl::StrCat("/correlate-test-", getpid());
  const Cgroup cgroup(points[0] + name);
  if (!cgroup.made()) GTEST_SKIP() << "no cgroup to be made here";
  const ScopedFd first = LoadReturning(BPF_PROG_TYPE_CGROUP_SKB, 1, "first");
  const ScopedFd second = LoadReturning(BPF_PROG_TYPE_CGROUP_SKB, 1, "second");
  for (const ScopedFd* program : {&first, &second}) {
    if (bpf_prog_attach(program->get(), cgroup.fd(), BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI) !=
        0) {
      GTEST_SKIP() << "no cgroup programs to be had here";
    }
  }
  std::vector<std::string> lines;
  const CgroupScan scan = ScanCgroups();
  EXPECT_EQ(scan.refused, 0);
  for (const Attachment& attachment : scan.attachments) {
    if (attachment.cgroup != name) continue;
    EXPECT_TRUE(scan.cgroup_ids.contains(attachment.cgroup_id));
    lines.push_back(absl::StrCat(attachment.hook, " ", attachment.attach_type, " ",
                                 attachment.direction, " #", attachment.program_id, " ",
                                 attachment.position, " of ", attachment.positions));
  }
  EXPECT_THAT(
      lines,
      ElementsAre(absl::StrCat("cgroup inet_egress egress #", ProgramId(first), " 1 of 2"),
                  absl::StrCat("cgroup inet_egress egress #", ProgramId(second), " 2 of 2")));
}

}  // namespace
}  // namespace correlate
