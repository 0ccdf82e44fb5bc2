#include "symbolize/sampled_stacks.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::HasSubstr;

class SampledStacksTest : public ::testing::Test {
 protected:
  static Attribution Freed(uint32_t id, uint32_t line = 7, uint64_t load_time_ns = 1) {
    Attribution attribution;
    attribution.evidence = Evidence::kStack;
    attribution.verdict = "NOT_SPECIFIED";
    attribution.programs = {
        {.id = id, .load_time_ns = load_time_ns, .function = "f", .file = "a.c", .line = line}};
    return attribution;
  }
  static Attribution Nobody() {
    Attribution attribution;
    attribution.why = "no callchain was recorded";
    return attribution;
  }
  Attribution Of(const EventKind& kind) const { return sampled_.Of(kind, Nobody()); }
  const EventKind kind_ = {.location = 0x1234, .reason = 2, .ifindex = 4};
  SampledStacks sampled_;
};

TEST_F(SampledStacksTest, AllChainsOfTheKindNameOne) {
  EXPECT_EQ(Of(kind_).evidence, Evidence::kNone);
  EXPECT_EQ(sampled_.Version(kind_), 0u);
  sampled_.Add(kind_, Freed(10));
  sampled_.Add(kind_, Freed(10));
  const Attribution a = Of(kind_);
  EXPECT_EQ(a.evidence, Evidence::kSampled);
  EXPECT_EQ(a.verdict, "NOT_SPECIFIED");
  ASSERT_EQ(a.programs.size(), 1u);
  EXPECT_EQ(a.programs[0].id, 10u);
  EXPECT_EQ(a.programs[0].line, 7u);
}

TEST_F(SampledStacksTest, AnotherKindIsNobodysGuess) {
  sampled_.Add(kind_, Freed(10));
  for (EventKind other :
       {EventKind{.location = 1, .reason = 2, .ifindex = 4},
        EventKind{.location = 0x1234, .ifindex = 4}, EventKind{.location = 0x1234, .reason = 2}}) {
    EXPECT_EQ(Of(other).evidence, Evidence::kNone);
  }
}

TEST_F(SampledStacksTest, AnotherProgramEndsIt) {
  for (const Attribution& other : {Freed(11), Freed(10, 7, /*load_time_ns=*/2), Nobody()}) {
    SampledStacks sampled;
    sampled.Add(kind_, Freed(10));
    const uint64_t before = sampled.Version(kind_);
    sampled.Add(kind_, other);
    EXPECT_NE(sampled.Version(kind_), before);
    EXPECT_EQ(sampled.Of(kind_, Nobody()).evidence, Evidence::kNone);
    sampled.Add(kind_, Freed(10));
    EXPECT_EQ(sampled.Of(kind_, Nobody()).evidence, Evidence::kNone) << "for good";
  }
}

TEST_F(SampledStacksTest, ANobodyFirstIsRememberedToo) {
  sampled_.Add(kind_, Nobody());
  EXPECT_THAT(Of(kind_).why, HasSubstr("show no BPF program"));
  sampled_.Add(kind_, Freed(10));
  EXPECT_EQ(Of(kind_).evidence, Evidence::kNone);
}

TEST_F(SampledStacksTest, TwoLinesOfOneProgramNameTheProgramAlone) {
  sampled_.Add(kind_, Freed(10, 7));
  sampled_.Add(kind_, Freed(10, 8));
  sampled_.Add(kind_, Freed(10, 7));
  const Attribution a = Of(kind_);
  EXPECT_EQ(a.evidence, Evidence::kSampled);
  EXPECT_EQ(a.programs.at(0).id, 10u);
  EXPECT_EQ(a.programs[0].function, "");
  EXPECT_EQ(a.programs[0].line, 0u);
}

TEST_F(SampledStacksTest, AnswersThatStayTheSameKeepTheirVersion) {
  sampled_.Add(kind_, Freed(10));
  const uint64_t version = sampled_.Version(kind_);
  sampled_.Add(kind_, Freed(10));
  EXPECT_EQ(sampled_.Version(kind_), version);
}

}  // namespace
}  // namespace correlate
