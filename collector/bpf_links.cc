#include "collector/bpf_links.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <cstring>
#include <utility>

#include "base/scoped_fd.h"

namespace correlate {
namespace {

// Whether programs of that kind of link meet packets.
bool Describe(const bpf_link_info& info, BpfLink& link) {
  switch (info.type) {
    case BPF_LINK_TYPE_XDP:
      link.ifindex = info.xdp.ifindex;
      link.attach_type = BPF_XDP;
      return true;
    case BPF_LINK_TYPE_TCX:
      link.ifindex = info.tcx.ifindex;
      link.attach_type = info.tcx.attach_type;
      return true;
    case BPF_LINK_TYPE_NETKIT:
      link.ifindex = info.netkit.ifindex;
      link.attach_type = info.netkit.attach_type;
      return true;
    case BPF_LINK_TYPE_NETNS:
      link.netns.inode = info.netns.netns_ino;
      link.attach_type = info.netns.attach_type;
      return true;
    case BPF_LINK_TYPE_CGROUP:
      link.cgroup_id = info.cgroup.cgroup_id;
      link.attach_type = info.cgroup.attach_type;
      return true;
    case BPF_LINK_TYPE_NETFILTER:
      link.netfilter_family = info.netfilter.pf;
      link.netfilter_hook = info.netfilter.hooknum;
      link.netfilter_priority = info.netfilter.priority;
      link.attach_type = BPF_NETFILTER;
      return true;
    case BPF_LINK_TYPE_TRACING:
      // Of tracing proper the attach type is never 0 (kernel/bpf/syscall.c,
      // bpf_tracing_prog_attach): an extension's is.
      if (info.tracing.attach_type != 0) return false;
      link.target_program_id = info.tracing.target_obj_id;
      link.target_btf_id = info.tracing.target_btf_id;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<BpfLink> ReadLinksById() {
  std::vector<BpfLink> links;
  for (uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
    const ScopedFd fd(bpf_link_get_fd_by_id(id));
    if (!fd.valid()) continue;  // gone, or no right to
    bpf_link_info info;
    std::memset(&info, 0, sizeof info);  // padding and all of its union: the kernel looks at both
    uint32_t bytes = sizeof info;
    if (bpf_link_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    BpfLink link;
    link.link_id = id;
    link.type = info.type;
    link.program_id = info.prog_id;
    if (Describe(info, link)) links.push_back(std::move(link));
  }
  return links;
}

}  // namespace correlate
