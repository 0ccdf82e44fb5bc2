#include "proto/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace correlate {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, KnownValues) {
  std::string rising(32, '\0');
  std::string falling(32, '\0');
  for (size_t i = 0; i < 32; ++i) {
    rising[i] = static_cast<char>(i);
    falling[i] = static_cast<char>(31 - i);
  }
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(ExtendCrc32c(0, rising), 0x46dd794eu);
  EXPECT_EQ(ExtendCrc32c(0, falling), 0x113fdb5cu);
  EXPECT_EQ(ExtendCrc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(ExtendCrc32c(0, ""), 0u);
}

TEST(Crc32c, ContinuesWhereItStopped) {
  const std::string bytes = "a text that is longer than eight bytes, and no multiple of them";
  const uint32_t whole = ExtendCrc32c(0, bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const absl::string_view view(bytes);
    EXPECT_EQ(ExtendCrc32c(ExtendCrc32c(0, view.substr(0, cut)), view.substr(cut)), whole) << cut;
  }
}

}  // namespace
}  // namespace correlate
