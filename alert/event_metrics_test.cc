#include "alert/event_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <map>
#include <string>

namespace correlate {
namespace {

// Tells what a map says.
class Values : public ValueSource {
 public:
  explicit Values(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  bool Visit(const EventKey& key, ValueVisitor visitor) const override {
    const auto value = values_.find(key.name);
    if (value == values_.end()) return false;
    visitor(EventValue::Text(value->second));
    return true;
  }

 private:
  const std::map<std::string, std::string> values_;
};

class EventMetricsTest : public testing::Test {
 protected:
  void Add(const std::string& program, const std::string& device, uint64_t count,
           Evidence evidence = Evidence::kSole) {
    const Values values({{"event", "skb:kfree_skb"},
                         {"reason", "TC_INGRESS"},
                         {"attribution.programs.name", program},
                         {"ifname", device}});
    Attribution attribution;
    attribution.evidence = evidence;
    metrics_.Add({.count = count, .values = values, .attribution = &attribution});
  }

  // Of all series with these labels.
  double Sum(const std::string& metric, const prometheus::Labels& labels = {}) const {
    double sum = 0;
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name != "bpftrace_correlate_" + metric) continue;
      for (const prometheus::ClientMetric& one : family.metric) {
        prometheus::Labels found;
        for (const auto& label : one.label) found[label.name] = label.value;
        bool fits = true;
        for (const auto& [name, value] : labels) fits = fits && found[name] == value;
        if (fits) sum += one.counter.value + one.gauge.value;
      }
    }
    return sum;
  }

  prometheus::Registry registry_;
  EventMetrics metrics_{&registry_, /*most_series=*/10};
};

TEST_F(EventMetricsTest, WhatIsNewBeyondTheLimitLosesItsDeviceThenAllButItsEvent) {
  for (int i = 0; i < 8; ++i) Add("a", "eth" + std::to_string(i), 1);
  EXPECT_EQ(Sum("series"), 8);
  EXPECT_EQ(Sum("events_without_series_total"), 0);
  Add("a", "eth8", 5);
  Add("a", "eth9", 6);
  EXPECT_EQ(Sum("events_total", {{"program", "a"}, {"device", "other"}, {"netns", "other"}}), 11);
  Add("b", "eth0", 7);
  EXPECT_EQ(Sum("events_total", {{"program", "b"}, {"device", "other"}}), 7);
  EXPECT_EQ(Sum("series"), 10);
  for (int i = 0; i < 100; ++i) Add("c" + std::to_string(i), "eth0", 2);
  EXPECT_EQ(Sum("events_total", {{"program", "other"}, {"reason", "other"}}), 200);
  EXPECT_EQ(Sum("series"), 11) << "one more for each event";
  EXPECT_EQ(Sum("events_without_series_total"), 5 + 6 + 7 + 200);
  // Those that were there before go on as they were.
  Add("a", "eth0", 1);
  EXPECT_EQ(Sum("events_total", {{"device", "eth0"}}), 2);
  EXPECT_EQ(Sum("events_total"), 8 + 18 + 200 + 1);
}

TEST_F(EventMetricsTest, NobodyIsNamedForACandidate) {
  Add("a", "eth0", 3, Evidence::kCandidates);
  Add("a", "eth0", 4, Evidence::kNone);
  Add("a", "eth0", 5, Evidence::kSampled);
  EXPECT_EQ(Sum("events_total", {{"program", ""}}), 7);
  EXPECT_EQ(Sum("events_total", {{"program", "a"}}), 5);
}

TEST_F(EventMetricsTest, ProgramsAndAttachmentsComeAndGo) {
  metrics_.OnClocks({.monotonic_ns = 1000});
  ProgramInfo program = {.id = 1, .type_name = "xdp", .load_time_ns = 500};
  metrics_.OnProgram(program);
  metrics_.OnProgram(program);
  program.id = 2;
  program.load_time_ns = 2000;
  metrics_.OnProgram(program);
  program.id = 3;
  program.ours = true;
  metrics_.OnProgram(program);
  EXPECT_EQ(Sum("programs", {{"type", "xdp"}}), 2);
  EXPECT_EQ(Sum("changes_total", {{"change", "loaded"}}), 1) << "one was there before";
  program = {.id = 2, .type_name = "xdp", .load_time_ns = 2000, .unload_time_ns = 3000};
  metrics_.OnProgram(program);
  metrics_.OnProgram(program);
  EXPECT_EQ(Sum("programs", {{"type", "xdp"}}), 1);
  EXPECT_EQ(Sum("changes_total", {{"change", "unloaded"}}), 1);

  Attachment attachment = {.hook = "xdp", .program_id = 1, .from_ns = 1500};
  metrics_.OnAttachment(attachment);
  EXPECT_EQ(Sum("attachments", {{"hook", "xdp"}}), 1);
  EXPECT_EQ(Sum("changes_total", {{"change", "attached"}}), 0) << "it was there before";
  attachment.absent_after_ns = 4000;
  metrics_.OnAttachment(attachment);
  metrics_.OnAttachment(attachment);
  EXPECT_EQ(Sum("attachments", {{"hook", "xdp"}}), 0);
  EXPECT_EQ(Sum("changes_total", {{"change", "detached"}}), 1);
}

TEST_F(EventMetricsTest, CountsDoNotGoBack) {
  EventFormat format;
  format.system = "skb";
  format.name = "kfree_skb";
  metrics_.OnFormat(format);
  metrics_.OnCounts({.cpu = 0, .written = 10, .missed = 2});
  metrics_.OnCounts({.cpu = 1, .written = 5});
  metrics_.OnCounts({.cpu = 0, .written = 12, .missed = 0});
  EXPECT_EQ(Sum("hits_total", {{"event", "skb:kfree_skb"}, {"outcome", "written"}}), 17);
  EXPECT_EQ(Sum("hits_total", {{"event", "skb:kfree_skb"}, {"outcome", "missed"}}), 2);
}

}  // namespace
}  // namespace correlate
