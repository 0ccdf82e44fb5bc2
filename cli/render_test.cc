// What script and report print of a recording, compared with the files in tests/golden. To write
// them anew after a change that is meant: see docs/contributing.md.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "cli/script_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "render/event_fields.h"
#include "report/report_json.h"
#include "report/report_tables.h"
#include "report/report_text.h"
#include "tests/fakes/recording.h"

namespace correlate {
namespace {

std::string Script(bool json) {
  std::ostringstream out;
  FeedTestRecording(*MakeScriptPrinter(out, json));
  return out.str();
}

std::string Report(const std::string& by, bool json) {
  ReportTables tables(*ParseEventKeys(by));
  FeedTestRecording(tables);
  tables.Finish();
  return json ? RenderReportJson(tables) : RenderReport(tables, "test.pb");
}

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/" + name;
  if (const char* root = std::getenv("UPDATE_GOLDEN_IN"); root != nullptr) {
    std::ofstream(std::string(root) + "/" + path) << text;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path;
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

TEST(Render, Script) { ExpectGolden("script.txt", Script(false)); }
TEST(Render, ScriptJson) { ExpectGolden("script.jsonl", Script(true)); }
TEST(Render, Report) { ExpectGolden("report.txt", Report("", false)); }
TEST(Render, ReportJson) { ExpectGolden("report.json", Report("", true)); }
TEST(Render, ReportBy) {
  ExpectGolden("report_by.txt", Report("event,reason,location,device,program", false));
}

TEST(Render, ReportOfAnIncompleteTraceSaysSoBeforeAnyFigure) {
  ReportTables tables({});
  FeedTestRecording(tables);
  tables.SetIncomplete();
  tables.Finish();
  const std::string text = RenderReport(tables, "test.pb");
  EXPECT_LT(text.find("INCOMPLETE"), text.find(" lost, "));
  EXPECT_NE(text.find("INCOMPLETE"), std::string::npos);
  EXPECT_FALSE(Json::parse(RenderReportJson(tables))["complete"]);
}

TEST(Render, NoControlCharacterReachesATerminal) {
  for (const std::string& text : {Script(false), Report("", false), Report("device", false)}) {
    for (const char c : text) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << text;
    }
  }
}

TEST(Render, EveryLineOfJsonParses) {
  std::istringstream lines(Script(true));
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    const Json json = Json::parse(line);
    EXPECT_TRUE(json.contains("event") || json.contains("lost"));
  }
  EXPECT_EQ(count, 5);
}

TEST(Render, AnUnknownKeyNamesTheKeysThereAre) {
  const auto keys = ParseEventKeys("reason,colour");
  ASSERT_FALSE(keys.ok());
  EXPECT_NE(std::string(keys.status().message()).find("'colour'"), std::string::npos);
  EXPECT_NE(std::string(keys.status().message()).find("location"), std::string::npos);
}

TEST(Render, NoneOfSeveralCandidatesStandsAlone) {
  EventFormat format;
  format.system = "skb";
  format.name = "kfree_skb";
  Attribution attribution;
  attribution.evidence = Evidence::kCandidates;
  for (const uint32_t id : {100, 101}) {
    BlamedProgram program;
    program.id = id;
    program.name = id == 100 ? "first" : "second";
    program.attachments = {{.hook = "tcx",
                            .direction = "ingress",
                            .program_id = id,
                            .ifindex = 4,
                            .ifname = "eth0",
                            .position = id - 99,
                            .positions = 2}};
    attribution.programs.push_back(program);
  }
  CorrelatedEvent event;
  event.format = &format;
  event.attribution = &attribution;
  ReportTables tables({});
  tables.OnEvent(event);
  tables.Finish();
  const std::string text = RenderReport(tables, "test.pb");
  for (const char* line : {"first", "#1 of 2 on eth0", "(1 of 2 possible)", "or second",
                           "#2 of 2 on eth0", "(2 of 2 possible)"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
  const std::string json = RenderReportJson(tables);
  EXPECT_THAT(json, testing::HasSubstr("\"name\":\"first\""));
  EXPECT_THAT(json, testing::HasSubstr("\"name\":\"second\""));
}

}  // namespace
}  // namespace correlate
