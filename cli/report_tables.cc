#include "cli/report_tables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/event_fields.h"
#include "cli/wording.h"
#include "symbolize/attachment_table.h"

namespace correlate {
namespace {

constexpr std::array<std::pair<GroupKey, absl::string_view>, 5> kKeys = {{
    {GroupKey::kEvent, "event"},
    {GroupKey::kReason, "reason"},
    {GroupKey::kLocation, "location"},
    {GroupKey::kDevice, "device"},
    {GroupKey::kProgram, "program"},
}};
constexpr char kSeparator[] = "\x1f";
constexpr size_t kMostRemembered = 4096;

template <typename Group>
std::vector<const Group*> MostFirst(const absl::node_hash_map<std::string, Group>& groups) {
  std::vector<std::pair<std::string, const Group*>> sorted;
  sorted.reserve(groups.size());
  for (const auto& [key, group] : groups) sorted.emplace_back(key, &group);
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

std::string CulpritKey(const Attribution& attribution) {
  std::string key;
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
std::string BlameKey(const Attribution& attribution) {
  return absl::StrJoin(attribution.programs, kSeparator,
                       [](std::string* out, const BlamedProgram& program) {
                         absl::StrAppend(out, program.id, "@", program.load_time_ns);
                       });
}

}  // namespace

absl::string_view GroupKeyName(GroupKey key) {
  for (const auto& [value, name] : kKeys) {
    if (value == key) return name;
  }
  return "";
}

absl::StatusOr<std::vector<GroupKey>> ParseGroupKeys(const std::string& list) {
  std::vector<GroupKey> keys;
  for (const absl::string_view wanted : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const auto found = std::find_if(kKeys.begin(), kKeys.end(),
                                    [&](const auto& key) { return key.second == wanted; });
    if (found == kKeys.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--by has no key '", wanted, "'; the keys are ",
                       absl::StrJoin(kKeys, ", ", [](std::string* out, const auto& key) {
                         absl::StrAppend(out, key.second);
                       })));
    }
    keys.push_back(found->first);
  }
  return keys;
}

std::string LocationText(const CorrelatedEvent& event) {
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field != "location") continue;
    return SymbolText(*pointer.frame);
  }
  return "";
}

void ReportTables::OnRecording(const RecordingFacts& facts) {
  facts_ = facts;
  totals_.OnRecording();
  kinds_.OnRecording();
  last_format_ = nullptr;
}

void ReportTables::OnClocks(const ClockReading& clocks) {
  clock_.Add(clocks);
  if (first_ns_ == 0 || clocks.monotonic_ns < first_ns_) first_ns_ = clocks.monotonic_ns;
  last_ns_ = std::max(last_ns_, clocks.monotonic_ns);
}

void ReportTables::OnAttachment(const Attachment& attachment) {
  if (attachment.IsObstacle()) return;
  // One line a place, however often it was attached there.
  for (Attachment& known : attachments_) {
    if (!SamePlace(known, attachment)) continue;
    known = attachment;
    return;
  }
  attachments_.push_back(attachment);
}

void ReportTables::OnProgram(const ProgramInfo& program) {
  program_names_[program.id] = program.name;
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
    last_written_ = &written_[event.format->FullName()];
    without_by_frame_.clear();
  }
  ++*last_written_;
  if (!by_.empty()) {
    std::vector<std::string> values;
    for (const GroupKey key : by_) values.push_back(GroupValue(key, event));
    ++groups_[std::move(values)];
  }
  const Attribution* attribution = event.attribution;
  // Who printed a line is no culprit.
  if (attribution == nullptr || event.format->system == "bpf_trace") return;
  const Blamed& blamed = BlamedOf(*attribution);
  kinds_.OnEvent(event, blamed.who);
  // An XDP exception stands for its packet; the free that follows it is not another one.
  if (attribution->follows_exception) return;
  ++(blamed.group != nullptr ? blamed.group->events : WithoutProgramGroup(event).events);
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
    blamed.who = BlameKey(attribution);
    MergeBlame(blamed.who, attribution);
    blamed.group = &GroupOf(attribution);
  }
  return blamed;
}

CulpritGroup& ReportTables::GroupOf(const Attribution& attribution) {
  const auto [group, is_new] = culprits_.try_emplace(CulpritKey(attribution));
  if (is_new) {
    group->second.programs = attribution.programs;
    group->second.evidence = attribution.evidence;
    group->second.verdict = attribution.verdict;
  }
  return group->second;
}

NoProgramGroup& ReportTables::WithoutProgramGroup(const CorrelatedEvent& event) {
  uint64_t frame = 0;
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field == "location") frame = pointer.frame->id;
  }
  const uint32_t reason = kinds_.last().reason;
  if (without_by_frame_.size() >= kMostRemembered) without_by_frame_.clear();
  NoProgramGroup*& group = without_by_frame_[{frame, reason}];
  if (group == nullptr) {
    group = &WithoutProgramGroup(event.format->FullName(), LocationText(event),
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

void ReportTables::Finish() {
  std::map<std::string, uint64_t> rest_of;
  for (const KindTotals::Rest& rest : kinds_.Rests()) {
    Lay(rest);
    rest_of[rest.event] += rest.events;
  }
  // Where a program that counts kinds was interrupted by a hit, that one is in the totals alone.
  if (kinds_.empty()) return;
  for (const char* event : {kDrop, kException}) {
    const auto written = written_.find(event);
    const uint64_t known = (written == written_.end() ? 0 : written->second) + rest_of[event];
    const uint64_t total = Total(event);
    if (total <= known) continue;
    WithoutProgramGroup(event, "", "", "only counted, and nothing is known of their kind").events +=
        total - known;
  }
}

void ReportTables::Lay(const KindTotals::Rest& rest) {
  if (!by_.empty()) {
    std::vector<std::string> values;
    for (const GroupKey key : by_) values.push_back(GroupValue(key, rest));
    groups_[std::move(values)] += rest.events;
  }
  const std::string blame = rest.blames.size() == 1 ? *rest.blames.begin() : "";
  if (blame == kFollowsException) return;
  if (const auto named = blames_.find(blame); named != blames_.end()) {
    Attribution attribution = named->second;
    // The kind itself names an exception's program, and a list of candidates claims no more of
    // these.
    if (attribution.evidence != Evidence::kEvent && attribution.evidence != Evidence::kCandidates) {
      attribution.evidence = Evidence::kSampled;
    }
    return AddCulprit(attribution, rest.events);
  }
  if (rest.kind.program_id != 0) {
    Attribution attribution;
    attribution.evidence = Evidence::kEvent;
    attribution.verdict = rest.reason;
    BlamedProgram program;
    program.id = static_cast<uint32_t>(rest.kind.program_id);
    program.name = ProgramName(program.id);
    attribution.programs = {std::move(program)};
    return AddCulprit(attribution, rest.events);
  }
  const std::string why = rest.other ? "only counted, more kinds than the kernel's table holds"
                          : blame == kNobody ? "only counted, as others of their kind"
                          : rest.written == 0
                              ? "only counted: none of their kind was written whole"
                              : "only counted: others of their kind were blamed on several";
  WithoutProgramGroup(rest.event, rest.location, rest.reason, why).events += rest.events;
}

std::string ReportTables::GroupValue(GroupKey key, const CorrelatedEvent& event) const {
  std::string value;
  switch (key) {
    case GroupKey::kEvent:
      return event.format->FullName();
    case GroupKey::kReason:
      value = FieldText(event, "reason").value_or("");
      if (value.empty() && event.attribution != nullptr) value = event.attribution->verdict;
      break;
    case GroupKey::kLocation:
      value = LocationText(event);
      break;
    case GroupKey::kDevice:
      // The event itself tells no namespace: a device is named where one attachment alone fits.
      if (event.attribution != nullptr && event.attribution->programs.size() == 1 &&
          event.attribution->programs.front().attachments.size() == 1) {
        const Attachment& attachment = event.attribution->programs.front().attachments.front();
        value = absl::StrCat(attachment.ifname, " (", DescribeNetns(attachment), ")");
      } else if (const auto ifindex = FieldText(event, "ifindex")) {
        value = absl::StrCat("ifindex ", *ifindex, " of an unknown namespace");
      }
      break;
    case GroupKey::kProgram:
      if (event.attribution == nullptr) break;
      if (event.attribution->programs.empty()) return "none";
      value = absl::StrJoin(event.attribution->programs, " or ",
                            [](std::string* out, const BlamedProgram& program) {
                              absl::StrAppend(out, program.name, " #", program.id);
                            });
      break;
  }
  return value.empty() ? "unknown" : value;
}

std::string ReportTables::GroupValue(GroupKey key, const KindTotals::Rest& rest) const {
  switch (key) {
    case GroupKey::kEvent:
      return rest.event;
    case GroupKey::kReason:
      return rest.reason.empty() ? "unknown" : rest.reason;
    case GroupKey::kLocation:
      return rest.location.empty() ? "unknown" : rest.location;
    case GroupKey::kDevice:
      return rest.kind.ifindex == 0 ? "unknown"
                                    : absl::StrCat("ifindex ", rest.kind.ifindex, " (netns ",
                                                   rest.kind.netns.inode, ")");
    case GroupKey::kProgram:
      break;
  }
  return "only counted";
}

void ReportTables::OnLoss(const Loss& loss) { lost_ += loss.count; }

std::string ReportTables::ProgramName(uint32_t id) const {
  const auto name = program_names_.find(id);
  return name == program_names_.end() ? "" : name->second;
}

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

double ReportTables::seconds() const { return static_cast<double>(last_ns_ - first_ns_) / 1e9; }

std::vector<const CulpritGroup*> ReportTables::Culprits() const { return MostFirst(culprits_); }
std::vector<const NoProgramGroup*> ReportTables::WithoutProgram() const {
  return MostFirst(without_);
}

std::vector<ReportTables::ByGroup> ReportTables::Groups() const {
  std::vector<ByGroup> groups;
  for (const auto& [values, events] : groups_) groups.push_back({values, events});
  std::stable_sort(groups.begin(), groups.end(),
                   [](const ByGroup& a, const ByGroup& b) { return a.events > b.events; });
  return groups;
}

std::vector<ReportTables::Suspect> ReportTables::SuspectsOf(absl::string_view reason) const {
  const absl::string_view direction = reason == "TC_INGRESS"  ? "ingress"
                                      : reason == "TC_EGRESS" ? "egress"
                                                              : "";
  std::vector<Suspect> suspects;
  for (const Attachment& attachment : attachments_) {
    const bool tc = attachment.hook == "tc" || attachment.hook == "tcx";
    const bool there =
        reason == "XDP" ? attachment.hook == "xdp" : tc && attachment.direction == direction;
    if (!there) continue;
    const auto name = program_names_.find(attachment.program_id);
    suspects.push_back({name == program_names_.end() ? "" : name->second, attachment});
  }
  return suspects;
}

std::vector<Attachment> ReportTables::AttachmentsOf(uint32_t program_id) const {
  std::vector<Attachment> found;
  for (const Attachment& attachment : attachments_) {
    if (attachment.program_id == program_id) found.push_back(attachment);
  }
  return found;
}

}  // namespace correlate
