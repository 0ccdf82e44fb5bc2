#include "alert/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alert/texts.h"

namespace correlate {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(const std::string& text) {
  const auto rules = ParseRules(text, "rules.textproto");
  return rules.ok() ? "" : std::string(rules.status().message());
}

TEST(Rule, TheExampleIsRight) {
  const auto rules = ParseRules(std::string(AlertExample()), "example");
  ASSERT_TRUE(rules.ok()) << rules.status();
  ASSERT_EQ(rules->size(), 3);
  EXPECT_EQ(rules->front().name, "xdp_exceptions");
  EXPECT_EQ(rules->front().by.size(), 3);
}

TEST(Rule, WhatIsNotSaidHasADefault) {
  const auto rules = ParseRules("rule { name: \"a\" above: 5 }", "x");
  ASSERT_TRUE(rules.ok()) << rules.status();
  const AlertRule& rule = rules->front();
  EXPECT_FALSE(rule.filter.has_value());
  EXPECT_EQ(rule.window_ns, 60'000'000'000);
  EXPECT_EQ(rule.below, 5);
  EXPECT_EQ(rule.for_ns, 0);
  EXPECT_EQ(rule.severity, "warning");
  ASSERT_EQ(rule.actions.size(), 1);
  EXPECT_EQ(rule.actions[0].kind, AlertAction::Kind::kPrint);
}

TEST(Rule, DefaultActionsAreOfRulesThatHaveNone) {
  const auto rules = ParseRules(
      "rule { name: \"a\" } rule { name: \"b\" action { print {} } }"
      "default_action { exec { command: \"/bin/true\" command: \"-x\" timeout: \"2s\" } }",
      "x");
  ASSERT_TRUE(rules.ok()) << rules.status();
  const AlertAction exec = {AlertAction::Kind::kExec, {"/bin/true", "-x"}, 2'000'000'000};
  EXPECT_THAT((*rules)[0].actions, testing::ElementsAre(exec));
  EXPECT_THAT((*rules)[1].actions, testing::ElementsAre(AlertAction()));
}

TEST(Rule, MistakesOfTheLanguageAreToldByLineAndColumn) {
  EXPECT_THAT(ErrorOf("rule {\n  name: \"a\"\n  abve: 3\n}"), StartsWith("rules.textproto:3:7: "));
  EXPECT_THAT(ErrorOf("rule {\n  name: \"a\"\n"), StartsWith("rules.textproto:3:1: "));
  EXPECT_THAT(ErrorOf("rule { name: 5 }"), StartsWith("rules.textproto:1:14: "));
}

TEST(Rule, MistakesOfValuesAreToldByRuleAndField) {
  const std::pair<const char*, const char*> cases[] = {
      {"name: \"a b\"", "name: letters"},
      {"", "name: letters"},
      {"name: \"a\" filter: \"reason ==\"", "filter: "},
      {"name: \"a\" by: \"colour\"", "by: "},
      {"name: \"a\" window: \"1\xc3\xa9\"", "window: "},
      {"name: \"a\" window: \"500ms\"", "window: whole seconds"},
      {"name: \"a\" window: \"2h\"", "window: whole seconds"},
      {"name: \"a\" for: \"x\"", "for: "},
      {"name: \"a\" above: -1", "above: "},
      {"name: \"a\" above: nan", "above: "},
      {"name: \"a\" above: 1 below: 2", "below: "},
      {"name: \"a\" most: 4000000000", "most: "},
      {"name: \"a\" action {}", "action: "},
      {"name: \"a\" action { exec { command: \"true\" } }", "action.exec.command: "},
      {"name: \"a\" action { exec { command: \"/bin/true\" timeout: \"0\" } }",
       "action.exec.timeout: "},
  };
  for (const auto& [rule, error] : cases) {
    EXPECT_THAT(ErrorOf("\n rule { " + std::string(rule) + " }"),
                testing::AllOf(StartsWith("rules.textproto:2:2: rule "), HasSubstr(error)))
        << rule;
  }
}

TEST(Rule, NamesAreDifferent) {
  EXPECT_THAT(ErrorOf("rule { name: \"a\" }\nrule { name: \"a\" }"),
              StartsWith("rules.textproto:2:1: rule a: another rule"));
}

TEST(Rule, AFileHoldsOne) { EXPECT_THAT(ErrorOf("# nothing\n"), HasSubstr("holds no rule")); }

}  // namespace
}  // namespace correlate
