// The bpf_links of this host that hold programs on the network, and where. Two ways to know: the
// iterator of links.bpf.c, which tells the namespace as well, and bpf_link_info of one link after
// the other, which does not (kernel: net/core/dev.c, bpf_xdp_link_fill_link_info) and stands in
// where the iterator may not be loaded.
#ifndef COLLECTOR_BPF_LINKS_H_
#define COLLECTOR_BPF_LINKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "collector/event.h"

namespace correlate {

// Zero and empty where it does not apply or is unknown.
struct BpfLink {
  uint32_t link_id = 0;
  uint32_t type = 0;  // enum bpf_link_type
  uint32_t program_id = 0;
  uint32_t program_type = 0;  // enum bpf_prog_type; 0 from ReadLinksById
  uint32_t attach_type = 0;   // enum bpf_attach_type
  uint32_t ifindex = 0;
  std::string ifname;
  NetnsId netns;
  uint64_t cgroup_id = 0;
  uint32_t target_program_id = 0;  // of a program that replaces a function of another
  uint32_t target_btf_id = 0;      // that function
  uint32_t netfilter_family = 0;
  uint32_t netfilter_hook = 0;
  int32_t netfilter_priority = 0;
  friend bool operator==(const BpfLink&, const BpfLink&) = default;
};

// Opens each link, reads, and closes it at once. Empty without CAP_SYS_ADMIN.
std::vector<BpfLink> ReadLinksById();

}  // namespace correlate

#endif  // COLLECTOR_BPF_LINKS_H_
