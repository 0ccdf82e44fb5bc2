#include "collector/exit_tracer.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <utility>

#include "base/scoped_fd.h"
#include "collector/enricher.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

bool IsLoaded(uint32_t program_id) { return ScopedFd(bpf_prog_get_fd_by_id(program_id)).valid(); }

class ExitTracerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto enricher = Enricher::Load({.join_exits = true});
    ASSERT_TRUE(enricher.ok()) << enricher.status();
    enricher_ = std::move(enricher).value();
    auto tracer = ExitTracer::Open(enricher_->exit_notes_fd());
    if (!tracer.ok()) GTEST_SKIP() << "no trampolines here: " << tracer.status();
    tracer_ = std::move(tracer).value();
    ASSERT_TRUE(tracer_->notes().empty()) << tracer_->notes()[0];
  }
  std::unique_ptr<Enricher> enricher_;
  std::unique_ptr<ExitTracer> tracer_;
};

TEST_F(ExitTracerTest, LetsGoOfWhatNobodyElseHolds) {
  ScopedFd kept = LoadWithSubprogram(BPF_PROG_TYPE_SCHED_CLS, 2, "kept");
  ScopedFd closed = LoadWithSubprogram(BPF_PROG_TYPE_XDP, 1, "closed");
  const uint32_t kept_id = ProgramId(kept);
  const uint32_t closed_id = ProgramId(closed);
  tracer_->Follow({kept_id, closed_id});
  ASSERT_TRUE(tracer_->Follows(kept_id) && tracer_->Follows(closed_id));
  uint64_t now_ns = 0;
  tracer_->LetGoOfUnheld(now_ns += 10'000'000'000);
  EXPECT_TRUE(tracer_->Follows(kept_id) && tracer_->Follows(closed_id)) << "held by this test";

  closed = ScopedFd();
  EXPECT_TRUE(IsLoaded(closed_id)) << "the fexit program does not hold it: this test tells nothing";
  tracer_->LetGoOfUnheld(now_ns += 10'000'000'000);
  EXPECT_TRUE(tracer_->Follows(kept_id));
  EXPECT_FALSE(tracer_->Follows(closed_id));
  EXPECT_FALSE(IsLoaded(closed_id));
  EXPECT_TRUE(tracer_->Counts().contains(closed_id)) << "its counts are not lost";

  tracer_->Follow({kept_id, closed_id});  // what tables say that do not know yet
  EXPECT_TRUE(tracer_->notes().empty()) << tracer_->notes()[0];
}

TEST_F(ExitTracerTest, AsksNoMoreOftenThanItSays) {
  ScopedFd program = LoadWithSubprogram(BPF_PROG_TYPE_SCHED_CLS, 2, "program");
  const uint32_t id = ProgramId(program);
  tracer_->Follow({id});
  tracer_->LetGoOfUnheld(1'000'000'000'000);
  program = ScopedFd();
  tracer_->LetGoOfUnheld(1'000'000'000'000 + ExitTracer::kLetGoEveryNs - 1);
  EXPECT_TRUE(tracer_->Follows(id));
  tracer_->LetGoOfUnheld(2'000'000'000'000);
  EXPECT_FALSE(tracer_->Follows(id));
}

}  // namespace
}  // namespace correlate
