#include "collector/program_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FakeNames : public BtfNames {
 public:
  std::string TypeName(uint32_t type_id) const override { return Find(types, type_id); }
  std::string String(uint32_t offset) const override { return Find(strings, offset); }

  std::map<uint32_t, std::string> types;
  std::map<uint32_t, std::string> strings;

 private:
  static std::string Find(const std::map<uint32_t, std::string>& map, uint32_t key) {
    const auto it = map.find(key);
    return it != map.end() ? it->second : "";
  }
};

template <typename Record>
void Append(std::vector<uint8_t>& bytes, const Record& record, size_t record_bytes) {
  const size_t at = bytes.size();
  bytes.resize(at + record_bytes, 0xee);  // what a newer kernel appends
  std::memcpy(bytes.data() + at, &record, sizeof record);
}

MATCHER_P3(Line, address, file, line, "") {
  return arg.address == static_cast<uint64_t>(address) && arg.file == file &&
         arg.line == static_cast<uint32_t>(line);
}

RawProgramInfo TwoFunctions() {
  RawProgramInfo raw;
  raw.info.id = 42;
  raw.info.type = BPF_PROG_TYPE_SCHED_CLS;
  raw.info.btf_id = 7;
  raw.info.created_by_uid = 1000;
  std::memcpy(raw.info.name, "main_with_a_nam", 16);
  std::memcpy(raw.info.tag, "\1\2\3\4\5\6\7\x8", 8);
  raw.jited_ksyms = {0xffffffffc0001000, 0xffffffffc0002000};
  raw.jited_func_lens = {0x80, 0x40};
  raw.prog_tags = {BpfTag{9, 9, 9, 9, 9, 9, 9, 9}, BpfTag{8, 8, 8, 8, 8, 8, 8, 8}};
  raw.map_ids = {3, 5};
  return raw;
}

TEST(DecodeProgramTest, WithBtf) {
  RawProgramInfo raw = TwoFunctions();
  raw.info.func_info_rec_size = sizeof(bpf_func_info) + 4;
  Append(raw.func_info, bpf_func_info{.insn_off = 0, .type_id = 1}, raw.info.func_info_rec_size);
  Append(raw.func_info, bpf_func_info{.insn_off = 9, .type_id = 2}, raw.info.func_info_rec_size);
  raw.info.line_info_rec_size = sizeof(bpf_line_info) + 16;
  const auto add_line = [&](uint32_t file, uint32_t line, uint32_t column, uint64_t address) {
    Append(raw.line_info, bpf_line_info{.file_name_off = file, .line_col = line << 10 | column},
           raw.info.line_info_rec_size);
    raw.jited_line_info.push_back(address);
  };
  add_line(100, 10, 1, 0xffffffffc0001000);
  add_line(100, 10, 7, 0xffffffffc0001008);  // another column of the same line
  add_line(100, 11, 1, 0xffffffffc0001010);
  add_line(100, 12, 1, 0xffffffffc0001010);  // 11 emitted nothing
  add_line(100, 12, 1, 0xffffffffc0002000);  // the next function, inlined from the same line
  add_line(200, 70000, 1, 0xffffffffc0002010);
  add_line(200, 70001, 1, 0);  // not JITed
  FakeNames names;
  names.types = {{1, "main_with_a_name_of_more_than_fifteen"}, {2, "helper"}};
  names.strings = {{100, "a.c"}, {200, "b.h"}};

  const ProgramInfo program = DecodeProgram(raw, &names, 12345);
  EXPECT_EQ(program.id, 42);
  EXPECT_EQ(program.type, BPF_PROG_TYPE_SCHED_CLS);
  EXPECT_EQ(program.type_name, "sched_cls");
  EXPECT_EQ(program.name, "main_with_a_name_of_more_than_fifteen");
  EXPECT_EQ(program.tag, (BpfTag{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(program.load_time_ns, 12345);
  EXPECT_EQ(program.unload_time_ns, kForever);
  EXPECT_EQ(program.uid, 1000);
  EXPECT_EQ(program.btf_id, 7);
  EXPECT_THAT(program.map_ids, ElementsAre(3, 5));
  EXPECT_TRUE(program.opened);
  EXPECT_FALSE(program.ours);

  ASSERT_EQ(program.functions.size(), 2);
  EXPECT_EQ(program.functions[0].name, "main_with_a_name_of_more_than_fifteen");
  EXPECT_EQ(program.functions[0].address, 0xffffffffc0001000);
  EXPECT_EQ(program.functions[0].length_bytes, 0x80);
  EXPECT_EQ(program.functions[0].tag, program.tag);  // not prog_tags[0]
  EXPECT_EQ(program.functions[1].name, "helper");
  EXPECT_EQ(program.functions[1].address, 0xffffffffc0002000);
  EXPECT_EQ(program.functions[1].length_bytes, 0x40);
  EXPECT_EQ(program.functions[1].tag, (BpfTag{8, 8, 8, 8, 8, 8, 8, 8}));

  EXPECT_THAT(
      program.lines,
      ElementsAre(Line(0xffffffffc0001000, "a.c", 10), Line(0xffffffffc0001010, "a.c", 12),
                  Line(0xffffffffc0002000, "a.c", 12), Line(0xffffffffc0002010, "b.h", 70000)));
}

TEST(DecodeProgramTest, WithoutBtf) {
  const ProgramInfo program = DecodeProgram(TwoFunctions(), nullptr, 1);
  EXPECT_EQ(program.name, "main_with_a_nam");
  ASSERT_EQ(program.functions.size(), 2);
  EXPECT_EQ(program.functions[0].name, "main_with_a_nam");
  EXPECT_EQ(program.functions[1].name, "");
  EXPECT_THAT(program.lines, IsEmpty());
}

TEST(DecodeProgramTest, WithoutTheRightToSeeAddresses) {
  RawProgramInfo raw = TwoFunctions();
  raw.jited_ksyms.clear();
  raw.jited_line_info = {0, 0};
  raw.info.line_info_rec_size = sizeof(bpf_line_info);
  raw.line_info.resize(2 * sizeof(bpf_line_info));
  const FakeNames names;
  const ProgramInfo program = DecodeProgram(raw, &names, 1);
  ASSERT_EQ(program.functions.size(), 2);
  EXPECT_EQ(program.functions[0].address, 0);
  EXPECT_EQ(program.functions[1].address, 0);
  EXPECT_THAT(program.lines, IsEmpty());
}

TEST(DecodeProgramTest, NothingKnownButTheProgram) {
  RawProgramInfo raw;
  raw.info.type = 9999;
  std::memset(raw.info.name, 'x', sizeof raw.info.name);  // no end
  raw.info.func_info_rec_size = 2;                        // shorter than any record
  raw.func_info = {1, 2, 3, 4};
  const FakeNames names;
  const ProgramInfo program = DecodeProgram(raw, &names, 1);
  EXPECT_EQ(program.type_name, "type_9999");
  EXPECT_EQ(program.name, std::string(16, 'x'));
  EXPECT_EQ(program.functions.size(), 1);
}

}  // namespace
}  // namespace correlate
