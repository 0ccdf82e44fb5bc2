#include "collector/attachment_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <variant>

#include "collector/test_child.h"
#include "collector/test_network.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

// Takes news until one is `wanted`; false if none came.
bool WaitFor(AttachmentMonitor& monitor, const std::function<bool(const AttachmentNews&)>& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    for (const AttachmentNews& news : monitor.Take()) {
      if (wanted(news)) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

uint64_t OwnNetns() {
  struct stat own = {};
  EXPECT_EQ(stat("/proc/thread-self/ns/net", &own), 0);
  return own.st_ino;
}

// Descriptors of this process that lead to network namespaces, sockets aside.
int NetnsDescriptors() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry, ignored);
    count += target.starts_with("net:");
  }
  return count;
}

void FollowAFilter() {
  if (!EnterNewNetns() || !AddVethPair("one", "two")) SkipChild();
  const uint32_t one = if_nametoindex("one");
  if (!AddClsact(one)) SkipChild();
  const ScopedFd program = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 0, "followed");
  const uint32_t id = ProgramId(program);
  const uint64_t own = OwnNetns();

  auto monitor = AttachmentMonitor::Open();
  ASSERT_TRUE(monitor.ok()) << monitor.status();
  const auto look_with = [&](bool filter) {
    return [&, filter](const AttachmentNews& news) {
      const auto* look = std::get_if<AttachmentLook>(&news);
      if (look == nullptr || look->netns.id.inode != own || look->unchanged) return false;
      EXPECT_LE(look->begin_ns, look->end_ns);
      EXPECT_TRUE(look->netns.own);
      bool found = false;
      for (const Attachment& attachment : look->attachments) found |= attachment.program_id == id;
      return found == filter;
    };
  };
  EXPECT_TRUE(WaitFor(**monitor, look_with(false)));  // the first look is there at once
  ASSERT_TRUE((*monitor)->Start().ok());
  bool notified = false;
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 0, 10, 1, program));
  EXPECT_TRUE(WaitFor(**monitor, [&](const AttachmentNews& news) {
    if (const auto* notice = std::get_if<AttachmentNotice>(&news)) {
      EXPECT_TRUE(notice->added);
      EXPECT_EQ(notice->attachment.program_id, id);
      EXPECT_EQ(notice->attachment.ifname, "one");
      EXPECT_EQ(notice->attachment.pref, 10);
      notified = true;
    }
    return look_with(true)(news);
  }));
  EXPECT_TRUE(notified);
  EXPECT_EQ(NetnsDescriptors(), 0);
  EXPECT_EQ(OwnNetns(), own);
  EXPECT_NE((*monitor)->own_program_id(), 0);
  EXPECT_TRUE((*monitor)->Finish().ok());
  EXPECT_TRUE(WaitFor(**monitor, [&](const AttachmentNews& news) {
    return std::holds_alternative<AttachmentLook>(news);
  }));
}

TEST(AttachmentMonitorTest, FollowsAFilter) {
  if (geteuid() != 0) GTEST_SKIP() << "a network namespace needs root";
  EXPECT_CHILD_PASSES(FollowAFilter, "no network namespace with veth and clsact to be had here");
}

}  // namespace
}  // namespace correlate
