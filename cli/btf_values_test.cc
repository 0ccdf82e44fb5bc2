#include "cli/btf_values.h"

#include <bpf/btf.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

// Types as a trace holds them: `make` adds to them.
template <typename Make>
std::unique_ptr<BtfValues> Types(Make make) {
  const std::unique_ptr<btf, void (*)(btf*)> types(btf__new_empty(), btf__free);
  make(types.get());
  uint32_t size = 0;
  const void* data = btf__raw_data(types.get(), &size);
  return *BtfValues::Parse(std::string(static_cast<const char*>(data), size));
}

TEST(BtfValues, MembersByName) {
  const auto types = Types([](btf* btf) {
    ASSERT_EQ(btf__add_int(btf, "int", 4, BTF_INT_SIGNED), 1);
    ASSERT_EQ(btf__add_struct(btf, "pair", 8), 2);
    ASSERT_EQ(btf__add_field(btf, "first", 1, 0, 0), 0);
    ASSERT_EQ(btf__add_field(btf, "second", 1, 32, 0), 0);
  });
  const std::string bytes("\xff\xff\xff\xff\x07\0\0\0", 8);
  EXPECT_EQ(types->Format(2, bytes).dump(), R"({"first":-1,"second":7})");
  EXPECT_EQ(types->Format(2, bytes.substr(0, 4)).dump(), R"({"first":-1,"second":null})");
}

// As no compiler makes them: each level has the next one eight times, 8^32 values in all.
TEST(BtfValues, TypesThatHoldThemselvesEnd) {
  const auto types = Types([](btf* btf) {
    ASSERT_EQ(btf__add_struct(btf, "self", 8), 1);
    for (int i = 0; i < 8; ++i) {
      ASSERT_EQ(btf__add_field(btf, ("member" + std::to_string(i)).c_str(), 1, 0, 0), 0);
    }
  });
  const std::string text = types->Format(1, std::string(8, '\1')).dump();
  EXPECT_THAT(text, testing::StartsWith(R"({"member0":{"member0":)"));
  EXPECT_LT(text.size(), size_t{16} << 20);
}

TEST(BtfValues, NoBtf) { EXPECT_FALSE(BtfValues::Parse("no types").ok()); }

}  // namespace
}  // namespace correlate
