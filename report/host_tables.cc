#include "report/host_tables.h"

#include "symbolize/attachment_table.h"

namespace correlate {

void HostTables::OnAttachment(const Attachment& attachment) {
  if (attachment.IsObstacle()) return;
  changes_.OnAttachment(attachment);
  // One line a place, however often it was attached there.
  std::vector<Attachment>& places =
      attachments_[{attachment.program_id, attachment.netns, attachment.ifindex}];
  for (Attachment& known : places) {
    if (!SamePlace(known, attachment)) continue;
    known = attachment;
    return;
  }
  places.push_back(attachment);
}

void HostTables::OnProgram(const ProgramInfo& program) {
  program_names_[program.id] = program.name;
  changes_.OnProgram(program);
}

std::string HostTables::ProgramName(uint32_t id) const {
  const auto name = program_names_.find(id);
  return name == program_names_.end() ? "" : name->second;
}

std::vector<HostTables::Suspect> HostTables::SuspectsOf(absl::string_view reason) const {
  const absl::string_view direction = reason == "TC_INGRESS"  ? "ingress"
                                      : reason == "TC_EGRESS" ? "egress"
                                                              : "";
  std::vector<Suspect> suspects;
  for (const auto& [place, there] : attachments_) {
    for (const Attachment& attachment : there) {
      const bool tc = attachment.hook == "tc" || attachment.hook == "tcx";
      const bool fits =
          reason == "XDP" ? attachment.hook == "xdp" : tc && attachment.direction == direction;
      if (fits) suspects.push_back({ProgramName(attachment.program_id), attachment});
    }
  }
  return suspects;
}

std::vector<Attachment> HostTables::AttachmentsOf(uint32_t program_id) const {
  std::vector<Attachment> found;
  for (auto at = attachments_.lower_bound({program_id, NetnsId(), 0});
       at != attachments_.end() && std::get<0>(at->first) == program_id; ++at) {
    found.insert(found.end(), at->second.begin(), at->second.end());
  }
  return found;
}

}  // namespace correlate
