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

template <typename Group>
std::vector<const Group*> MostFirst(const absl::flat_hash_map<std::string, Group>& groups) {
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
    if (pointer.frame->symbol.empty()) return HexString(pointer.frame->address);
    return absl::StrCat(pointer.frame->symbol, "+", HexString(pointer.frame->offset));
  }
  return "";
}

void ReportTables::OnRecording(const RecordingFacts& facts) { facts_ = facts; }
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

void ReportTables::OnEvent(const CorrelatedEvent& event) {
  ++events_;
  if (first_ns_ == 0 || event.time_ns < first_ns_) first_ns_ = event.time_ns;
  last_ns_ = std::max(last_ns_, event.time_ns);
  const std::string name = event.format->FullName();
  drops_ += name == "skb:kfree_skb";
  xdp_exceptions_ += name == "xdp:xdp_exception";
  if (!by_.empty()) {
    std::vector<std::string> values;
    for (const GroupKey key : by_) values.push_back(GroupValue(key, event));
    ++groups_[std::move(values)];
  }
  const Attribution* attribution = event.attribution;
  // An XDP exception stands for its packet; the free that follows it is not another one.
  if (attribution == nullptr || attribution->follows_exception) return;
  if (attribution->programs.empty()) {
    const std::string location = LocationText(event);
    const std::string reason = FieldText(event, "reason").value_or("");
    NoProgramGroup& group = without_[absl::StrJoin({name, location, reason}, kSeparator)];
    if (group.events++ > 0) return;
    group.event = name;
    group.location = location;
    group.reason = reason;
    group.why = attribution->why;
    return;
  }
  std::string key;
  for (const BlamedProgram& program : attribution->programs) {
    absl::StrAppend(&key, program.id, kSeparator, program.load_time_ns, kSeparator,
                    program.function, kSeparator, program.line, kSeparator,
                    absl::StrJoin(program.attachments, kSeparator,
                                  [](std::string* out, const Attachment& attachment) {
                                    absl::StrAppend(out, DescribeAttachment(attachment));
                                  }),
                    kSeparator);
  }
  absl::StrAppend(&key, attribution->verdict, kSeparator, EvidenceName(attribution->evidence));
  CulpritGroup& group = culprits_[key];
  if (group.events++ > 0) return;
  group.programs = attribution->programs;
  group.evidence = attribution->evidence;
  group.verdict = attribution->verdict;
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

void ReportTables::OnLoss(const Loss& loss) { lost_ += loss.count; }

void ReportTables::OnCounts(const EventCounts& counts) {
  counts_[{counts.format_id, counts.cpu}] = counts;
}

std::string ReportTables::ProgramName(uint32_t id) const {
  const auto name = program_names_.find(id);
  return name == program_names_.end() ? "" : name->second;
}

void ReportTables::OnEnd(const RecordingEnd& end) { last_ns_ = std::max(last_ns_, end.time_ns); }

uint64_t ReportTables::missed() const {
  uint64_t sum = 0;
  for (const auto& [key, counts] : counts_) sum += counts.missed;
  return sum;
}

uint64_t ReportTables::filtered() const {
  uint64_t sum = 0;
  for (const auto& [key, counts] : counts_) sum += counts.filtered;
  return sum;
}

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
