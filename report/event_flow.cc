#include "report/event_flow.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "collector/program_symbol.h"
#include "render/event_fields.h"

namespace correlate {
namespace {

constexpr uint64_t kSettledAfterNs = 1'000'000'000;

}  // namespace

namespace {

void AppendGroupKey(const std::vector<std::string>& values, std::string* key) {
  for (const std::string& value : values) absl::StrAppend(key, value.size(), ":", value);
}

}  // namespace

std::string GroupKey(const std::vector<std::string>& values) {
  std::string key;
  AppendGroupKey(values, &key);
  return key;
}

const std::vector<std::string>& CountedLabels::Of(const CountedEvents& events) {
  if (events.view == nullptr) only_counted_ = KindLabels(events.values, keys());
  const std::vector<std::string>& labels =
      events.view == nullptr ? only_counted_ : labels_.Of(*events.view);
  key_.clear();
  AppendGroupKey(labels, &key_);
  return labels;
}

void EventFlow::OnRecording(const RecordingFacts& facts) {
  // Another one: running totals begin anew.
  SettleAll(now_ns_);
  kinds_.clear();
  idle_kinds_.clear();
  others_.clear();
  host_ = facts.hostname;
  view_.OnRecording(facts);
}

void EventFlow::OnClocks(const ClockReading& clocks) {
  view_.OnClocks(clocks);
  AdvanceTo(clocks.monotonic_ns);
}

void EventFlow::OnProgram(const ProgramInfo& program) {
  if (program.type_name != "xdp" && program.opened) return;  // no other raises exceptions
  programs_[program.id] = {program.name, TagToHex(program.tag)};
  if (programs_.size() > kMostPrograms) programs_.erase(programs_.begin());  // ids grow
}

void EventFlow::NoteBlame(const Attribution& attribution, Kind* kind) {
  if (kind->blames_differ || (kind->has_blame && attribution.id == kind->last_attribution_id)) {
    return;
  }
  kind->last_attribution_id = attribution.id;
  Blamed blamed;
  for (const BlamedProgram& program : attribution.programs) {
    blamed.emplace_back(program.id, program.load_time_ns);
  }
  if (!kind->has_blame) {
    kind->has_blame = true;
    kind->blamed = std::move(blamed);
    kind->blame = attribution;
    // A list claims no more of these, and an exception's kind names its program itself.
    Evidence& evidence = kind->blame.evidence;
    if (evidence != Evidence::kNone && evidence != Evidence::kCandidates &&
        evidence != Evidence::kEvent) {
      evidence = Evidence::kSampled;
    }
    return;
  }
  kind->blames_differ = blamed != kind->blamed;
}

void EventFlow::OnEvent(const CorrelatedEvent& event) {
  AdvanceTo(event.time_ns);
  if (event.attribution != nullptr) {
    Kind& kind = KindOf(event_kinds_.Of(event));
    ++kind.written;
    NoteBlame(*event.attribution, &kind);
  }
  view_.OnEvent(event);
  receiver_({.time_ns = event.time_ns,
             .count = 1,
             .values = view_,
             .view = &view_,
             .attribution = event.attribution});
}

void EventFlow::OnKindCount(const KindCount& named) {
  AdvanceTo(named.time_ns);
  const EventKindCount& count = named.count;
  Kind& kind = count.other ? others_[count.kind.format_id] : KindOf(count.kind);
  if (kind.names.event.empty()) {
    kind.names.event = named.format->FullName();
    kind.names.location = named.location == nullptr ? "" : SymbolText(*named.location);
    kind.names.reason = KindReasonText(named);
    kind.names.kind = count.kind;
    kind.names.other = count.other;
  }
  kind.counted.Set(count);
  readings_.push_back({named.time_ns, &kind, kind.counted.total()});
}

EventFlow::Kind& EventFlow::KindOf(const EventKind& kind) {
  const auto [known, fresh] = kinds_.try_emplace(kind);
  if (fresh) {
    if (const auto idle = idle_kinds_.find(kind); idle != idle_kinds_.end()) {
      known->second.counted = idle->second.counted;
      known->second.told = idle->second.accounted;
      idle_kinds_.erase(idle);
    }
  }
  known->second.last_ns = now_ns_;
  return known->second;
}

// All of them are settled: readings are a second old at most.
void EventFlow::SlimIdleKinds() {
  if (now_ns_ < last_slimmed_ns_ + kIdleNs / 4) return;
  last_slimmed_ns_ = now_ns_;
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    if (kind->second.last_ns + kIdleNs > now_ns_) {
      ++kind;
      continue;
    }
    const Kind& idle = kind->second;
    if (!idle.counted.begins_anew()) {
      idle_kinds_[kind->first] = {idle.counted, idle.written + idle.told};
    }
    kinds_.erase(kind++);
  }
}

void EventFlow::Settle(const Reading& reading, uint64_t now_ns) {
  Kind& kind = *reading.kind;
  const uint64_t accounted = kind.written + kind.told;
  if (reading.counted <= accounted) return;
  const uint64_t more = reading.counted - accounted;
  kind.told += more;
  const Attribution* blame = nullptr;
  Attribution own;
  if (kind.has_blame && !kind.blames_differ) {
    blame = &kind.blame;
  } else if (kind.names.kind.program_id != 0) {
    own.evidence = Evidence::kEvent;
    own.verdict = kind.names.reason;
    own.programs.emplace_back();
    own.programs.front().id = kind.names.kind.program_id;
    if (const auto named = programs_.find(kind.names.kind.program_id); named != programs_.end()) {
      own.programs.front().name = named->second.name;
      own.programs.front().tag = named->second.tag;
    }
    blame = &own;
  }
  const KindSource values(kind.names, blame, view_, devices_, host_);
  receiver_(
      {.time_ns = now_ns, .count = more, .values = values, .view = nullptr, .attribution = blame});
}

void EventFlow::AdvanceTo(uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  while (!readings_.empty() && readings_.front().time_ns + kSettledAfterNs <= now_ns_) {
    const Reading reading = readings_.front();
    readings_.pop_front();
    Settle(reading, now_ns_);
  }
  SlimIdleKinds();
}

void EventFlow::SettleAll(uint64_t now_ns) {
  for (const Reading& reading : readings_) Settle(reading, now_ns);
  readings_.clear();
}

void EventFlow::OnEnd(const RecordingEnd& end) {
  now_ns_ = std::max(now_ns_, end.time_ns);
  SettleAll(now_ns_);
}

}  // namespace correlate
