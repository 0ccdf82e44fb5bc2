#include "cli/recording_filter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

EventSelection Defaults() {
  EventSelection selection;
  selection.tracepoints = {"skb:kfree_skb", "xdp:xdp_exception"};
  selection.program_loads = true;
  return selection;
}

TEST(FitToFilter, NoFilterChangesNothing) {
  EventSelection selection = Defaults();
  selection.tracepoints.emplace_back("sched:sched_switch");
  EXPECT_TRUE(FitToFilter({}, &selection).ok());
  EXPECT_EQ(selection.tracepoints.size(), 3u);
  EXPECT_THAT(selection.notes, IsEmpty());
}

TEST(FitToFilter, DevicesHoldForXdpExceptions) {
  EventFilterText text;
  text.ifnames = {"eth0"};
  text.netns = {"blue"};
  text.programs = {"7"};
  EventSelection selection = Defaults();
  EXPECT_TRUE(FitToFilter(text, &selection).ok());
  EXPECT_THAT(selection.tracepoints, ElementsAre("skb:kfree_skb", "xdp:xdp_exception"));
  EXPECT_THAT(selection.notes, ElementsAre(HasSubstr("loads and unloads")));
}

TEST(FitToFilter, PacketsTakeXdpExceptionsOut) {
  EventFilterText text;
  text.hosts = {"10.0.0.1"};
  text.reasons = {"NO_SOCKET"};
  EventSelection selection = Defaults();
  EXPECT_TRUE(FitToFilter(text, &selection).ok());
  EXPECT_THAT(selection.tracepoints, ElementsAre("skb:kfree_skb"));
  EXPECT_THAT(selection.notes, ElementsAre(HasSubstr("--reason, --host cannot hold"),
                                           HasSubstr("loads and unloads")));
}

TEST(FitToFilter, XdpExceptionsAloneCannotBeFilteredByPacket) {
  EventFilterText text;
  text.ports = {"53"};
  EventSelection selection;
  selection.tracepoints = {"xdp:xdp_exception"};
  const absl::Status status = FitToFilter(text, &selection);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tells of no packet"));
}

TEST(FitToFilter, EventsWithoutCompanionProgramAreRefused) {
  EventFilterText text;
  text.ifnames = {"eth0"};
  EventSelection selection = Defaults();
  selection.tracepoints.emplace_back("sched:sched_switch");
  const absl::Status status = FitToFilter(text, &selection);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("--ifname eth0 cannot hold for sched:sched_switch"));
  EventSelection loads;
  loads.program_loads = true;
  EXPECT_TRUE(absl::IsInvalidArgument(FitToFilter(text, &loads)));
}

}  // namespace
}  // namespace correlate
