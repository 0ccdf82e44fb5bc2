#include "collector/event_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace correlate {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

std::vector<std::string> Host() {
  return {"bpf_test_run:bpf_test_finish",
          "bpf_trace:bpf_trace_printk",
          "net:netif_rx",
          "net:netif_receive_skb",
          "sched:sched_switch",
          "skb:consume_skb",
          "skb:kfree_skb",
          "xdp:xdp_bulk_tx",
          "xdp:xdp_exception",
          "xdp:xdp_redirect"};
}

EventSelection Select(const std::vector<std::string>& requested,
                      const std::vector<std::string>& available = Host()) {
  auto selection = SelectEvents(requested, available);
  EXPECT_TRUE(selection.ok()) << selection.status();
  return selection.ok() ? *selection : EventSelection{};
}

std::string Error(const std::vector<std::string>& requested,
                  const std::vector<std::string>& available = Host()) {
  const auto selection = SelectEvents(requested, available);
  EXPECT_FALSE(selection.ok());
  return std::string(selection.status().message());
}

TEST(SelectEventsTest, Defaults) {
  const EventSelection selection = Select({});
  EXPECT_THAT(selection.tracepoints, ElementsAre("skb:kfree_skb", "xdp:xdp_exception"));
  EXPECT_TRUE(selection.program_loads);
  EXPECT_TRUE(selection.program_unloads);
  EXPECT_THAT(selection.notes, IsEmpty());
}

TEST(SelectEventsTest, DefaultsSayWhatAHostLacks) {
  const EventSelection selection = Select({}, {"skb:kfree_skb"});
  EXPECT_THAT(selection.tracepoints, ElementsAre("skb:kfree_skb"));
  EXPECT_THAT(selection.notes, ElementsAre(HasSubstr("xdp:xdp_exception")));
}

TEST(SelectEventsTest, NamesAndGlobsInTheOrderAskedForEachOnce) {
  const EventSelection selection =
      Select({"xdp:*", "skb:kfree_skb", "net:netif_r?,skb:*", "*:xdp_[er]*"});
  EXPECT_THAT(selection.tracepoints,
              ElementsAre("xdp:xdp_bulk_tx", "xdp:xdp_exception", "xdp:xdp_redirect",
                          "skb:kfree_skb", "net:netif_rx", "skb:consume_skb"));
  EXPECT_FALSE(selection.program_loads);
  EXPECT_FALSE(selection.program_unloads);
  EXPECT_THAT(selection.notes, IsEmpty());
}

TEST(SelectEventsTest, AGlobInTheGroupDoesNotReachOverTheColon) {
  EXPECT_THAT(Error({"x*exception:y*"}), HasSubstr("no such tracepoint"));
}

// A host that traces system calls.
std::vector<std::string> WithCalls() {
  return {"skb:kfree_skb", "xdp:xdp_exception", "syscalls:sys_enter_bpf", "syscalls:sys_exit_bpf",
          "bpf_trace:bpf_trace_printk"};
}

TEST(SelectEventsTest, CallsOfBpfMakeTheEventsThatAreAskedFor) {
  const EventSelection one = Select({"bpf:bpf_map_update_elem"}, WithCalls());
  EXPECT_THAT(one.bpf_calls, ElementsAre("bpf:bpf_map_update_elem"));
  EXPECT_THAT(one.tracepoints, IsEmpty());
  const EventSelection all = Select({"bpf:*", "bpf:bpf_map_create"}, WithCalls());
  EXPECT_EQ(all.bpf_calls.size(), 13);
  EXPECT_TRUE(all.program_unloads);
  EXPECT_FALSE(all.program_loads);  // made from calls, those that fail too
  EXPECT_THAT(all.notes, IsEmpty());
  EXPECT_THAT(all.tracepoints, IsEmpty());
  // What slows every system call is never on by default.
  const EventSelection none = Select({}, WithCalls());
  EXPECT_THAT(none.bpf_calls, IsEmpty());
  EXPECT_TRUE(none.program_loads);
  EXPECT_THAT(Error({"bpf:bpf_map_updat_elem"}, WithCalls()), HasSubstr("no such tracepoint"));
}

TEST(SelectEventsTest, LoadsAndUnloadsByName) {
  const EventSelection loads = Select({"bpf:bpf_prog_load"});
  EXPECT_THAT(loads.tracepoints, IsEmpty());
  EXPECT_TRUE(loads.program_loads);
  EXPECT_FALSE(loads.program_unloads);
  const EventSelection unloads = Select({"bpf:bpf_prog_put_rcu"});
  EXPECT_FALSE(unloads.program_loads);
  EXPECT_TRUE(unloads.program_unloads);
}

TEST(SelectEventsTest, WithoutCallsTheGlobGivesTwoAndNamesTheOthers) {
  const EventSelection selection = Select({"bpf:*"});
  EXPECT_THAT(selection.tracepoints, IsEmpty());  // bpf_trace is another group
  EXPECT_TRUE(selection.program_loads);
  EXPECT_TRUE(selection.program_unloads);
  ASSERT_EQ(selection.notes.size(), 1);
  EXPECT_THAT(selection.notes[0], AllOf(HasSubstr("lacks 12 "), HasSubstr("4.18")));
  for (const char* name :
       {"bpf_map_create", "bpf_map_update_elem", "bpf_map_lookup_elem", "bpf_map_delete_elem",
        "bpf_map_next_key", "bpf_obj_pin_map", "bpf_obj_pin_prog", "bpf_obj_get_map",
        "bpf_obj_get_prog", "bpf_prog_get_type"}) {
    EXPECT_THAT(selection.notes[0], HasSubstr(std::string("bpf:") + name));
  }
}

TEST(SelectEventsTest, TwoGlobsNameAMissingEventOnce) {
  const EventSelection selection = Select({"bpf:*", "bpf:bpf_prog_*"});
  ASSERT_EQ(selection.notes.size(), 1);
  EXPECT_THAT(selection.notes[0], HasSubstr("lacks 12 "));
}

TEST(SelectEventsTest, AMissingClassicByNameIsAnError) {
  EXPECT_THAT(
      Error({"bpf:bpf_map_create"}),
      AllOf(HasSubstr("bpf:bpf_map_create"), HasSubstr("4.18"), HasSubstr("bpf:bpf_prog_load")));
  EXPECT_THAT(Error({"skb:kfree_skb", "bpf:bpf_map_*"}),
              AllOf(HasSubstr("bpf:bpf_map_create"), HasSubstr("bpf:bpf_map_next_key")));
}

TEST(SelectEventsTest, AnOldKernelsOwnClassicsAreUsed) {
  const std::vector<std::string> old = {"bpf:bpf_map_create", "bpf:bpf_prog_load",
                                        "bpf:bpf_prog_put_rcu", "skb:kfree_skb"};
  const EventSelection by_name = Select({"bpf:bpf_prog_load"}, old);
  EXPECT_THAT(by_name.tracepoints, ElementsAre("bpf:bpf_prog_load"));
  EXPECT_FALSE(by_name.program_loads);
  const EventSelection by_glob = Select({"bpf:*"}, old);
  EXPECT_THAT(by_glob.tracepoints,
              ElementsAre("bpf:bpf_map_create", "bpf:bpf_prog_load", "bpf:bpf_prog_put_rcu"));
  EXPECT_FALSE(by_glob.program_loads);
  EXPECT_THAT(by_glob.notes, ElementsAre(HasSubstr("lacks 11 ")));
  EXPECT_THAT(Select({}, old).tracepoints,
              ElementsAre("skb:kfree_skb", "bpf:bpf_prog_load", "bpf:bpf_prog_put_rcu"));
}

TEST(SelectEventsTest, NearMatches) {
  EXPECT_THAT(Error({"skb:kfreeskb"}), HasSubstr("did you mean skb:kfree_skb?"));
  EXPECT_THAT(Error({"skb:kfree_sbk"}), HasSubstr("did you mean skb:kfree_skb?"));
  EXPECT_THAT(Error({"xpd:xdp_exeption"}), HasSubstr("xdp:xdp_exception"));
  // The same name in another group.
  EXPECT_THAT(Error({"net:kfree_skb"}), HasSubstr("did you mean skb:kfree_skb"));
  EXPECT_THAT(Error({"bpf:bpf_trace_printk"}), HasSubstr("bpf_trace:bpf_trace_printk"));
  EXPECT_THAT(Error({"something:quite_else_altogether"}),
              AllOf(Not(HasSubstr("did you mean")), HasSubstr("lists those it has")));
}

TEST(SelectEventsTest, AGlobThatMatchesNothingIsAnError) {
  EXPECT_THAT(Error({"skb:free*"}), HasSubstr("no such tracepoint"));
  EXPECT_THAT(Error({"skb:*"}, {}), HasSubstr("no such tracepoint"));
}

TEST(SelectEventsTest, FiltersOfTheKernel) {
  const EventSelection selection =
      Select({"skb:kfree_skb", "xdp:xdp_bulk_tx/drops > 0/,net:netif_*/len > 1500 || len < 9/"});
  EXPECT_THAT(selection.tracepoints, ElementsAre("skb:kfree_skb", "xdp:xdp_bulk_tx", "net:netif_rx",
                                                 "net:netif_receive_skb"));
  EXPECT_THAT(selection.filters,
              UnorderedElementsAre(Pair("xdp:xdp_bulk_tx", "drops > 0"),
                                   Pair("net:netif_rx", "len > 1500 || len < 9"),
                                   Pair("net:netif_receive_skb", "len > 1500 || len < 9")));
  for (const char* bad : {"xdp:xdp_bulk_tx/drops > 0", "xdp:xdp_bulk_tx/", "xdp:xdp_bulk_tx//"}) {
    EXPECT_THAT(Error({bad}), HasSubstr("between two slashes")) << bad;
  }
  EXPECT_THAT(Error({"xdp:xdp_bulk_tx", "xdp:xdp_bulk_tx/drops > 0/"}), HasSubstr("twice"));
  EXPECT_THAT(Error({"bpf:bpf_prog_load/a == 1/"}), HasSubstr("for tracepoints"));
}

TEST(SelectEventsTest, NotGroupAndName) {
  EXPECT_THAT(Error({"kfree_skb"}),
              AllOf(HasSubstr("GROUP:NAME"), HasSubstr("did you mean skb:kfree_skb?")));
  EXPECT_THAT(Error({"skb:"}), HasSubstr("GROUP:NAME"));
  EXPECT_THAT(Error({":kfree_skb"}), HasSubstr("GROUP:NAME"));
  EXPECT_THAT(Error({""}), HasSubstr("GROUP:NAME"));
  EXPECT_THAT(Error({"skb:kfree_skb,"}), HasSubstr("GROUP:NAME"));
}

}  // namespace
}  // namespace correlate
