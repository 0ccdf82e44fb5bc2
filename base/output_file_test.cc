#include "base/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"

namespace correlate {
namespace {

using testing::HasSubstr;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string name = testing::TempDir() + "/output_file_XXXXXX";
    folder_ = mkdtemp(name.data());
    chmod(folder_.c_str(), 01777);
  }
  ~OutputFileTest() override {
    for (const char* name : {"/link", "/file", "/target"}) unlink((folder_ + name).c_str());
    rmdir(folder_.c_str());
  }
  void Write(const std::string& path, const std::string& text) {
    const ScopedFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    ASSERT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string folder_;
};

TEST_F(OutputFileTest, IsMadeReplacedContinued) {
  const std::string path = folder_ + "/file";
  ASSERT_TRUE(OpenOutputFile(path, Existing::kReplace, 0600).ok());
  struct stat about = {};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  Write(path, "before");
  ASSERT_TRUE(OpenOutputFile(path, Existing::kContinue, 0600).ok());
  EXPECT_EQ(*ReadFile(path), "before");
  ASSERT_TRUE(OpenOutputFile(path, Existing::kReplace, 0600).ok());
  EXPECT_EQ(*ReadFile(path), "");
}

TEST_F(OutputFileTest, ALinkWhereEverybodyMayWriteIsNotFollowed) {
  Write(folder_ + "/target", "kept");
  ASSERT_EQ(symlink((folder_ + "/target").c_str(), (folder_ + "/link").c_str()), 0);
  const auto refused = OpenOutputFile(folder_ + "/link", Existing::kReplace, 0600);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(refused.status().message(), HasSubstr("link"));
  EXPECT_EQ(*ReadFile(folder_ + "/target"), "kept");
  // In a folder of ours it is.
  chmod(folder_.c_str(), 0755);
  EXPECT_TRUE(OpenOutputFile(folder_ + "/link", Existing::kReplace, 0600).ok());
  EXPECT_EQ(*ReadFile(folder_ + "/target"), "");
}

TEST_F(OutputFileTest, AFileOfSomebodyElseWhereEverybodyMayWriteIsNotTaken) {
  if (geteuid() != 0) GTEST_SKIP() << "giving a file away needs root";
  const std::string path = folder_ + "/file";
  Write(path, "his");
  ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
  const auto refused = OpenOutputFile(path, Existing::kReplace, 0600);
  EXPECT_THAT(refused.status().message(), HasSubstr("belongs to user 65534"));
  EXPECT_EQ(*ReadFile(path), "his");
}

TEST_F(OutputFileTest, NamesOfEveryKind) {
  EXPECT_FALSE(OpenOutputFile(folder_ + "/none/file", Existing::kReplace, 0600).ok());
  EXPECT_FALSE(OpenOutputFile(folder_ + "/", Existing::kReplace, 0600).ok());
  EXPECT_FALSE(OpenOutputFile("", Existing::kReplace, 0600).ok());
  EXPECT_TRUE(OpenOutputFile("/dev/null", Existing::kReplace, 0600).ok());
  ASSERT_EQ(chdir(folder_.c_str()), 0);
  EXPECT_TRUE(OpenOutputFile("file", Existing::kReplace, 0600).ok());
  EXPECT_EQ(access((folder_ + "/file").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace correlate
