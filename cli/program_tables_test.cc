#include "cli/program_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace correlate {
namespace {

using testing::HasSubstr;
using testing::Not;

ProgramInfo TcDrop() {
  ProgramInfo program;
  program.id = 100;
  program.type = 3;
  program.type_name = "sched_cls";
  program.name = "tc_drop";
  program.tag = {0x9a, 0xd5, 0xa9, 0xdc, 0x21, 0xa3, 0x8d, 0xa7};
  program.load_time_ns = 5'000'000'000;
  program.uid = 1000;
  program.btf_id = 7;
  program.map_ids = {3, 4};
  program.opened = true;
  program.functions = {
      {.address = 0xffffffffc0025000, .length_bytes = 0x80, .name = "tc_drop", .tag = program.tag},
      {.address = 0xffffffffc0027000,
       .length_bytes = 0x40,
       .name = "decide",
       .tag = {0x54, 0xb8, 0xcb, 0xdd, 0x07, 0x16, 0x59, 0x99}}};
  program.lines = {{0xffffffffc0025000, "src/tcdrop.c", 20},
                   {0xffffffffc0027004, "src/tcdrop.c", 8}};
  program.gpl_compatible = true;
  program.xlated_bytes = 224;
  program.jited_bytes = 156;
  program.memlock_bytes = 4096;
  program.verified_instructions = 40;
  program.run_time_ns = 900;
  program.run_count = 3;
  program.recursion_misses = 1;
  return program;
}

Attachment Ingress(uint64_t look_ns) {
  Attachment attachment;
  attachment.hook = "tc";
  attachment.direction = "ingress";
  attachment.program_id = 100;
  attachment.netns = {.inode = 4026532213, .cookie = 9};
  attachment.netns_name = "blue";
  attachment.ifindex = 2;
  attachment.ifname = "veth1";
  attachment.pref = 49152;
  attachment.handle = 1;
  attachment.from_ns = attachment.to_ns = look_ns;
  return attachment;
}

TEST(ProgramTablesTest, Text) {
  ProgramTables tables;
  tables.OnClocks({.monotonic_ns = 5'000'000'000, .realtime_ns = 1'795'000'000'000'000'000});
  tables.OnProgram(TcDrop());
  tables.OnAttachment(Ingress(10));
  Attachment again = Ingress(10);  // another look at the same place
  again.to_ns = 20;
  tables.OnAttachment(again);
  Attachment later = Ingress(6'000'000'000);  // it was gone in between
  later.absent_before_ns = 30;
  later.absent_after_ns = 7'000'000'000;
  tables.OnAttachment(later);
  EXPECT_EQ(tables.Text(),
            "100: sched_cls  name tc_drop  tag 9ad5a9dc21a38da7  loaded 2026-11-18 11:06:40 UTC  "
            "uid 1000  gpl\n"
            "\txlated 224B  jited 156B  memlock 4096B  verified 40 instructions  run_time_ns 900 "
            "run_cnt 3  recursion_misses 1\n"
            "\t0xffffffffc0025000-0xffffffffc0025080  tag 9ad5a9dc21a38da7  tc_drop  "
            "src/tcdrop.c:20\n"
            "\t0xffffffffc0027000-0xffffffffc0027040  tag 54b8cbdd07165999  decide  "
            "src/tcdrop.c:8\n"
            "\ttc ingress pref 49152 handle 0x1 on veth1 (netns blue)\n"
            "\ttc ingress pref 49152 handle 0x1 on veth1 (netns blue), seen from 2026-11-18 "
            "11:06:41 UTC, seen until 2026-11-18 11:06:41 UTC\n"
            "\tmaps 3,4  btf 7\n");
  EXPECT_FALSE(tables.AddressesHidden());
}

TEST(ProgramTablesTest, JsonObject) {
  ProgramTables tables;
  tables.OnClocks({.monotonic_ns = 5'000'000'000, .realtime_ns = 1'795'000'000'000'000'000});
  tables.OnProgram(TcDrop());
  Attachment attachment = Ingress(10);
  attachment.to_ns = 20;
  attachment.absent_after_ns = 30;
  tables.OnAttachment(attachment);
  attachment.program_id = 0;
  attachment.kind = "u32";  // no program
  tables.OnAttachment(attachment);
  EXPECT_EQ(tables.ToJson(), Json::parse(R"({"programs":[{
    "id":100,"type":"sched_cls","name":"tc_drop","tag":"9ad5a9dc21a38da7",
    "loaded_ns":"5000000000","loaded":"2026-11-18T11:06:40.000000000Z",
    "uid":1000,"gpl_compatible":true,"bytes_xlated":224,"jited":true,"bytes_jited":156,
    "bytes_memlock":"4096","verified_instructions":40,"run_time_ns":"900","run_cnt":"3",
    "recursion_misses":"1","map_ids":[3,4],"btf_id":7,"opened":true,
    "functions":[
      {"name":"tc_drop","tag":"9ad5a9dc21a38da7","address":"0xffffffffc0025000",
       "end":"0xffffffffc0025080","file":"src/tcdrop.c","line":20},
      {"name":"decide","tag":"54b8cbdd07165999","address":"0xffffffffc0027000",
       "end":"0xffffffffc0027040","file":"src/tcdrop.c","line":8}],
    "attachments":[
      {"hook":"tc","direction":"ingress","ifname":"veth1","ifindex":2,"netns":"4026532213",
       "netns_name":"blue","chain":0,"pref":49152,"handle":"0x1",
       "seen_from_ns":"10","seen_to_ns":"20","absent_after_ns":"30"}]}],
    "obstacles":[
      {"hook":"tc","direction":"ingress","kind":"u32","ifname":"veth1","ifindex":2,
       "netns":"4026532213","netns_name":"blue","chain":0,"pref":49152,"handle":"0x1",
       "seen_from_ns":"10","seen_to_ns":"20","absent_after_ns":"30"}]})"));
  EXPECT_THAT(tables.Text(), HasSubstr("able to drop packets:\n\tu32 at tc ingress pref 49152 "));
}

TEST(ProgramTablesTest, ALaterDescriptionReplacesAnEarlierOneAndIdsCanComeTwice) {
  ProgramTables tables;
  ProgramInfo program = TcDrop();
  tables.OnProgram(program);
  program.unload_time_ns = 9'000'000'000;
  tables.OnProgram(program);
  program.load_time_ns += 1;  // another host, in a merged trace
  program.name = "other";
  tables.OnProgram(program);
  const Json json = tables.ToJson();
  ASSERT_EQ(json["programs"].size(), 2);
  EXPECT_EQ(json["programs"][0]["unloaded_ns"], "9000000000");
  EXPECT_EQ(json["programs"][1]["name"], "other");
  EXPECT_THAT(tables.Text(), HasSubstr("unloaded 9.000 s after boot"));
}

TEST(ProgramTablesTest, WhatIsUnknownIsSaidAsUnknown) {
  ProgramTables tables;
  ProgramInfo gone;
  gone.id = 7;
  gone.type = kUnknownProgramType;
  gone.functions = {{}};
  tables.OnProgram(gone);
  tables.OnAttachment(Ingress(10));  // program 100: nobody described it
  const std::string text = tables.Text();
  EXPECT_THAT(text, HasSubstr("7: type unknown\n\tgone before it could be looked at"));
  EXPECT_THAT(text, HasSubstr("\taddress unknown"));
  EXPECT_THAT(text, HasSubstr("(no name)"));
  EXPECT_THAT(text, HasSubstr("100: type unknown\n"));
  EXPECT_THAT(text, HasSubstr("tc ingress pref 49152 handle 0x1 on veth1 (netns blue)"));
  EXPECT_TRUE(tables.AddressesHidden());
  const Json json = tables.ToJson();
  EXPECT_FALSE(json["programs"][0].contains("type"));
  EXPECT_FALSE(json["programs"][0].contains("loaded_ns"));
  EXPECT_FALSE(json["programs"][0]["functions"][0].contains("address"));
}

TEST(ProgramTablesTest, HostileNames) {
  ProgramTables tables;
  ProgramInfo program = TcDrop();
  program.name = "a\x1b[2J\nb";
  program.functions[0].name = "\xff";
  tables.OnProgram(program);
  EXPECT_THAT(tables.Text(), Not(HasSubstr("\x1b")));
  EXPECT_NO_THROW(tables.ToJson().dump());
}

TEST(ProgramTablesTest, NoProgramAtAll) {
  const ProgramTables tables;
  EXPECT_EQ(tables.Text(), "");
  EXPECT_EQ(tables.ToJson().dump(), R"({"programs":[],"obstacles":[]})");
  EXPECT_FALSE(tables.AddressesHidden());
}

TEST(ProgramTablesTest, MapsAndWhoUsesThem) {
  ProgramTables tables;
  tables.OnProgram(TcDrop());
  MapInfo map;
  map.id = 4;
  map.type_name = "hash";
  map.name = "flows";
  map.key_size = 8;
  map.value_size = 16;
  map.max_entries = 1024;
  map.memlock_bytes = 90000;
  tables.OnMap(map);
  EXPECT_EQ(tables.MapsToJson(), Json::parse(R"({"maps":[{
    "id":4,"type":"hash","name":"flows","flags":0,"bytes_key":8,"bytes_value":16,
    "max_entries":1024,"bytes_memlock":"90000","frozen":0,"program_ids":[100]}]})"));
  EXPECT_THAT(tables.MapsText(), AllOf(HasSubstr("4: hash  name flows  flags 0x0\n"),
                                       HasSubstr("\tused by programs 100\n")));
}

}  // namespace
}  // namespace correlate
