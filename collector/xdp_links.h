// Which bpf_link holds an XDP program: rtnetlink names the program but not the link, and a link's
// info names the interface's number but not its namespace (kernel: net/core/dev.c,
// bpf_xdp_link_fill_link_info). So a link is named only where number and program leave no doubt.
#ifndef COLLECTOR_XDP_LINKS_H_
#define COLLECTOR_XDP_LINKS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

struct XdpLink {
  uint32_t link_id = 0;
  uint32_t program_id = 0;
  uint32_t ifindex = 0;
};

// All XDP links of the host; empty without CAP_SYS_ADMIN. Opens each and closes it at once.
std::vector<XdpLink> ListXdpLinks();

// Fills link_id of the "xdp" attachments. Pure.
void NameXdpLinks(absl::Span<const XdpLink> links, std::vector<Attachment>& attachments);

}  // namespace correlate

#endif  // COLLECTOR_XDP_LINKS_H_
