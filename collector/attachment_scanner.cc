#include "collector/attachment_scanner.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "collector/netlink_socket.h"
#include "collector/netns_scanner.h"
#include "collector/rtnetlink.h"
#include "collector/xdp_links.h"

namespace correlate {
namespace {

constexpr uint32_t kUsualTcxPrograms = 16;  // on one hook; more are asked for again

// Collects over all namespaces; Look is called inside each.
class Scanner {
 public:
  void Look(const Netns& netns);
  AttachmentScan Finish(const NetnsWalk& walk) &&;

 private:
  absl::Status LookInside(const Netns& netns);
  void AddXdp(const Netns& netns, const LinkMessage& link);
  absl::Status AddTc(const Netns& netns, const LinkMessage& link, TcHook hook,
                     NetlinkSocket& socket);
  void AddTcx(const Netns& netns, const LinkMessage& link, TcHook hook);
  void Note(std::string text);

  AttachmentScan scan_;
  bool ask_for_tcx_ = true;
};

std::string Name(const Netns& netns) {
  return netns.name.empty() ? absl::StrCat("network namespace ", netns.id.inode)
                            : absl::StrCat("network namespace ", netns.name);
}

absl::string_view DirectionName(TcHook hook) {
  return hook == TcHook::kIngress ? "ingress" : "egress";
}

Attachment At(const Netns& netns, const LinkMessage& link) {
  Attachment attachment;
  attachment.netns = netns.id;
  attachment.netns_name = netns.name;
  attachment.ifindex = link.ifindex;
  attachment.ifname = link.ifname;
  attachment.from_ns = netns.from_ns;
  attachment.to_ns = netns.to_ns;
  return attachment;
}

void Scanner::Note(std::string text) {
  if (std::find(scan_.notes.begin(), scan_.notes.end(), text) == scan_.notes.end()) {
    scan_.notes.push_back(std::move(text));
  }
}

void Scanner::AddXdp(const Netns& netns, const LinkMessage& link) {
  // In the order in which a packet meets them.
  const std::pair<const char*, uint32_t> modes[] = {{"offload", link.xdp_offload_id},
                                                    {"native", link.xdp_native_id},
                                                    {"generic", link.xdp_generic_id}};
  for (const auto& [mode, program_id] : modes) {
    if (program_id == 0) continue;
    Attachment attachment = At(netns, link);
    attachment.hook = "xdp";
    attachment.mode = mode;
    attachment.program_id = program_id;
    scan_.attachments.push_back(std::move(attachment));
  }
}

absl::Status Scanner::AddTc(const Netns& netns, const LinkMessage& link, TcHook hook,
                            NetlinkSocket& socket) {
  ASSIGN_OR_RETURN(Dumped<FilterMessage> filters,
                   socket.Dump(FilterDumpRequest(link.ifindex, hook), ParseFilters));
  if (!filters.consistent) {
    Note(absl::StrCat(Name(netns), ", ", link.ifname, ", tc ", DirectionName(hook),
                      ": the filters changed during every look; the list may be incomplete"));
  }
  // Within a chain the kernel dumps in the order in which it runs; packets enter at chain 0.
  std::stable_sort(
      filters.messages.begin(), filters.messages.end(),
      [](const FilterMessage& a, const FilterMessage& b) { return a.chain < b.chain; });
  for (const FilterMessage& filter : filters.messages) {
    if (filter.program_id == 0) continue;
    Attachment attachment = At(netns, link);
    attachment.hook = "tc";
    attachment.direction = std::string(DirectionName(hook));
    attachment.program_id = filter.program_id;
    attachment.chain = filter.chain;
    attachment.pref = filter.pref;
    attachment.handle = filter.handle;
    scan_.attachments.push_back(std::move(attachment));
  }
  return absl::OkStatus();
}

void Scanner::AddTcx(const Netns& netns, const LinkMessage& link, TcHook hook) {
  if (!ask_for_tcx_) return;
  std::vector<uint32_t> program_ids(kUsualTcxPrograms);
  std::vector<uint32_t> link_ids(kUsualTcxPrograms);
  LIBBPF_OPTS(bpf_prog_query_opts, options);
  int result = 0;
  do {
    options.prog_ids = program_ids.data();
    options.link_ids = link_ids.data();
    options.prog_cnt = static_cast<uint32_t>(program_ids.size());
    result =
        bpf_prog_query_opts(static_cast<int>(link.ifindex),
                            hook == TcHook::kIngress ? BPF_TCX_INGRESS : BPF_TCX_EGRESS, &options);
    if (result != -ENOSPC || options.prog_cnt <= program_ids.size()) break;
    program_ids.assign(options.prog_cnt, 0);
    link_ids.assign(options.prog_cnt, 0);
  } while (true);
  if (result == -EPERM) {
    Note("programs attached by tcx could not be seen: that needs CAP_NET_ADMIN; run as root");
    ask_for_tcx_ = false;
    return;
  }
  if (result == -EINVAL) ask_for_tcx_ = false;  // before 6.6
  if (result != 0) return;                      // or the device is gone
  for (uint32_t i = 0; i < options.prog_cnt; ++i) {
    Attachment attachment = At(netns, link);
    attachment.hook = "tcx";
    attachment.direction = std::string(DirectionName(hook));
    attachment.program_id = program_ids[i];
    attachment.link_id = link_ids[i];
    scan_.attachments.push_back(std::move(attachment));
  }
}

absl::Status Scanner::LookInside(const Netns& netns) {
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open());
  ASSIGN_OR_RETURN(const Dumped<LinkMessage> links, socket.Dump(LinkDumpRequest(), ParseLinks));
  ASSIGN_OR_RETURN(const Dumped<QdiscMessage> qdiscs, socket.Dump(QdiscDumpRequest(), ParseQdiscs));
  if (!links.consistent || !qdiscs.consistent) {
    Note(absl::StrCat(Name(netns),
                      ": the devices changed during every look; the list may be incomplete"));
  }
  std::set<uint32_t> with_ingress, with_egress;
  for (const QdiscMessage& qdisc : qdiscs.messages) {
    if (qdisc.kind == "clsact" || qdisc.kind == "ingress") with_ingress.insert(qdisc.ifindex);
    if (qdisc.kind == "clsact") with_egress.insert(qdisc.ifindex);
  }
  std::set<uint32_t> seen;
  for (const LinkMessage& link : links.messages) {
    if (!seen.insert(link.ifindex).second) continue;  // twice in an inconsistent dump
    scan_.devices.push_back({.netns = netns.id,
                             .ifindex = link.ifindex,
                             .ifname = link.ifname,
                             .kind = link.kind,
                             .from_ns = netns.from_ns,
                             .to_ns = netns.to_ns});
    AddXdp(netns, link);
    for (const TcHook hook : {TcHook::kIngress, TcHook::kEgress}) {
      AddTcx(netns, link, hook);  // tcx runs before clsact (net/core/dev.c, sch_handle_ingress)
      const auto& with_filters = hook == TcHook::kIngress ? with_ingress : with_egress;
      if (with_filters.contains(link.ifindex)) {
        RETURN_IF_ERROR(AddTc(netns, link, hook, socket));
      }
    }
  }
  return absl::OkStatus();
}

void Scanner::Look(const Netns& netns) {
  scan_.namespaces.push_back(netns);
  if (const absl::Status status = LookInside(netns); !status.ok()) {
    Note(absl::StrCat(Name(netns), ": could not be looked at: ", status.message()));
  }
}

AttachmentScan Scanner::Finish(const NetnsWalk& walk) && {
  NameXdpLinks(ListXdpLinks(), scan_.attachments);
  for (const std::string& note : walk.notes) Note(note);
  return std::move(scan_);
}

}  // namespace

absl::StatusOr<AttachmentScan> ScanAttachments() {
  Scanner scanner;
  ASSIGN_OR_RETURN(const NetnsWalk walk,
                   ForEachNetns([&](const Netns& netns) { scanner.Look(netns); }));
  return std::move(scanner).Finish(walk);
}

}  // namespace correlate
