#include "export/redaction.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "query/event_view.h"
#include "render/json_event.h"
#include "tests/fakes/recording.h"

namespace correlate {
namespace {

using testing::HasSubstr;
using testing::Not;

// Everything that a stream says of names and addresses, as text.
class Everything : public EventView {
 public:
  void OnRecording(const RecordingFacts& facts) override {
    EventView::OnRecording(facts);
    text += facts.hostname + "\n";
    for (const std::string& word : facts.command_line) text += word + "\n";
  }
  void OnProgram(const ProgramInfo& program) override { text += program.name + "\n"; }
  void OnProgramImage(const ProgramImage& image) override {
    for (const auto& line : image.lines) text += line.file + line.text + "\n";
  }
  void OnAttachment(const Attachment& attachment) override {
    text += AttachmentToJson(attachment).dump() + "\n";
  }
  void OnDevice(const Device& device) override { text += device.ifname + "\n"; }
  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    JsonEventLines lines;
    text += lines.Line(event, clock()) + "\n";
    ++events;
  }
  std::string text;
  int events = 0;
};

std::string Redacted(const std::string& what) {
  Everything many;
  RedactingSink redacting(*Redaction::Parse(what), &many);
  FeedManyEvents({.events = 500}, redacting);
  Everything small;
  RedactingSink redacting_small(*Redaction::Parse(what), &small);
  FeedTestRecording(redacting_small);
  EXPECT_EQ(many.events + small.events, 504);
  return many.text + small.text;
}

TEST(Redaction, NothingAskedForNothingDone) {
  EXPECT_THAT(Redacted(""), testing::AllOf(HasSubstr("many-1"), HasSubstr("10.0.3.2"),
                                           HasSubstr("0xffffffff81000"), HasSubstr("program_3")));
}

TEST(Redaction, AddressesOfHostsAndOfTheKernelGo) {
  const std::string text = Redacted("addresses");
  for (const char* secret :
       {"10.0.0.1", "10.0.3.2", "10.77.0.", "fd77:", "0xffffffff", "0xffff8881"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  // Ports, symbols and offsets stay.
  EXPECT_THAT(text, testing::AllOf(HasSubstr("\"dport\":7003"), HasSubstr("udp4_lib_rcv"),
                                   HasSubstr("\"offset\":47"), HasSubstr("program_3")));
}

TEST(Redaction, NamesGoAndStructureStays) {
  const std::string text = Redacted("names");
  for (const char* secret : {"many-1", "edge-7", "program_3", "veth", "ping", "blue", "many.c",
                             "mirror", "decide", "onerror", "record", "as the fake has it"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret))) << secret;
  }
  EXPECT_THAT(text, testing::AllOf(HasSubstr("program-1"), HasSubstr("program-8"),
                                   HasSubstr("device-3"), HasSubstr("TC_INGRESS"),
                                   HasSubstr("udp4_lib_rcv"), HasSubstr("10.0.3.2")));
}

TEST(Redaction, TheSameThingHasTheSameStandIn) {
  Everything everything;
  RedactingSink redacting(*Redaction::Parse("names,addresses"), &everything);
  FeedManyEvents({.events = 2000, .programs = 4}, redacting);
  std::istringstream lines(everything.text);
  std::map<int, std::set<std::string>> devices;
  std::map<int, std::set<std::string>> hosts;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"time_ns\"") == std::string::npos) continue;
    const Json json = Json::parse(line);
    const int port = json["packet"]["dport"];
    devices[port].insert(json["packet"]["ifname"].get<std::string>());
    hosts[port].insert(json["packet"]["dst"].get<std::string>());
  }
  EXPECT_EQ(devices.size(), 4u);
  std::set<std::string> all;
  for (const auto& [port, names] : devices) {
    EXPECT_EQ(names.size(), 1u);
    EXPECT_EQ(hosts[port].size(), 1u);
    all.insert(*names.begin());
  }
  EXPECT_EQ(all.size(), 4u);
}

TEST(Redaction, KeysOfMapsGo) {
  class Calls : public TraceSink {
   public:
    void OnEvent(const CorrelatedEvent& event) override {
      raw.assign(event.raw.begin(), event.raw.end());
    }
    void OnMapSnapshot(const MapSnapshot&) override { ++snapshots; }
    std::vector<uint8_t> raw;
    int snapshots = 0;
  } calls;
  EventFormat format;
  format.system = "bpf";
  format.name = "bpf_map_update_elem";
  format.fields = {{.name = "flags", .offset = 0, .size = 4},
                   {.name = "key", .offset = 4, .size = 4, .is_array = true}};
  const std::vector<uint8_t> raw = {1, 2, 3, 4, 5, 6, 7, 8};
  CorrelatedEvent event;
  event.format = &format;
  event.raw = raw;
  RedactingSink redacting(*Redaction::Parse("keys"), &calls);
  redacting.OnEvent(event);
  redacting.OnMapSnapshot({});
  EXPECT_THAT(calls.raw, testing::ElementsAre(1, 2, 3, 4, 0, 0, 0, 0));
  EXPECT_EQ(calls.snapshots, 0);
}

TEST(Redaction, FieldsOfAHostileTraceThatLieOutsideStay) {
  EventFormat format;
  format.system = "s";
  format.name = "n";
  for (const uint32_t offset : {UINT32_MAX, UINT32_MAX - 7, 9U, 1U}) {
    format.fields.push_back({.name = "at", .type = "void *", .offset = offset, .size = 8});
    format.fields.back().is_pointer = true;
  }
  const uint8_t raw[] = {1, 2, 3, 4, 5, 6, 7, 8};
  CorrelatedEvent event;
  event.format = &format;
  event.raw = raw;
  struct Raw : TraceSink {
    void OnEvent(const CorrelatedEvent& told) override {
      bytes.assign(told.raw.begin(), told.raw.end());
    }
    std::vector<uint8_t> bytes;
  } told;
  RedactingSink(*Redaction::Parse("addresses"), &told).OnEvent(event);
  EXPECT_THAT(told.bytes, testing::ElementsAreArray(raw));
}

TEST(Redaction, NonsenseIsRefused) { EXPECT_FALSE(Redaction::Parse("names,colours").ok()); }

}  // namespace
}  // namespace correlate
