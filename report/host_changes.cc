#include "report/host_changes.h"

#include "absl/strings/str_cat.h"
#include "render/wording.h"
#include "symbolize/attachment_table.h"

namespace correlate {

void HostChanges::Add(const std::string& identity, Change change) {
  changes_[{change.time_ns, absl::StrCat(change.what, " ", identity)}] = std::move(change);
  if (changes_.size() > most_) changes_.erase(changes_.begin());
}

void HostChanges::OnClocks(const ClockReading& clocks) {
  if (start_ns_ == 0 || clocks.monotonic_ns < start_ns_) start_ns_ = clocks.monotonic_ns;
}

void HostChanges::OnProgram(const ProgramInfo& program) {
  constexpr uint64_t kPassingNs = 1'000'000'000;
  Program& known = programs_[program.id];
  known.name = program.name;
  known.ours = program.ours;
  known.passed = program.unload_time_ns != kForever &&
                 program.unload_time_ns - program.load_time_ns < kPassingNs;
  if (programs_.size() > most_) programs_.erase(programs_.begin());  // ids grow
  const std::string identity = absl::StrCat(program.id, " ", program.load_time_ns);
  if (start_ns_ != 0 && program.load_time_ns > start_ns_) {
    Add(identity, {.time_ns = program.load_time_ns, .what = "loaded", .program_id = program.id});
  }
  if (program.unload_time_ns != kForever) {
    Add(identity,
        {.time_ns = program.unload_time_ns, .what = "unloaded", .program_id = program.id});
  }
}

void HostChanges::OnAttachment(const Attachment& attachment) {
  if (attachment.IsObstacle()) return;
  if (const auto program = programs_.find(attachment.program_id); program != programs_.end()) {
    program->second.attached = true;
  } else if (programs_.size() < most_) {
    programs_[attachment.program_id].attached = true;
  }
  const std::string identity = AttachmentIdentity(attachment);
  Change change = {.program_id = attachment.program_id, .where = DescribeAttachment(attachment)};
  if (attachment.absent_before_ns != 0) {
    change.time_ns = attachment.from_ns;
    change.what = "attached";
    Add(identity, change);
  }
  if (attachment.absent_after_ns != 0) {
    change.time_ns = attachment.absent_after_ns;
    change.what = "detached";
    Add(identity, std::move(change));
  }
}

std::vector<HostChanges::Change> HostChanges::Changes(uint64_t from_ns, uint64_t to_ns) const {
  std::vector<Change> found;
  for (auto at = changes_.lower_bound({from_ns, ""});
       at != changes_.end() && at->first.first <= to_ns; ++at) {
    Change change = at->second;
    if (const auto program = programs_.find(change.program_id); program != programs_.end()) {
      change.program = program->second.name;
      change.ours = program->second.ours;
      change.passing = program->second.passed && !program->second.attached;
    }
    found.push_back(std::move(change));
  }
  return found;
}

std::vector<HostChanges::Change> HostChanges::Telling(uint64_t from_ns, uint64_t to_ns) const {
  std::vector<Change> changes = Changes(from_ns, to_ns);
  std::erase_if(changes, [](const Change& change) { return change.ours || change.passing; });
  return changes;
}

}  // namespace correlate
