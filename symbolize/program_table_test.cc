#include "symbolize/program_table.h"

#include <string>

#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kAddress = 0xffffffffc0001000;

ProgramInfo Program(uint32_t id, uint64_t load_ns, uint64_t address, const std::string& name) {
  ProgramInfo info;
  info.id = id;
  info.type = 3;
  info.type_name = "sched_cls";
  info.name = name;
  info.tag = {1, 2, 3, 4, 5, 6, 7, 8};
  info.load_time_ns = load_ns;
  info.opened = true;
  info.functions = {{.address = address, .length_bytes = 100, .name = name, .tag = info.tag}};
  return info;
}

KsymbolRecord Ksymbol(uint64_t time_ns, uint64_t address, const std::string& name,
                      bool unregister = false) {
  return {.time_ns = time_ns,
          .cpu = 0,
          .address = address,
          .length_bytes = 100,
          .bpf = true,
          .unregister = unregister,
          .name = name};
}

BpfProgramRecord Load(uint64_t time_ns, uint32_t id, bool load = true) {
  return {.time_ns = time_ns,
          .cpu = 0,
          .load = load,
          .program_id = id,
          .tag = {1, 2, 3, 4, 5, 6, 7, 8}};
}

class ProgramTableTest : public ::testing::Test {
 protected:
  // "id function" of what stands at the address then; "" when nothing does.
  std::string At(uint64_t address, uint64_t time_ns) {
    ProgramTable::Place place;
    if (!table_.Lookup(address, time_ns, /*return_address=*/false, &place)) return "";
    return std::to_string(place.program != nullptr ? place.program->id : 0) + " " + place.function;
  }

  ProgramTable table_;
};

TEST_F(ProgramTableTest, AProgramIsThereFromItsLoadOn) {
  table_.AddProgram(Program(7, 1000, kAddress, "decide"));
  EXPECT_EQ(At(kAddress, 1000), "7 decide");
  EXPECT_EQ(At(kAddress + 99, 5000), "7 decide");
  EXPECT_EQ(At(kAddress + 100, 5000), "");
  EXPECT_EQ(At(kAddress, 999), "");
}

TEST_F(ProgramTableTest, AReusedAddressBelongsToWhoeverStoodThereThen) {
  table_.AddProgram(Program(7, 1000, kAddress, "old"));
  table_.OnBpfProgram(Load(2000, 7, /*load=*/false));
  table_.OnKsymbol(Ksymbol(2001, kAddress, "bpf_prog_0102030405060708_old", true));
  // A look at the new one may come before its records.
  table_.AddProgram(Program(8, 3000, kAddress, "new"));
  table_.OnKsymbol(Ksymbol(3001, kAddress, "bpf_prog_0102030405060708_new"));
  table_.OnBpfProgram(Load(3002, 8));
  EXPECT_EQ(At(kAddress, 1500), "7 old");
  EXPECT_EQ(At(kAddress, 2500), "");
  EXPECT_EQ(At(kAddress, 3500), "8 new");
}

TEST_F(ProgramTableTest, WhatPerfFoundIsTheProgramThatItsFileTellsMoreOf) {
  table_.AddProgram(Program(7, 5000, kAddress, "decide"));
  table_.AddProgram(Program(8, 9000, kAddress, "new"));
  // perf's own names for them have another tag.
  table_.OnKsymbol(Ksymbol(0, kAddress, "bpf_prog_ffffffffffffffff_decide"));
  table_.OnBpfProgram(Load(0, 7));
  table_.OnBpfProgram(Load(8000, 7, /*load=*/false));
  table_.OnKsymbol(Ksymbol(8001, kAddress, "bpf_prog_ffffffffffffffff_decide", true));
  EXPECT_EQ(table_.programs().size(), 2u);
  EXPECT_EQ(At(kAddress, 1000), "7 decide");
  EXPECT_EQ(At(kAddress, 6000), "7 decide");
  EXPECT_EQ(At(kAddress, 8500), "");
  EXPECT_EQ(At(kAddress, 9500), "8 new");
}

TEST_F(ProgramTableTest, OneObjectLoadedTwiceStaysTwoPrograms) {
  table_.AddProgram(Program(7, 1000, kAddress, "decide"));
  table_.AddProgram(Program(8, 1000, kAddress + 0x1000, "decide"));
  EXPECT_EQ(At(kAddress, 2000), "7 decide");
  EXPECT_EQ(At(kAddress + 0x1000, 2000), "8 decide");
}

TEST_F(ProgramTableTest, AProgramThatNobodyCouldOpenKeepsNameAndTag) {
  table_.OnKsymbol(Ksymbol(1000, kAddress, "bpf_prog_0102030405060708_brief"));
  table_.OnKsymbol(Ksymbol(1000, kAddress + 0x200, "bpf_prog_1111111111111111_helper"));
  const ProgramInfo* program = table_.OnBpfProgram(Load(1001, 9));
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->name, "brief");
  EXPECT_FALSE(program->opened);
  EXPECT_EQ(program->type, kUnknownProgramType);
  EXPECT_EQ(At(kAddress + 4, 1500), "9 brief");
  EXPECT_EQ(At(kAddress + 0x204, 1500), "9 helper");
  table_.OnBpfProgram(Load(2000, 9, /*load=*/false));
  table_.OnKsymbol(Ksymbol(2001, kAddress, "", true));
  EXPECT_EQ(At(kAddress + 4, 1500), "9 brief");
  EXPECT_EQ(At(kAddress + 4, 2500), "");
}

TEST_F(ProgramTableTest, WhoLoadedItIsKeptWhateverComesFirst) {
  BpfProgramRecord record = Load(1000, 7);
  record.pid = 42;
  EXPECT_EQ(table_.OnBpfProgram(record, "loader")->loader_comm, "loader");
  // A look that came too late to see the loader.
  ProgramInfo look = Program(7, 990, kAddress, "decide");
  const ProgramInfo* program = table_.AddProgram(look);
  EXPECT_EQ(program->loader_pid, 42);
  EXPECT_EQ(program->loader_comm, "loader");
  // One that came in time, before the record was read.
  look = Program(8, 2000, kAddress + 0x1000, "other");
  look.loader_pid = 43;
  look.loader_comm = "other loader";
  look.loader_cgroup = "/system.slice";
  table_.AddProgram(look);
  record = Load(2001, 8);
  record.pid = 43;
  program = table_.OnBpfProgram(record, "");
  EXPECT_EQ(program->loader_comm, "other loader");
  EXPECT_EQ(program->loader_cgroup, "/system.slice");
  // And pins that a look does not tell stay.
  look.pins = {"/sys/fs/bpf/other"};
  table_.AddProgram(look);
  look.pins.clear();
  EXPECT_EQ(table_.AddProgram(look)->pins.size(), 1u);
}

TEST_F(ProgramTableTest, ALookAfterTheRecordsAddsWhatTheyLacked) {
  table_.OnKsymbol(Ksymbol(1000, kAddress, "bpf_prog_0102030405060708_decide"));
  table_.OnBpfProgram(Load(1001, 7));
  table_.AddProgram(Program(7, 990, kAddress, "decide"));
  EXPECT_EQ(table_.programs().size(), 1u);
  EXPECT_EQ(table_.Find(7, 1500)->type_name, "sched_cls");
  EXPECT_EQ(At(kAddress, 1500), "7 decide");
}

TEST_F(ProgramTableTest, AfterALossAProgramIsUnknownUntilALookSeesItAgain) {
  table_.AddProgram(Program(7, 1000, kAddress, "decide"));
  table_.OnSideBandLoss(2000);
  EXPECT_EQ(At(kAddress, 1999), "7 decide");
  ProgramTable::Place place;
  ASSERT_TRUE(table_.Lookup(kAddress, 2000, false, &place));
  EXPECT_EQ(place.program, nullptr);  // another one may stand there by now
  table_.AddProgram(Program(7, 1000, kAddress, "decide"));
  EXPECT_EQ(At(kAddress, 2500), "7 decide");
  // One that had ended before keeps what it was.
  table_.OnKsymbol(Ksymbol(3000, kAddress, "", true));
  table_.OnSideBandLoss(2500);
  EXPECT_EQ(At(kAddress, 2900), "7 decide");
}

TEST_F(ProgramTableTest, ATrampolineIsNoFunctionOfTheNextProgram) {
  table_.OnKsymbol(Ksymbol(1000, kAddress + 0x5000, "bpf_trampoline_6442536467"));
  table_.OnKsymbol(Ksymbol(1001, kAddress, "bpf_prog_0102030405060708_decide"));
  const ProgramInfo* program = table_.OnBpfProgram(Load(1002, 7));
  EXPECT_EQ(program->functions.size(), 1u);
  ProgramTable::Place place;
  ASSERT_TRUE(table_.Lookup(kAddress + 0x5000, 1500, false, &place));
  EXPECT_EQ(place.kind, FrameKind::kBpfTrampoline);
  EXPECT_EQ(place.program, nullptr);
}

TEST_F(ProgramTableTest, AReturnAddressBelongsToTheLineOfItsCall) {
  ProgramInfo info = Program(7, 1000, kAddress, "decide");
  info.lines = {{kAddress, "tcdrop.c", 8}, {kAddress + 20, "tcdrop.c", 9}};
  table_.AddProgram(info);
  ProgramTable::Place place;
  ASSERT_TRUE(table_.Lookup(kAddress + 20, 2000, /*return_address=*/true, &place));
  EXPECT_EQ(place.line, 8u);
  ASSERT_TRUE(table_.Lookup(kAddress + 20, 2000, /*return_address=*/false, &place));
  EXPECT_EQ(place.line, 9u);
  // A call can be the last instruction of all.
  ASSERT_TRUE(table_.Lookup(kAddress + 100, 2000, /*return_address=*/true, &place));
  EXPECT_EQ(place.line, 9u);
}

TEST_F(ProgramTableTest, AnIdGivenTwiceMeansTheOneOfThatTime) {
  table_.AddProgram(Program(7, 1000, kAddress, "first"));
  table_.OnBpfProgram(Load(2'000'000'000, 7, /*load=*/false));
  table_.AddProgram(Program(7, 3'000'000'000, kAddress + 0x1000, "second"));
  EXPECT_EQ(table_.Find(7, 1500)->name, "first");
  EXPECT_EQ(table_.Find(7, 4'000'000'000)->name, "second");
  EXPECT_EQ(table_.Find(7, 2'500'000'000), nullptr);
}

TEST_F(ProgramTableTest, WhatEndedBeforeIsForgotten) {
  table_.AddProgram(Program(7, 1000, kAddress, "old"));
  table_.OnBpfProgram(Load(2000, 7, /*load=*/false));
  table_.OnKsymbol(Ksymbol(2001, kAddress, "bpf_prog_0102030405060708_old", true));
  table_.AddProgram(Program(8, 1000, kAddress + 4096, "stays"));
  // Word of its text's end never came.
  table_.AddProgram(Program(9, 1000, kAddress + 8192, "half"));
  table_.OnBpfProgram(Load(2000, 9, /*load=*/false));
  table_.Forget(2000);
  EXPECT_EQ(At(kAddress, 1500), "7 old") << "not before then";
  const uint64_t generation = table_.generation();
  table_.Forget(3000);
  EXPECT_NE(table_.generation(), generation);
  EXPECT_EQ(At(kAddress, 1500), "");
  EXPECT_EQ(table_.Find(7, 1500), nullptr);
  EXPECT_EQ(At(kAddress + 4096, 5000), "8 stays");
  EXPECT_EQ(At(kAddress + 8192, 5000), "0 half");
  EXPECT_EQ(table_.programs().size(), 1);
  EXPECT_EQ(table_.ever(), 3);
}

}  // namespace
}  // namespace correlate
