#include "disassembly/jit_log.h"

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTwo[] =
    "[ 3389.935842] flen=3 proglen=20 pass=3 image=ffffffffa0069c8f from=tcpdump pid=20583\n"
    "[ 3389.935847] JIT code: 00000000: 55 48 89 e5 48 83 ec 60 48 89 5d f8 44 8b 4f 68\n"
    "[ 3389.935849] JIT code: 00000010: 44 2b 4f 6c\n"
    "[ 3389.940000] something else\n"
    "<3>flen=1 proglen=2 pass=1 image=00000000c0001000 from=a b pid=7\r\n"
    "JIT code: 00000000: c9 c3\r\n";

TEST(JitLogTest, SeveralImages) {
  const JitLog log = ParseJitLog(kTwo);
  EXPECT_THAT(log.errors, IsEmpty());
  ASSERT_EQ(log.images.size(), 2);
  EXPECT_EQ(log.images[0].instructions, 3);
  EXPECT_EQ(log.images[0].pass, 3);
  EXPECT_EQ(log.images[0].address, 0xffffffffa0069c8f);
  EXPECT_EQ(log.images[0].from, "tcpdump");
  EXPECT_EQ(log.images[0].pid, 20583);
  EXPECT_TRUE(log.images[0].whole());
  EXPECT_EQ(log.images[0].code.substr(16), "\x44\x2b\x4f\x6c");
  EXPECT_EQ(log.images[1].line, 5);
  EXPECT_EQ(log.images[1].code, "\xc9\xc3");
}

// Of Linux 6.12, which hides where the code stood.
TEST(JitLogTest, ARealLog) {
  const auto text = ReadFile("disassembly/testdata/jit_log_6.12.txt");
  ASSERT_TRUE(text.ok());
  const JitLog log = ParseJitLog(*text);
  EXPECT_THAT(log.errors, IsEmpty());
  ASSERT_EQ(log.images.size(), 3);
  for (const JitLogImage& image : log.images) {
    EXPECT_TRUE(image.whole());
    EXPECT_EQ(image.address, 0);
    EXPECT_EQ(image.from, "bpftool");
  }
}

TEST(JitLogTest, NothingInIt) {
  EXPECT_THAT(ParseJitLog("").images, IsEmpty());
  EXPECT_THAT(ParseJitLog("a\nb\n").errors, IsEmpty());
}

TEST(JitLogTest, WhatIsCutIsSaid) {
  const std::string text = kTwo;
  const auto errors = [](const std::string& log) { return ParseJitLog(log).errors; };
  // The last line is missing.
  EXPECT_THAT(errors(text.substr(0, text.find("[ 3389.935849]"))),
              ElementsAre(HasSubstr("ends after 16 of 20 bytes")));
  // The line in the middle of a program.
  std::string missing = text;
  missing.erase(missing.find("[ 3389.935847]"),
                missing.find("[ 3389.935849]") - missing.find("[ 3389.935847]"));
  EXPECT_THAT(errors(missing), ElementsAre(HasSubstr("line 2: code at offset 0x10")));
  // A line that ends early.
  std::string cut = text;
  cut.replace(cut.find(" 4f 68\n"), 6, "");
  EXPECT_THAT(errors(cut), ElementsAre(HasSubstr("line 2: code that is cut")));
  // The head is missing.
  EXPECT_THAT(errors(text.substr(text.find("[ 3389.935847]"))),
              ElementsAre(HasSubstr("line 1: code of a program whose head is missing"),
                          HasSubstr("line 2: ")));
  EXPECT_THAT(errors("flen=3 pass=3 image=ffffffffa0069c8f\n"), ElementsAre(HasSubstr("proglen")));
  EXPECT_THAT(errors("flen=3 proglen=4294967295 pass=3 image=1\n"),
              ElementsAre(HasSubstr("more than a program can be")));
}

TEST(JitLogTest, InterleavedProgramsAreSaid) {
  const JitLog log = ParseJitLog(
      "flen=3 proglen=20 pass=3 image=a000 from=a pid=1\n"
      "flen=1 proglen=2 pass=1 image=b000 from=b pid=2\n"
      "JIT code: 00000000: 55 48 89 e5 48 83 ec 60 48 89 5d f8 44 8b 4f 68\n"
      "JIT code: 00000000: c9 c3\n");
  EXPECT_THAT(log.errors, ElementsAre(HasSubstr("line 2: the program of line 1 ends after 0 of 20"),
                                      HasSubstr("line 3: ")));
}

}  // namespace
}  // namespace correlate
