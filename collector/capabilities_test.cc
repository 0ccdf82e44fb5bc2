#include "collector/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

#include "collector/program_scanner.h"
#include "collector/test_child.h"

namespace correlate {
namespace {

using testing::HasSubstr;

TEST(KernelVersionTest, Parse) {
  EXPECT_EQ(ParseKernelVersion("6.12.9+bpo-cloud-amd64"), (KernelVersion{6, 12}));
  EXPECT_EQ(ParseKernelVersion("5.10"), (KernelVersion{5, 10}));
  EXPECT_EQ(ParseKernelVersion("7.2-rc1"), (KernelVersion{7, 2}));
  EXPECT_EQ(ParseKernelVersion("linux"), KernelVersion{});
  EXPECT_EQ(ParseKernelVersion(""), KernelVersion{});
  EXPECT_LT((KernelVersion{5, 10}), (KernelVersion{5, 11}));
  EXPECT_LT((KernelVersion{5, 19}), (KernelVersion{6, 0}));
}

uint64_t OwnNetns() {
  struct stat status = {};
  return stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

bool GoesAway(uint32_t program_id) {
  for (int i = 0; i < 100; ++i) {
    if (absl::IsNotFound(ReadProgram(program_id).status())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST(CapabilitiesTest, ProbesAsRootAndLeavesNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "most of what is probed needs root";
  const ptrdiff_t open_files =
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  const uint64_t netns = OwnNetns();
  const HostCapabilities host = ProbeCapabilities();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), open_files);
  EXPECT_EQ(OwnNetns(), netns);
  const auto programs = ScanPrograms();
  ASSERT_EQ(programs.ok(), host.program_ids.ok());
  if (programs.ok()) {
    // What is left now may still be on its way out, or another process's probe.
    for (const ProgramInfo& program : *programs) {
      if (program.name != "correlate_probe") continue;
      EXPECT_TRUE(GoesAway(program.id)) << program.id;
    }
  }

  utsname name = {};
  ASSERT_EQ(uname(&name), 0);
  EXPECT_EQ(host.kernel_release, name.release);
  EXPECT_GE(host.kernel_version, (KernelVersion{4, 0}));
  EXPECT_EQ(host.uid, 0);
  EXPECT_EQ(host.capabilities.bits(), CapabilitySet::Effective().bits());
  EXPECT_TRUE(host.kptr_restrict.has_value());
  EXPECT_TRUE(host.perf_event_paranoid.has_value());
  if (host.kernel_version < KernelVersion{6, 0}) {
    EXPECT_FALSE(host.perf_format_lost);
  } else if (host.tracepoint.ok()) {
    EXPECT_TRUE(host.perf_format_lost);
  }
  if (!host.kernel_btf) {
    EXPECT_FALSE(host.trampoline.ok());
    EXPECT_FALSE(host.tracing_program.ok());
  }
}

void ProbeAsAPlainUser() {
  if (setgid(65534) != 0 || setuid(65534) != 0) SkipChild();
  const HostCapabilities host = ProbeCapabilities();
  EXPECT_EQ(host.uid, 65534);
  EXPECT_EQ(host.capabilities.bits(), 0);
  EXPECT_EQ(host.program_ids.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(host.program_ids.message()), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_EQ(host.enter_netns.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(host.enter_netns.message()), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_FALSE(host.raw_tracepoint_program.ok());
  EXPECT_FALSE(host.trampoline.ok());
  EXPECT_FALSE(host.tracepoint.ok());
}

TEST(CapabilitiesTest, ProbesWithoutPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "becomes a plain user, which only root can";
  EXPECT_CHILD_PASSES(ProbeAsAPlainUser, "cannot become a plain user here");
}

}  // namespace
}  // namespace correlate
