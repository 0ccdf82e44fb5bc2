#include "base/errno_status.h"

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::HasSubstr;

TEST(ErrnoStatus, NamesObjectReasonAndNextStep) {
  const absl::Status status = ErrnoStatus(EACCES, "open tracefs");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("open tracefs: Permission denied"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("run as root"));
}

TEST(ErrnoStatus, TheCallersAdviceWins) {
  const absl::Status status = ErrnoStatus(EACCES, "perf_event_open", "needs CAP_PERFMON");
  EXPECT_EQ(std::string(status.message()), "perf_event_open: Permission denied; needs CAP_PERFMON");
}

TEST(ErrnoStatus, NoAdviceIsBetterThanEmptyAdvice) {
  EXPECT_EQ(std::string(ErrnoStatus(ENOENT, "x").message()), "x: No such file or directory");
}

}  // namespace
}  // namespace correlate
