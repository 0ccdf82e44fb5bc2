#include "collector/tracefs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/files.h"
#include "collector/test_child.h"

namespace correlate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(FindTracefsMountsTest, FindsTracefsAndNothingElse) {
  EXPECT_THAT(FindTracefsMounts(
                  "24 30 0:22 / /proc rw,nosuid - proc proc rw\n"
                  "36 35 0:11 / /sys/kernel/tracing rw shared:14 master:2 - tracefs tracefs rw\n"
                  "40 36 0:11 / /sys/kernel/debug/tracing rw - tracefs tracefs rw\n"
                  "41 36 0:11 /events /srv/events rw - tracefs tracefs rw\n"  // a part of it only
                  "42 36 0:11 / /mnt/a\\040b\\134c rw - tracefs none rw\n"    // escaped
                  "43 36 0:12 / /mnt/tracefs rw - ext4 tracefs rw\n"),  // the source, not the type
              ElementsAre("/sys/kernel/tracing", "/sys/kernel/debug/tracing", "/mnt/a b\\c"));
}

TEST(FindTracefsMountsTest, SurvivesNonsense) {
  EXPECT_THAT(FindTracefsMounts(""), IsEmpty());
  EXPECT_THAT(FindTracefsMounts("- tracefs\n1 2 3\n - - - - - - - tracefs"), IsEmpty());
  EXPECT_THAT(FindTracefsMounts("1 2 0:1 / /a\\04 rw - tracefs x y"), ElementsAre("/a\\04"));
}

// What any opened tracefs must be able to do.
void CheckEvents(const Tracefs& tracefs) {
  const auto events = tracefs.ListEvents();
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_THAT(*events, Contains("skb:kfree_skb"));
  EXPECT_TRUE(std::is_sorted(events->begin(), events->end()));
  const auto format = tracefs.ReadFormat("skb", "kfree_skb");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_THAT(*format, HasSubstr("field:void * skbaddr"));
  const auto id = tracefs.EventId("skb", "kfree_skb");
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_THAT(*format, HasSubstr("ID: " + std::to_string(*id) + "\n"));

  EXPECT_EQ(tracefs.ReadFormat("skb", "no_such_event").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(tracefs.ReadFormat("..", "..").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tracefs.EventId("skb/kfree_skb", ".").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TracefsTest, ReadsTheHostsEvents) {
  if (geteuid() != 0) GTEST_SKIP() << "tracefs belongs to root";
  const auto tracefs = Tracefs::Open();
  ASSERT_TRUE(tracefs.ok()) << tracefs.status();
  CheckEvents(*tracefs);
}

// In a mount namespace of its own in which tracefs is mounted nowhere.
void LookWithoutMountedTracefs() {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    SkipChild();
  }
  for (const std::string& mount_point : FindTracefsMounts(*ReadFile("/proc/self/mountinfo"))) {
    if (umount2(mount_point.c_str(), MNT_DETACH) != 0) SkipChild();
  }
  const std::string before = *ReadFile("/proc/self/mountinfo");
  EXPECT_THAT(FindTracefsMounts(before), IsEmpty());
  {
    const auto tracefs = Tracefs::Open();
    ASSERT_TRUE(tracefs.ok()) << tracefs.status();
    EXPECT_EQ(tracefs->mount_point(), "");
    CheckEvents(*tracefs);
    EXPECT_EQ(*ReadFile("/proc/self/mountinfo"), before);  // nothing that others could see
  }
  EXPECT_EQ(*ReadFile("/proc/self/mountinfo"), before);
}

TEST(TracefsTest, ReachesTracefsThatIsMountedNowhere) {
  if (geteuid() != 0) GTEST_SKIP() << "a private mount needs CAP_SYS_ADMIN";
  EXPECT_CHILD_PASSES(LookWithoutMountedTracefs, "no mount namespace of our own to be had here");
}

void LookAsAPlainUser() {
  if (setgid(65534) != 0 || setuid(65534) != 0) SkipChild();
  const auto detached = Tracefs::OpenDetached();
  EXPECT_EQ(detached.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(detached.status().message()), HasSubstr("CAP_SYS_ADMIN"));
  const auto tracefs = Tracefs::Open();
  const absl::Status status = tracefs.ok() ? tracefs->ListEvents().status() : tracefs.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("root"));
}

TEST(TracefsTest, SaysWhatIsMissingWithoutPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "becomes a plain user, which only root can";
  EXPECT_CHILD_PASSES(LookAsAPlainUser, "cannot become a plain user here");
}

}  // namespace
}  // namespace correlate
