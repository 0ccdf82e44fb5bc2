#include "symbolize/aligned_clocks.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

class Times : public TraceSink {
 public:
  void OnClocks(const ClockReading& clocks) override { all.push_back(clocks.monotonic_ns); }
  void OnEvent(const CorrelatedEvent& event) override { all.push_back(event.time_ns); }
  void OnAttachment(const Attachment& attachment) override {
    all.push_back(attachment.from_ns);
    all.push_back(attachment.absent_before_ns);
    all.push_back(attachment.to_ns);
  }
  std::vector<uint64_t> all;
};

class AlignedClocksTest : public testing::Test {
 protected:
  void Begin(const std::string& boot_id, uint64_t monotonic_ns, uint64_t realtime_ns) {
    RecordingFacts facts;
    facts.boot_id = boot_id;
    aligned_.OnRecording(facts);
    aligned_.OnClocks({monotonic_ns, realtime_ns, monotonic_ns});
  }
  void Event(uint64_t time_ns) {
    CorrelatedEvent event;
    event.time_ns = time_ns;
    aligned_.OnEvent(event);
  }
  Times times_;
  AlignedClocks aligned_{&times_};
};

TEST_F(AlignedClocksTest, AnotherBootIsMovedAlongTheWallClock) {
  Begin("a", 1000, 50'000);
  Event(1100);
  Begin("b", 7000, 50'500);  // 500 later by the wall clock
  Event(7100);
  EXPECT_THAT(times_.all, testing::ElementsAre(1000, 1100, 1500, 1600));
  EXPECT_EQ(aligned_.offset_ns(), -5500);
}

TEST_F(AlignedClocksTest, TheSameBootStaysWhereItIs) {
  Begin("a", 1000, 50'000);
  Begin("a", 2000, 51'007);  // the wall clock was set a little meanwhile
  Event(2100);
  EXPECT_THAT(times_.all, testing::ElementsAre(1000, 2000, 2100));
}

TEST_F(AlignedClocksTest, NoTimeStaysNoTime) {
  Begin("a", 1000, 50'000);
  Begin("b", 7000, 50'000);
  Attachment attachment;
  attachment.from_ns = 7100;
  attachment.to_ns = kForever;
  aligned_.OnAttachment(attachment);
  EXPECT_THAT(times_.all, testing::ElementsAre(1000, 1000, 1100, 0, kForever));
}

}  // namespace
}  // namespace correlate
