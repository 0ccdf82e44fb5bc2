#include "alert/event_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>

#include "query/event_value.h"
#include "render/text.h"
#include "symbolize/attachment_table.h"

namespace correlate {
namespace {

constexpr char kOther[] = "other";
constexpr size_t kEvent = 0;
constexpr size_t kProgram = 2;
constexpr size_t kTag = 3;
constexpr size_t kDevice = 5;
constexpr size_t kNetns = 6;
// What is asked of an event, and the label that has it.
constexpr struct {
  const char* key;
  const char* label;
} kLabels[] = {
    {"event", "event"}, {"reason", "reason"},    {"attribution.programs.name", "program"},
    {"tag", "tag"},     {"hook", "hook"},        {"ifname", "device"},
    {"netns", "netns"}, {"evidence", "evidence"}};

constexpr struct {
  const char* name;
  uint64_t EventCounts::*count;
} kOutcomes[] = {{"written", &EventCounts::written},
                 {"only_counted", &EventCounts::only_counted},
                 {"lost", &EventCounts::lost},
                 {"missed", &EventCounts::missed},
                 {"filtered", &EventCounts::filtered}};

// Whether the evidence is about one program, and not about several of which it may have been one.
bool NamesOne(Evidence evidence) {
  return evidence != Evidence::kNone && evidence != Evidence::kCandidates;
}

}  // namespace

EventMetrics::EventMetrics(prometheus::Registry* registry, size_t most_series)
    : most_series_(most_series),
      events_(CounterFamily(registry, "events_total",
                            "Drops, XDP exceptions and other events that were asked for.")),
      hits_(CounterFamily(registry, "hits_total",
                          "Hits of tracepoints, and what became of them: written whole, only "
                          "counted, lost, missed, filtered.")),
      programs_family_(GaugeFamily(registry, "programs", "BPF programs that are loaded.")),
      attachments_family_(
          GaugeFamily(registry, "attachments", "BPF programs on hooks, where that can be seen.")),
      changes_(CounterFamily(registry, "changes_total",
                             "BPF programs that were loaded, unloaded, attached or detached.")),
      series_gauge_(
          GaugeFamily(registry, "series", "Series of bpftrace_correlate_events_total.").Add({})),
      without_series_(CounterFamily(registry, "events_without_series_total",
                                    "Events that were counted with labels that say \"other\", "
                                    "since there are too many series.")
                          .Add({})),
      lost_records_(
          CounterFamily(registry, "lost_records_total",
                        "Records that the kernel could not write because a ring was full.")
              .Add({})) {
  for (const auto& label : kLabels) keys_.push_back(*ParseEventKey(label.key));
  for (const char* change : {"loaded", "unloaded", "attached", "detached"}) {
    changes_.Add({{"change", change}});
  }
}

EventMetrics::~EventMetrics() = default;

void EventMetrics::OnClocks(const ClockReading& clocks) {
  if (started_ns_ == 0) started_ns_ = clocks.monotonic_ns;
}

void EventMetrics::OnNetns(const Netns& netns) {
  if (netns.own) own_netns_ = netns.id.inode;
}

EventMetrics::Values EventMetrics::ValuesOf(const CountedEvents& events) const {
  Values values(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) {
    bool several = false;
    std::string& text = values[i];
    events.values.Visit(keys_[i], [&](const EventValue& value) {
      std::string one;
      if (i == kNetns && value.text.empty()) {
        one = value.number == own_netns_ ? "own" : "unnamed";  // its number means nothing elsewhere
      } else {
        AppendValue(value, &one);
        one = ValidUtf8(one);
      }
      several = several || (!text.empty() && text != one);
      text = std::move(one);
    });
    if (several) text = "several";
  }
  if (events.attribution == nullptr || !NamesOne(events.attribution->evidence)) {
    values[kProgram].clear();
    values[kTag].clear();
  }
  return values;
}

prometheus::Counter* EventMetrics::Find(const Values& values, size_t most) {
  std::string key = GroupKey(values);
  const auto known = series_.find(key);
  if (known != series_.end()) return known->second;
  if (series_.size() >= most) return nullptr;
  prometheus::Labels labels;
  for (size_t i = 0; i < values.size(); ++i) labels.emplace(kLabels[i].label, values[i]);
  prometheus::Counter* counter = &events_.Add(labels);
  series_.emplace(std::move(key), counter);
  series_gauge_.Set(static_cast<double>(series_.size()));
  return counter;
}

prometheus::Counter& EventMetrics::CounterOf(Values values, uint64_t count) {
  if (prometheus::Counter* own = Find(values, most_series_ - most_series_ / 5)) return *own;
  without_series_.Increment(static_cast<double>(count));
  values[kDevice] = values[kNetns] = kOther;
  if (prometheus::Counter* coarse = Find(values, most_series_)) return *coarse;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != kEvent) values[i] = kOther;
  }
  return *Find(values, SIZE_MAX);  // as many as there are events
}

void EventMetrics::Add(const CountedEvents& events) {
  CounterOf(ValuesOf(events), events.count).Increment(static_cast<double>(events.count));
}

void EventMetrics::OnProgram(const ProgramInfo& program) {
  if (program.ours) return;
  const auto gauge = [this](const std::string& type) -> prometheus::Gauge& {
    return programs_family_.Add({{"type", type}});
  };
  const auto known = programs_.find(program.id);
  if (program.unload_time_ns != kForever) {
    if (known == programs_.end()) return;
    gauge(known->second).Decrement();
    programs_.erase(known);
    changes_.Add({{"change", "unloaded"}}).Increment();
    return;
  }
  const std::string type = ValidUtf8(program.type_name.empty() ? "unknown" : program.type_name);
  if (known == programs_.end()) {
    programs_.emplace(program.id, type);
    if (program.load_time_ns > started_ns_) changes_.Add({{"change", "loaded"}}).Increment();
  } else if (known->second != type) {
    gauge(std::exchange(known->second, type)).Decrement();
  } else {
    return;
  }
  gauge(type).Increment();
}

void EventMetrics::OnAttachment(const Attachment& attachment) {
  if (attachment.IsObstacle()) return;
  const std::string identity = AttachmentIdentity(attachment);
  const auto known = attachments_.find(identity);
  const bool holds = attachment.absent_after_ns == 0;
  if (holds == (known != attachments_.end())) return;
  const auto gauge = [this](const std::string& hook) -> prometheus::Gauge& {
    return attachments_family_.Add({{"hook", hook}});
  };
  const bool seen_to_begin = attachment.absent_before_ns != 0;
  if (holds) {
    attachments_.emplace(identity, attachment.hook);
    gauge(attachment.hook).Increment();
  } else {
    gauge(known->second).Decrement();
    attachments_.erase(known);
  }
  if (!holds || seen_to_begin) {
    changes_.Add({{"change", holds ? "attached" : "detached"}}).Increment();
  }
}

void EventMetrics::OnCounts(const EventCounts& counts) {
  const auto event = formats_.find(counts.format_id);
  if (event == formats_.end()) return;
  EventCounts& before = counts_[{counts.format_id, counts.cpu}];
  for (const auto& outcome : kOutcomes) {
    // While events still come, one may count as missed first and as written later.
    const uint64_t now = std::max(before.*outcome.count, counts.*outcome.count);
    hits_.Add({{"event", event->second}, {"outcome", outcome.name}})
        .Increment(static_cast<double>(now - before.*outcome.count));
    before.*outcome.count = now;
  }
}

void EventMetrics::OnLoss(const Loss& loss) {
  lost_records_.Increment(static_cast<double>(loss.count));
}

}  // namespace correlate
