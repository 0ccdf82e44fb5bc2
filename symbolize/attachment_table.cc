#include "symbolize/attachment_table.h"

#include <algorithm>
#include <tuple>

namespace correlate {
namespace {

auto PlaceOf(const Attachment& a) {
  return std::tie(a.program_id, a.ifindex, a.netns, a.hook, a.direction, a.mode, a.chain, a.pref,
                  a.handle, a.link_id, a.ifname, a.netns_name);
}

}  // namespace

bool SamePlace(const Attachment& a, const Attachment& b) { return PlaceOf(a) == PlaceOf(b); }

const Attachment& AttachmentTable::Add(const Attachment& attachment) {
  ++generation_;
  for (Attachment& known : attachments_) {
    if (!SamePlace(known, attachment)) continue;
    known.from_ns = std::min(known.from_ns, attachment.from_ns);
    known.to_ns = std::max(known.to_ns, attachment.to_ns);
    return known;
  }
  attachments_.push_back(attachment);
  return attachments_.back();
}

std::vector<Attachment> AttachmentTable::Find(absl::string_view hook, uint32_t ifindex,
                                              uint32_t program_id) const {
  std::vector<Attachment> found;
  for (const Attachment& attachment : attachments_) {
    if (attachment.hook == hook && attachment.ifindex == ifindex &&
        attachment.program_id == program_id) {
      found.push_back(attachment);
    }
  }
  return found;
}

}  // namespace correlate
