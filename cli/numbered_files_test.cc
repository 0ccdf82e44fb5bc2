#include "cli/numbered_files.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NumberedFilesTest : public ::testing::Test {
 protected:
  NumberedFilesTest() : folder_(std::filesystem::path(testing::TempDir()) / "ring.XXXXXX") {
    std::string name = folder_.string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~NumberedFilesTest() override { std::filesystem::remove_all(folder_); }
  std::string Path() const { return folder_ / "x.pb"; }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  static void Make(NumberedFiles& files, int number) {
    for (int i = 0; i < number; ++i) {
      const auto writer = files.Next();
      ASSERT_TRUE(writer.ok()) << writer.status();
      ASSERT_TRUE((*writer)->Close().ok());
    }
  }
  std::filesystem::path folder_;
};

TEST_F(NumberedFilesTest, CountFromOne) {
  auto files = NumberedFiles::Open(Path(), 0);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->Describe(), "");
  Make(*files, 1);
  EXPECT_EQ(files->Describe(), Path() + ".000001");
  Make(*files, 2);
  EXPECT_EQ(files->Describe(), Path() + ".000001 to " + Path() + ".000003");
  EXPECT_THAT(Names(), ElementsAre("x.pb.000001", "x.pb.000002", "x.pb.000003"));
}

TEST_F(NumberedFilesTest, GoOnBehindWhatIsThere) {
  Put("x.pb.000009", "");
  Put("x.pb.1000000", "");
  auto files = NumberedFiles::Open(Path(), 0);
  ASSERT_TRUE(files.ok());
  Make(*files, 1);
  EXPECT_EQ(files->Last(), Path() + ".1000001");
}

TEST_F(NumberedFilesTest, TheOldestGoThoseOfEarlierRunsToo) {
  for (int run = 0; run < 2; ++run) {
    auto files = NumberedFiles::Open(Path(), 2);
    ASSERT_TRUE(files.ok());
    Make(*files, 3);
  }
  EXPECT_THAT(Names(), ElementsAre("x.pb.000005", "x.pb.000006"));
}

TEST_F(NumberedFilesTest, WhatIsNoTraceStays) {
  Put("x.pb.000001", "a letter to somebody, longer than the head of a chunk");
  Put("x.pb.00001", "");
  Put("x.pb.000001.gz", "");
  Put("other.000001", "");
  auto files = NumberedFiles::Open(Path(), 1);
  ASSERT_TRUE(files.ok());
  Make(*files, 3);
  EXPECT_THAT(Names(), ElementsAre("other.000001", "x.pb.000001", "x.pb.000001.gz", "x.pb.000004",
                                   "x.pb.00001"));
}

TEST_F(NumberedFilesTest, AFolderThatIsNotThere) {
  const auto files = NumberedFiles::Open(folder_ / "no" / "x.pb", 0);
  EXPECT_THAT(std::string(files.status().message()), HasSubstr("--output"));
}

}  // namespace
}  // namespace correlate
