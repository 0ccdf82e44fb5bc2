#include "collector/xdp_links.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cstring>
#include <map>
#include <utility>

#include "base/scoped_fd.h"

namespace correlate {

std::vector<XdpLink> ListXdpLinks() {
  std::vector<XdpLink> links;
  for (uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
    const ScopedFd fd(bpf_link_get_fd_by_id(id));
    if (!fd.valid()) continue;  // gone, or no right to
    bpf_link_info info;
    std::memset(&info, 0, sizeof info);  // padding and all of its union: the kernel looks at both
    uint32_t bytes = sizeof info;
    if (bpf_link_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    if (info.type == BPF_LINK_TYPE_XDP) links.push_back({id, info.prog_id, info.xdp.ifindex});
  }
  return links;
}

void NameXdpLinks(absl::Span<const XdpLink> links, std::vector<Attachment>& attachments) {
  using Key = std::pair<uint32_t, uint32_t>;  // program, ifindex
  std::map<Key, std::vector<uint32_t>> link_ids;
  for (const XdpLink& link : links) {
    link_ids[{link.program_id, link.ifindex}].push_back(link.link_id);
  }
  std::map<Key, std::vector<Attachment*>> places;
  for (Attachment& attachment : attachments) {
    if (attachment.hook != "xdp") continue;
    places[{attachment.program_id, attachment.ifindex}].push_back(&attachment);
  }
  for (const auto& [key, ids] : link_ids) {
    const auto place = places.find(key);
    if (place == places.end() || place->second.size() != 1 || ids.size() != 1) continue;
    place->second[0]->link_id = ids[0];
  }
}

}  // namespace correlate
