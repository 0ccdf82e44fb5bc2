#include "alert/exec_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kSecond = 1'000'000'000;

class ExecActionsTest : public testing::Test {
 protected:
  static AlertAction Shell(const std::string& script) {
    return {AlertAction::Kind::kExec, {"/bin/sh", "-c", script}, 10 * kSecond};
  }
  void RunUntilIdle(uint64_t now_ns = 0) {
    for (int i = 0; i < 2000 && !actions_.idle(); ++i) {
      actions_.Tick(now_ns);
      usleep(5000);
    }
    EXPECT_TRUE(actions_.idle());
  }
  std::string Output() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const std::string path_ = testing::TempDir() + "/output";
  ExecActions actions_;
};

TEST_F(ExecActionsTest, TheAlertIsOnStdin) {
  actions_.Run("a", Shell("cat > " + path_), "{\"rule\":\"x\"}");
  RunUntilIdle();
  EXPECT_EQ(Output(), "{\"rule\":\"x\"}\n");
  EXPECT_THAT(actions_.TakeProblems(), IsEmpty());
}

TEST_F(ExecActionsTest, ArgumentsAreNotWordsOfAShell) {
  AlertAction action = {AlertAction::Kind::kExec,
                        {"/usr/bin/env", "printf", "%s|", "$HOME; echo x", "`id`"},
                        10 * kSecond};
  actions_.Run("a", action, "{}");
  RunUntilIdle();
  EXPECT_THAT(actions_.TakeProblems(), IsEmpty());
}

TEST_F(ExecActionsTest, OneAfterTheOtherAndOnlyTheLatestWaits) {
  const AlertAction action = Shell("sleep 0.2; cat >> " + path_);
  unlink(path_.c_str());
  actions_.Run("a", action, "1");
  actions_.Tick(0);
  actions_.Run("a", action, "2");
  actions_.Run("a", action, "3");
  RunUntilIdle();
  EXPECT_EQ(Output(), "1\n3\n");
}

TEST_F(ExecActionsTest, OthersRunBesideIt) {
  actions_.Run("a", Shell("sleep 5"), "");
  actions_.Run("b", Shell("cat > " + path_), "b");
  for (int i = 0; i < 400 && Output() != "b\n"; ++i) {
    actions_.Tick(0);
    usleep(5000);
  }
  EXPECT_EQ(Output(), "b\n");
  EXPECT_FALSE(actions_.idle());
}

TEST_F(ExecActionsTest, TooLongIsKilled) {
  actions_.Run("a", Shell("sleep 60 & wait"), "");
  actions_.Tick(0);
  RunUntilIdle(11 * kSecond);
  EXPECT_THAT(actions_.TakeProblems(), ElementsAre("/bin/sh took too long and was killed"));
}

TEST_F(ExecActionsTest, FailuresAreTold) {
  actions_.Run("a", Shell("exit 7"), "");
  actions_.Run("b", {AlertAction::Kind::kExec, {"/no/such/program"}, kSecond}, "");
  RunUntilIdle();
  EXPECT_THAT(actions_.TakeProblems(),
              testing::UnorderedElementsAre(HasSubstr("/bin/sh ended with 7"),
                                            HasSubstr("cannot run /no/such/program")));
}

}  // namespace
}  // namespace correlate
