#include "render/text.h"

#include "gtest/gtest.h"

namespace correlate {
namespace {

TEST(Text, ControlCharactersAndBrokenUtf8BecomeVisible) {
  EXPECT_EQ(Printable("veth1"), "veth1");
  EXPECT_EQ(Printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(Printable("\xc3\xa4"), "\xc3\xa4");
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(Printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");           // C1: CSI
}

TEST(Text, ValidUtf8KeepsWhatIsValid) {
  EXPECT_EQ(ValidUtf8("a\xff"
                      "b\xc3\xa4"),
            "a\xef\xbf\xbd"
            "b\xc3\xa4");
  EXPECT_EQ(ValidUtf8("\xf4\x90\x80\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Text, TablesAlignByDisplayWidth) {
  TextTable table({TextTable::Align::kLeft, TextTable::Align::kRight, TextTable::Align::kLeft});
  table.AddRow({"NAME", "N", ""});
  table.AddRow({"\xe4\xb8\xad", "1", "x"});
  table.AddRow({"long name", "1,000"});
  EXPECT_EQ(table.Render(),
            "NAME           N\n"
            "\xe4\xb8\xad             1  x\n"
            "long name  1,000\n");
}

}  // namespace
}  // namespace correlate
