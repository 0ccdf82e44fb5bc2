// What bpf_links tell of attachments beyond what looks at the hooks themselves do: which link holds
// a program, which programs a dispatcher calls in its place, and programs in places that cannot be
// looked at. Pure.
#ifndef COLLECTOR_LINK_PLACES_H_
#define COLLECTOR_LINK_PLACES_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/types/span.h"
#include "collector/bpf_links.h"
#include "collector/event.h"

namespace correlate {

// Fills link_id where a hook does not tell it: XDP and cgroups.
void NameLinks(absl::Span<const BpfLink> links, std::vector<Attachment>& attachments);

// After each attachment of a program whose functions others replace (BPF_PROG_TYPE_EXT): these, in
// the order of the functions, which is that of libxdp's dispatcher. Each stands where it stands.
void AddBehindDispatchers(absl::Span<const BpfLink> links, std::vector<Attachment>& attachments);

// Such links alone lead to programs among netfilter's hooks.
bool IsOfNetfilter(const BpfLink& link);

// What no look saw: netfilter programs, programs on devices of namespaces that were not looked
// into, and in cgroups that were not. `namespaces` are those that were looked into.
struct LinkOnlyPlaces {
  std::vector<Attachment> attachments;
  std::vector<Device> devices;  // of namespaces that only links lead to
};
LinkOnlyPlaces PlacesOnlyLinksTell(absl::Span<const BpfLink> links,
                                   const std::map<NetnsId, Netns>& namespaces,
                                   const std::set<uint64_t>& cgroup_ids);

// "egress" of "cgroup_inet_egress" and of "tcx_egress"; empty for hooks without directions.
std::string DirectionOf(uint32_t attach_type);
// "inet_egress" of BPF_CGROUP_INET_EGRESS.
std::string CgroupTypeName(uint32_t attach_type);

}  // namespace correlate

#endif  // COLLECTOR_LINK_PLACES_H_
