#include "collector/link_iterator.h"

#include <linux/bpf.h>
#include <string.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/errno_status.h"
#include "base/status_macros.h"
#include "collector/bpf_iterator.h"
#include "collector/bpf_link_record.h"
#include "collector/bpf_loading.h"
#include "collector/links.skel.h"

namespace correlate {
void LinkIterator::Destroy::operator()(links_bpf* skeleton) const { links_bpf::destroy(skeleton); }

LinkIterator::~LinkIterator() = default;

absl::StatusOr<std::unique_ptr<LinkIterator>> LinkIterator::Load() {
  QuietenLibbpf();
  std::unique_ptr<LinkIterator> iterator(new LinkIterator);
  iterator->skeleton_.reset(links_bpf::open());
  links_bpf* skeleton = iterator->skeleton_.get();
  if (skeleton == nullptr) return ErrnoStatus(errno, "the BPF iterator over links");
  if (const int error = links_bpf::load(skeleton); error != 0) {
    return IteratorStatus(-error, "BPF iterator over links", "Linux 5.19");
  }
  if (const int error = links_bpf::attach(skeleton); error != 0) {
    return ErrnoStatus(-error, "attaching the BPF iterator over links");
  }
  iterator->program_id_ = ProgramIdOf(bpf_program__fd(skeleton->progs.list_links));
  return iterator;
}

absl::StatusOr<std::vector<BpfLink>> LinkIterator::Read() const {
  ASSIGN_OR_RETURN(const std::vector<char> bytes,
                   ReadBpfIterator(bpf_link__fd(skeleton_->links.list_links)));
  return ParseLinkRecords(bytes);
}

std::vector<BpfLink> ParseLinkRecords(absl::Span<const char> bytes) {
  std::vector<BpfLink> links;
  for (; bytes.size() >= sizeof(bpf_link_record); bytes.remove_prefix(sizeof(bpf_link_record))) {
    bpf_link_record record;
    std::memcpy(&record, bytes.data(), sizeof record);
    BpfLink link;
    link.link_id = record.link_id;
    link.type = record.type;
    link.program_id = record.program_id;
    link.program_type = record.program_type;
    link.attach_type = record.attach_type;
    link.ifindex = record.ifindex;
    link.ifname.assign(record.ifname, strnlen(record.ifname, sizeof record.ifname));
    link.netns = {.inode = record.netns_inode, .cookie = record.netns_cookie};
    link.cgroup_id = record.cgroup_id;
    link.target_program_id = record.target_program_id;
    link.target_btf_id = record.target_btf_id;
    link.netfilter_family = record.netfilter_family;
    link.netfilter_hook = record.netfilter_hook;
    link.netfilter_priority = record.netfilter_priority;
    // A tracing program proper is none that meets packets.
    if (link.type == BPF_LINK_TYPE_TRACING && link.target_program_id == 0) continue;
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace correlate
