#include "collector/enricher.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace correlate {
namespace {

class EnricherTest : public testing::TestWithParam<Enricher::Tracepoints> {};

TEST_P(EnricherTest, LoadsWithEverythingItHas) {
  if (geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  for (const bool everything : {false, true}) {
    Enricher::Options options;
    options.tracepoints = GetParam();
    options.count_runs = options.join_exits = everything;
    const auto enricher = Enricher::Load(options);
    ASSERT_TRUE(enricher.ok()) << enricher.status();
    EXPECT_EQ((*enricher)->program_ids().size(), everything ? 6u : 5u);
    // Twice: a benchmark attaches again and again.
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE((*enricher)->Attach({"skb:kfree_skb", "xdp:xdp_exception"}).ok());
      (*enricher)->Detach();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EnricherTest,
                         testing::Values(Enricher::Tracepoints::kTyped,
                                         Enricher::Tracepoints::kRaw));

}  // namespace
}  // namespace correlate
