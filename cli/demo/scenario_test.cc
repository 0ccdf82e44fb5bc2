// On the real kernel, in namespaces of this process alone.
#include "cli/demo/scenario.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/demo/private_netns_names.h"

namespace correlate {
namespace {

TEST(DemoScenarioTest, SendsAndDropsAsItSays) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: makes network namespaces";
  ASSERT_TRUE(CoverNetnsNames().ok());
  auto scenario = DemoScenario::Build();
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ASSERT_EQ((*scenario)->acts().size(), 3);
  for (const DemoAct& act : (*scenario)->acts()) EXPECT_NE(act.program_id, 0) << act.program;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE((*scenario)->SendRound().ok());
  // Packets that pass and packets that are mirrored arrive; the last ones may still be on their
  // way.
  EXPECT_LE((*scenario)->arrived(), 100);
  EXPECT_GE((*scenario)->arrived(), 90);
}

TEST(DemoScenarioTest, SaysWhichCapabilityIsMissing) {
  if (geteuid() == 0) GTEST_SKIP() << "tested as a plain user";
  const absl::Status covered = CoverNetnsNames();
  EXPECT_TRUE(absl::IsPermissionDenied(covered));
  EXPECT_NE(covered.message().find("CAP_SYS_ADMIN"), absl::string_view::npos) << covered;
}

}  // namespace
}  // namespace correlate
