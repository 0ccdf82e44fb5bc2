#include "collector/link_places.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace correlate {
namespace {

std::string AttachTypeName(uint32_t attach_type) {
  const char* name = libbpf_bpf_attach_type_str(static_cast<bpf_attach_type>(attach_type));
  return name != nullptr ? name : absl::StrCat(attach_type);
}

// As nft(8) calls them.
std::string FamilyName(uint32_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ipv4";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_NETDEV:
      return "netdev";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_IPV6:
      return "ipv6";
    default:
      return absl::StrCat(family);
  }
}

std::string PointName(uint32_t hook) {
  switch (hook) {
    case NF_INET_PRE_ROUTING:
      return "prerouting";
    case NF_INET_LOCAL_IN:
      return "input";
    case NF_INET_FORWARD:
      return "forward";
    case NF_INET_LOCAL_OUT:
      return "output";
    case NF_INET_POST_ROUTING:
      return "postrouting";
    default:
      return absl::StrCat(hook);
  }
}

void PlaceInNetns(const NetnsId& id, const std::map<NetnsId, Netns>& namespaces,
                  Attachment& attachment) {
  attachment.netns = id;
  const auto netns = namespaces.find(id);
  if (netns == namespaces.end()) return;
  attachment.netns_name = netns->second.name;
  attachment.own_netns = netns->second.own;
}

Attachment OnDevice(const BpfLink& link) {
  Attachment attachment;
  attachment.netns = link.netns;
  attachment.ifindex = link.ifindex;
  attachment.ifname = link.ifname;
  attachment.direction = DirectionOf(link.attach_type);
  attachment.hook = link.type == BPF_LINK_TYPE_XDP   ? "xdp"
                    : link.type == BPF_LINK_TYPE_TCX ? "tcx"
                                                     : "netkit";
  return attachment;
}

}  // namespace

std::string DirectionOf(uint32_t attach_type) {
  switch (attach_type) {
    case BPF_TCX_INGRESS:
    case BPF_CGROUP_INET_INGRESS:
      return "ingress";
    case BPF_TCX_EGRESS:
    case BPF_CGROUP_INET_EGRESS:
      return "egress";
    case BPF_NETKIT_PRIMARY:
      return "primary";
    case BPF_NETKIT_PEER:
      return "peer";
    default:
      return "";
  }
}

std::string CgroupTypeName(uint32_t attach_type) {
  const std::string name = AttachTypeName(attach_type);
  return std::string(absl::StripPrefix(name, "cgroup_"));
}

void NameLinks(absl::Span<const BpfLink> links, std::vector<Attachment>& attachments) {
  std::set<uint32_t> named;
  for (Attachment& attachment : attachments) {
    if (attachment.link_id != 0 || attachment.IsObstacle()) continue;
    const auto holds = [&](const BpfLink& link) {
      if (link.program_id != attachment.program_id || named.contains(link.link_id)) return false;
      if (attachment.hook == "xdp") {
        return link.type == BPF_LINK_TYPE_XDP && link.netns == attachment.netns &&
               link.ifindex == attachment.ifindex;
      }
      return attachment.hook == "cgroup" && link.type == BPF_LINK_TYPE_CGROUP &&
             link.cgroup_id == attachment.cgroup_id &&
             CgroupTypeName(link.attach_type) == attachment.attach_type;
    };
    const auto link = std::find_if(links.begin(), links.end(), holds);
    if (link == links.end()) continue;
    attachment.link_id = link->link_id;
    named.insert(link->link_id);
  }
}

void AddBehindDispatchers(absl::Span<const BpfLink> links, std::vector<Attachment>& attachments) {
  std::map<uint32_t, std::vector<const BpfLink*>> by_target;
  for (const BpfLink& link : links) {
    if (link.type == BPF_LINK_TYPE_TRACING && link.target_program_id != 0) {
      by_target[link.target_program_id].push_back(&link);
    }
  }
  if (by_target.empty()) return;
  for (auto& [target, extensions] : by_target) {
    // libxdp's dispatcher calls prog0, prog1, ...; BTF numbers functions in that order.
    std::stable_sort(extensions.begin(), extensions.end(), [](const BpfLink* a, const BpfLink* b) {
      return a->target_btf_id < b->target_btf_id;
    });
  }
  std::vector<Attachment> all;
  for (const Attachment& attachment : attachments) {
    all.push_back(attachment);
    const auto extensions = by_target.find(attachment.program_id);
    if (attachment.IsObstacle() || extensions == by_target.end()) continue;
    uint32_t position = 0;
    for (const BpfLink* link : extensions->second) {
      Attachment behind = attachment;
      behind.program_id = link->program_id;
      behind.link_id = link->link_id;
      behind.dispatcher_id = attachment.program_id;
      behind.position = ++position;
      behind.positions = static_cast<uint32_t>(extensions->second.size());
      all.push_back(std::move(behind));
    }
  }
  attachments = std::move(all);
}

bool IsOfNetfilter(const BpfLink& link) { return link.type == BPF_LINK_TYPE_NETFILTER; }

LinkOnlyPlaces PlacesOnlyLinksTell(absl::Span<const BpfLink> links,
                                   const std::map<NetnsId, Netns>& namespaces,
                                   const std::set<uint64_t>& cgroup_ids) {
  LinkOnlyPlaces places;
  std::set<std::pair<NetnsId, uint32_t>> devices;
  for (const BpfLink& link : links) {
    Attachment attachment;
    switch (link.type) {
      case BPF_LINK_TYPE_TCX:
      case BPF_LINK_TYPE_NETKIT:
      case BPF_LINK_TYPE_XDP:
        // Without a namespace nothing is known (bpf_link_info); without a device it is detached.
        if (link.netns.inode == 0 || link.ifindex == 0 || namespaces.contains(link.netns)) continue;
        attachment = OnDevice(link);
        if (devices.insert({link.netns, link.ifindex}).second) {
          places.devices.push_back(
              {.netns = link.netns, .ifindex = link.ifindex, .ifname = link.ifname, .kind = ""});
        }
        break;
      case BPF_LINK_TYPE_NETNS:
        if (link.netns.inode == 0 || namespaces.contains(link.netns)) continue;
        attachment.hook = AttachTypeName(link.attach_type);
        attachment.netns = link.netns;
        break;
      case BPF_LINK_TYPE_NETFILTER:
        attachment.hook = "netfilter";
        PlaceInNetns(link.netns, namespaces, attachment);
        attachment.family = FamilyName(link.netfilter_family);
        attachment.point = PointName(link.netfilter_hook);
        attachment.priority = link.netfilter_priority;
        break;
      case BPF_LINK_TYPE_CGROUP:
        if (link.cgroup_id == 0 || cgroup_ids.contains(link.cgroup_id)) continue;
        attachment.hook = "cgroup";
        attachment.direction = DirectionOf(link.attach_type);
        attachment.attach_type = CgroupTypeName(link.attach_type);
        attachment.cgroup_id = link.cgroup_id;
        break;
      default:
        continue;
    }
    attachment.program_id = link.program_id;
    attachment.link_id = link.link_id;
    places.attachments.push_back(std::move(attachment));
  }
  AddBehindDispatchers(links, places.attachments);
  return places;
}

}  // namespace correlate
