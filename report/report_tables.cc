#include "report/report_tables.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "render/event_fields.h"
#include "render/text.h"
#include "render/wording.h"

namespace correlate {
namespace {

constexpr char kSeparator[] = "\x1f";
constexpr size_t kMostRemembered = 4096;

template <typename Group>
std::vector<const Group*> MostFirst(const absl::node_hash_map<std::string, Group>& groups) {
  std::vector<std::pair<std::string, const Group*>> sorted;
  sorted.reserve(groups.size());
  for (const auto& [key, group] : groups) {
    if (group.events > 0) sorted.emplace_back(key, &group);  // else none of it was selected
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second->events != b.second->events ? a.second->events > b.second->events
                                                : a.first < b.first;
  });
  std::vector<const Group*> result;
  result.reserve(sorted.size());
  for (const auto& [key, group] : sorted) result.push_back(group);
  return result;
}

constexpr char kDrop[] = "skb:kfree_skb";
constexpr char kException[] = "xdp:xdp_exception";

// What events are blamed on, where that is no program.
constexpr char kFollowsException[] = "follows exception";
constexpr char kNobody[] = "nobody";

std::string CulpritKey(const std::string& boot_id, const Attribution& attribution) {
  std::string key = boot_id;
  for (const BlamedProgram& program : attribution.programs) {
    absl::StrAppend(&key, program.id, kSeparator, program.load_time_ns, kSeparator,
                    program.function, kSeparator, program.line, kSeparator,
                    absl::StrJoin(program.attachments, kSeparator,
                                  [](std::string* out, const Attachment& attachment) {
                                    absl::StrAppend(out, DescribeAttachment(attachment));
                                  }),
                    kSeparator);
  }
  absl::StrAppend(&key, attribution.verdict, kSeparator, EvidenceName(attribution.evidence));
  return key;
}

// Who, whatever is said of where and why.
std::string BlameKey(const std::string& boot_id, const Attribution& attribution) {
  return boot_id + absl::StrJoin(attribution.programs, kSeparator,
                                 [](std::string* out, const BlamedProgram& program) {
                                   absl::StrAppend(out, program.id, "@", program.load_time_ns);
                                 });
}

}  // namespace

void ReportTables::OnRecording(const RecordingFacts& facts) {
  facts_ = facts;
  if (!facts.hostname.empty()) hosts_.insert(facts.hostname);
  host_of_boot_[facts.boot_id] = facts.hostname;
  host_ = &tables_of_boot_[facts.boot_id];
  view_.OnRecording(facts);
  SettleCounts();
  totals_.OnRecording();
  kinds_.OnRecording(facts.boot_id);
  blamed_.clear();  // programs of another host are others
  last_format_ = nullptr;
}

void ReportTables::OnClocks(const ClockReading& clocks) {
  view_.OnClocks(clocks);
  host_->OnClocks(clocks);
  if (first_ns_ == 0 || clocks.monotonic_ns < first_ns_) {
    first_ns_ = clocks.monotonic_ns;
    drops_over_time_.BeginAt(first_ns_);
    exceptions_over_time_.BeginAt(first_ns_);
  }
  last_ns_ = std::max(last_ns_, clocks.monotonic_ns);
}

void ReportTables::OnFormat(const EventFormat& format) {
  totals_.OnFormat(format);
  kinds_.OnFormat();
  last_format_ = nullptr;
}

void ReportTables::OnEvent(const CorrelatedEvent& event) {
  ++events_;
  if (first_ns_ == 0 || event.time_ns < first_ns_) first_ns_ = event.time_ns;
  last_ns_ = std::max(last_ns_, event.time_ns);
  if (event.format != last_format_) {
    last_format_ = event.format;
    const std::string name = event.format->FullName();
    last_written_ = &written_[name];
    last_unsettled_ = &unsettled_[name];
    last_timeline_ = name == kDrop        ? &drops_over_time_
                     : name == kException ? &exceptions_over_time_
                                          : nullptr;
    without_by_frame_.clear();
  }
  ++*last_written_;
  if (counts_read_ns_ != counts_settled_ns_ && event.time_ns > counts_read_ns_) SettleCounts();
  ++last_unsettled_->written;
  if (!selection_.everything() || !groups_.keys().empty() || !packet_groups_.empty()) {
    view_.OnEvent(event);
  }
  const bool within = selection_.PlaceOf(event.time_ns, view_) == TimeRange::Place::kWithin;
  // Who printed a line is no culprit.
  const bool blames = event.attribution != nullptr && event.format->system != "bpf_trace";
  const Blamed* blamed = blames ? &BlamedOf(*event.attribution) : nullptr;
  if (blames) kinds_.OnEvent(event, blamed->who, within);
  if (!within) return;
  if (selection_.filter.has_value() && !selection_.filter->Matches(view_)) return;
  ++selected_;
  if (!groups_.keys().empty()) groups_.Add(view_);
  if (last_timeline_ != nullptr) last_timeline_->Add(event.time_ns, 1);
  // An XDP exception stands for its packet; the free that follows it is not another one.
  if (blames && event.attribution->follows_exception) return;
  for (EventGroups& groups : packet_groups_) groups.Add(view_);
  if (!blames) return;
  const auto count = [&](auto& group) {
    ++group.events;
    if (group.first_ns == 0) group.first_ns = event.time_ns;
    group.last_ns = event.time_ns;
  };
  if (blamed->group != nullptr) {
    count(*blamed->group);
  } else {
    count(WithoutProgramGroup(event));
  }
}

void ReportTables::OnKindCount(const KindCount& named) {
  if (named.time_ns != counts_read_ns_) SettleCounts();
  counts_read_ns_ = named.time_ns;
  // What was counted until then.
  const uint64_t last_ns = named.time_ns - std::min<uint64_t>(named.time_ns, 1);
  const uint64_t more = kinds_.OnKindCount(named, selection_.PlaceOf(last_ns, view_));
  unsettled_[named.format->FullName()].counted += static_cast<int64_t>(more);
}

void ReportTables::SettleCounts() {
  if (counts_read_ns_ == 0) return;
  const uint64_t from = counts_settled_ns_ == 0 ? first_ns_ : counts_settled_ns_;
  const bool shown = !selection_.filter.has_value() &&
                     selection_.PlaceOf(counts_read_ns_, view_) == TimeRange::Place::kWithin;
  for (auto& [event, since] : unsettled_) {
    const int64_t rest = since.counted - since.written;
    // Below zero the counts are older than the events.
    if (rest < 0) continue;
    since = {};
    if (!shown) continue;
    if (event == kDrop) {
      drops_over_time_.Spread(from, counts_read_ns_, static_cast<uint64_t>(rest));
    } else if (event == kException) {
      exceptions_over_time_.Spread(from, counts_read_ns_, static_cast<uint64_t>(rest));
    }
  }
  counts_settled_ns_ = counts_read_ns_;
}

const ReportTables::Blamed& ReportTables::BlamedOf(const Attribution& attribution) {
  if (const auto known = blamed_.find(attribution.id); known != blamed_.end()) {
    return known->second;
  }
  // Ids of a trace are new in every chunk.
  if (blamed_.size() >= kMostRemembered) blamed_.clear();
  Blamed& blamed = blamed_[attribution.id];
  if (attribution.follows_exception) {
    blamed.who = kFollowsException;
  } else if (attribution.programs.empty()) {
    blamed.who = kNobody;
  } else {
    blamed.who = BlameKey(facts_.boot_id, attribution);
    MergeBlame(blamed.who, attribution);
    blamed.group = &GroupOf(facts_.boot_id, attribution);
  }
  return blamed;
}

CulpritGroup& ReportTables::GroupOf(const std::string& boot_id, const Attribution& attribution) {
  const auto [group, is_new] = culprits_.try_emplace(CulpritKey(boot_id, attribution));
  if (is_new) {
    group->second.programs = attribution.programs;
    group->second.evidence = attribution.evidence;
    group->second.verdict = attribution.verdict;
    group->second.host = HostOfBoot(boot_id);
    group->second.boot_id = boot_id;
  }
  return group->second;
}

NoProgramGroup& ReportTables::WithoutProgramGroup(const CorrelatedEvent& event) {
  const Frame* location = LocationOf(event);
  const uint32_t reason = kinds_.last().reason;
  if (without_by_frame_.size() >= kMostRemembered) without_by_frame_.clear();
  NoProgramGroup*& group = without_by_frame_[{location == nullptr ? 0 : location->id, reason}];
  if (group == nullptr) {
    group = &WithoutProgramGroup(event.format->FullName(),
                                 location == nullptr ? "" : SymbolText(*location),
                                 FieldText(event, "reason").value_or(""), event.attribution->why);
  }
  return *group;
}

void ReportTables::MergeBlame(const std::string& who, const Attribution& attribution) {
  const auto [known, is_new] = blames_.try_emplace(who, attribution);
  if (is_new) return;
  if (attribution.evidence < known->second.evidence) {
    known->second.evidence = attribution.evidence;
    known->second.verdict = attribution.verdict;
  }
  for (size_t i = 0; i < attribution.programs.size(); ++i) {
    const BlamedProgram& program = attribution.programs[i];
    BlamedProgram& common = known->second.programs[i];
    if (program.function == common.function && program.line == common.line) continue;
    common.function.clear();
    common.file.clear();
    common.line = 0;
  }
}

NoProgramGroup& ReportTables::WithoutProgramGroup(const std::string& event,
                                                  const std::string& location,
                                                  const std::string& reason,
                                                  const std::string& why) {
  const auto [group, is_new] =
      without_.try_emplace(absl::StrJoin({event, location, reason}, kSeparator));
  if (is_new) {
    group->second.event = event;
    group->second.location = location;
    group->second.reason = reason;
    group->second.why = why;
  }
  return group->second;
}

std::string ReportTables::HostOfBoot(const std::string& boot_id) const {
  const auto host = host_of_boot_.find(boot_id);
  return host == host_of_boot_.end() ? "" : host->second;
}

void ReportTables::Finish() {
  SettleCounts();
  std::map<std::string, uint64_t> rest_of;
  for (const KindTotals::Rest& rest : kinds_.Rests()) {
    Lay(rest);
    rest_of[rest.event] += rest.events;
  }
  // Where a program that counts kinds was interrupted by a hit, that one is in the totals alone.
  if (kinds_.empty() || !selection_.everything()) return;
  for (const char* event : {kDrop, kException}) {
    const auto written = written_.find(event);
    const uint64_t known = (written == written_.end() ? 0 : written->second) + rest_of[event];
    const uint64_t total = Total(event);
    if (total <= known) continue;
    WithoutProgramGroup(event, "", "", "only counted, and nothing is known of their kind").events +=
        total - known;
  }
}

std::optional<Attribution> ReportTables::BlameOf(const KindTotals::Rest& rest) const {
  const std::string blame = rest.blames.size() == 1 ? *rest.blames.begin() : "";
  if (const auto named = blames_.find(blame); named != blames_.end()) {
    Attribution attribution = named->second;
    // The kind itself names an exception's program, and a list of candidates claims no more of
    // these.
    if (attribution.evidence != Evidence::kEvent && attribution.evidence != Evidence::kCandidates) {
      attribution.evidence = Evidence::kSampled;
    }
    return attribution;
  }
  Attribution attribution;
  if (rest.kind.program_id != 0) {
    attribution.evidence = Evidence::kEvent;
    attribution.verdict = rest.reason;
    BlamedProgram program;
    program.id = static_cast<uint32_t>(rest.kind.program_id);
    program.name = tables_of_boot_.at(rest.boot_id).ProgramName(program.id);
    attribution.programs = {std::move(program)};
    return attribution;
  }
  if (blame != kNobody) return std::nullopt;
  attribution.why = "only counted, as others of their kind";
  return attribution;
}

void ReportTables::Lay(const KindTotals::Rest& rest) {
  const std::optional<Attribution> blame = BlameOf(rest);
  // Names of namespaces are those of the host that recorded last.
  static const EventView nobody;
  const KindSource source(rest, blame.has_value() ? &*blame : nullptr,
                          rest.boot_id == facts_.boot_id ? view_ : nobody,
                          tables_of_boot_.at(rest.boot_id).devices(), HostOfBoot(rest.boot_id));
  if (selection_.filter.has_value()) {
    const Match match = selection_.filter->Evaluate(source);
    if (match == Match::kUnknown) undecided_ += rest.events;
    if (match != Match::kYes) return;
  }
  if (!groups_.keys().empty()) groups_.AddCounted(source, rest.events);
  if (rest.blames.size() == 1 && *rest.blames.begin() == kFollowsException) return;
  for (EventGroups& groups : packet_groups_) groups.AddCounted(source, rest.events);
  if (blame.has_value() && !blame->programs.empty()) {
    GroupOf(rest.boot_id, *blame).events += rest.events;
    return;
  }
  const std::string why = rest.other ? "only counted, more kinds than the kernel's table holds"
                          : blame.has_value() ? blame->why
                          : rest.written == 0
                              ? "only counted: none of their kind was written whole"
                              : "only counted: others of their kind were blamed on several";
  WithoutProgramGroup(rest.event, rest.location, rest.reason, why).events += rest.events;
}

ReportTables::Shares ReportTables::shares() const {
  Shares shares;
  std::set<std::pair<uint32_t, uint64_t>> programs;
  for (const auto& [key, group] : culprits_) {
    shares.all += group.events;
    if (group.evidence == Evidence::kCandidates) continue;
    shares.blamed += group.events;
    if (group.evidence == Evidence::kSampled) shares.sampled += group.events;
    for (const BlamedProgram& program : group.programs) {
      programs.insert({program.id, program.load_time_ns});
    }
  }
  for (const auto& [key, group] : without_) shares.all += group.events;
  shares.programs = programs.size();
  return shares;
}

void ReportTables::OnLoss(const Loss& loss) { lost_ += loss.count; }

void ReportTables::OnEnd(const RecordingEnd& end) {
  last_ns_ = std::max(last_ns_, end.time_ns);
  missed_in_all_ += end.missed;
}

uint64_t ReportTables::Sum(uint64_t EventCounts::*member) const {
  uint64_t sum = 0;
  for (const auto& [key, counts] : totals_.Counts()) sum += counts.*member;
  return sum;
}

uint64_t ReportTables::Total(const std::string& event) const {
  uint64_t counted = 0;
  for (const auto& [key, counts] : totals_.Counts()) {
    if (key.first != event) continue;
    counted += counts.counted - std::min(counts.counted, counts.filtered);
  }
  const auto written = written_.find(event);
  // The last counts of a trace that was cut short are older than its last events.
  return std::max(counted, written == written_.end() ? 0 : written->second);
}

uint64_t ReportTables::drops() const { return Total(kDrop); }
uint64_t ReportTables::xdp_exceptions() const { return Total(kException); }

std::vector<HostChanges::Change> ReportTables::Changes() const {
  const Span in = span();
  std::vector<HostChanges::Change> all;
  for (const auto& [boot_id, tables] : tables_of_boot_) {
    for (HostChanges::Change& change : tables.changes().Telling(in.from_ns, in.to_ns)) {
      if (hosts_.size() > 1) change.where += " of " + Printable(HostOfBoot(boot_id));
      all.push_back(std::move(change));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const HostChanges::Change& a, const HostChanges::Change& b) {
                     return a.time_ns < b.time_ns;
                   });
  return all;
}

std::vector<HostTables::Suspect> ReportTables::SuspectsOf(absl::string_view reason) const {
  std::vector<HostTables::Suspect> all;
  for (const auto& [boot_id, tables] : tables_of_boot_) {
    const auto suspects = tables.SuspectsOf(reason);
    all.insert(all.end(), suspects.begin(), suspects.end());
  }
  return all;
}

ReportTables::Span ReportTables::span() const {
  // The earliest moment of the recording from which `place` or a later one holds.
  const auto first_of = [&](TimeRange::Place place) {
    uint64_t before = first_ns_;
    uint64_t after = last_ns_;
    while (before < after) {
      const uint64_t middle = before + (after - before) / 2;
      if (selection_.PlaceOf(middle, view_) < place) {
        before = middle + 1;
      } else {
        after = middle;
      }
    }
    return before;
  };
  if (!selection_.time.has_value()) return {first_ns_, last_ns_};
  return {first_of(TimeRange::Place::kWithin), first_of(TimeRange::Place::kAfter)};
}

double ReportTables::seconds() const {
  const Span in = span();
  return static_cast<double>(in.to_ns - in.from_ns) / 1e9;
}

std::vector<const CulpritGroup*> ReportTables::Culprits() const { return MostFirst(culprits_); }
std::vector<const NoProgramGroup*> ReportTables::WithoutProgram() const {
  return MostFirst(without_);
}

}  // namespace correlate
