#include "collector/netns_look.h"

#include <fcntl.h>
#include <linux/bpf.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/hook_query.h"
#include "collector/host_facts.h"
#include "collector/link_places.h"
#include "collector/tc_filters.h"

namespace correlate {
namespace {

constexpr char kTcx[] = "tcx";
constexpr char kNetkit[] = "netkit";

void AddXdp(const Attachment& device, const LinkMessage& link, AttachmentLook& look) {
  // In the order in which a packet meets them.
  const std::pair<const char*, uint32_t> modes[] = {{"offload", link.xdp_offload_id},
                                                    {"native", link.xdp_native_id},
                                                    {"generic", link.xdp_generic_id}};
  for (const auto& [mode, program_id] : modes) {
    if (program_id == 0) continue;
    Attachment attachment = device;
    attachment.hook = "xdp";
    attachment.mode = mode;
    attachment.program_id = program_id;
    look.attachments.push_back(std::move(attachment));
  }
}

}  // namespace

absl::Status NetnsLooker::AddTc(const Attachment& device, TcHook hook, NetlinkSocket& socket,
                                AttachmentLook& look) {
  ASSIGN_OR_RETURN(const Dumped<FilterMessage> filters,
                   socket.Dump(FilterDumpRequest(device.ifindex, hook), ParseFilters));
  if (!filters.consistent) look.complete = false;
  Attachment place = device;
  place.hook = "tc";
  place.direction = hook == TcHook::kIngress ? "ingress" : "egress";
  for (Attachment& attachment : FilterAttachments(place, filters.messages)) {
    look.attachments.push_back(std::move(attachment));
  }
  return absl::OkStatus();
}

void NetnsLooker::AddQueried(const Attachment& device, uint32_t attach_type, AttachmentLook& look) {
  const bool netkit = attach_type == BPF_NETKIT_PRIMARY || attach_type == BPF_NETKIT_PEER;
  bool& kernel_has_it = netkit ? has_netkit_ : has_tcx_;
  if (query_refused_ || !kernel_has_it) return;
  const HookPrograms programs =
      QueryDeviceHook(device.ifindex, static_cast<bpf_attach_type>(attach_type));
  if (programs.error == EPERM) query_refused_ = true;
  // EINVAL: tcx came with 6.6, netkit with 6.7 and where it is built in. The peer device of a
  // netkit pair holds no programs of its own (EACCES; drivers/net/netkit.c, netkit_dev_fetch).
  if (programs.error == EINVAL) kernel_has_it = false;
  for (size_t i = 0; i < programs.entries.size(); ++i) {
    Attachment attachment = device;
    attachment.hook = netkit ? kNetkit : kTcx;
    attachment.direction = DirectionOf(attach_type);
    attachment.program_id = programs.entries[i].program_id;
    attachment.link_id = programs.entries[i].link_id;
    attachment.position = static_cast<uint32_t>(i + 1);
    attachment.positions = static_cast<uint32_t>(programs.entries.size());
    look.attachments.push_back(std::move(attachment));
  }
}

absl::Status NetnsLooker::LookAtDevices(AttachmentLook& look) {
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open());
  ASSIGN_OR_RETURN(const Dumped<LinkMessage> links, socket.Dump(LinkDumpRequest(), ParseLinks));
  ASSIGN_OR_RETURN(const Dumped<QdiscMessage> qdiscs, socket.Dump(QdiscDumpRequest(), ParseQdiscs));
  if (!links.consistent || !qdiscs.consistent) look.complete = false;
  std::set<uint32_t> with_ingress, with_egress;
  for (const QdiscMessage& qdisc : qdiscs.messages) {
    if (qdisc.kind == "clsact" || qdisc.kind == "ingress") with_ingress.insert(qdisc.ifindex);
    if (qdisc.kind == "clsact") with_egress.insert(qdisc.ifindex);
  }
  std::set<uint32_t> seen;
  for (const LinkMessage& link : links.messages) {
    if (!seen.insert(link.ifindex).second) continue;  // twice in an inconsistent dump
    const NetnsId& netns = look.netns.id;
    look.devices.push_back(
        {.netns = netns, .ifindex = link.ifindex, .ifname = link.ifname, .kind = link.kind});
    Attachment device;
    device.netns = netns;
    device.netns_name = look.netns.name;
    device.own_netns = look.netns.own;
    device.ifindex = link.ifindex;
    device.ifname = link.ifname;
    AddXdp(device, link, look);
    if (link.kind == kNetkit) {
      AddQueried(device, BPF_NETKIT_PRIMARY, look);
      AddQueried(device, BPF_NETKIT_PEER, look);
    }
    // tcx runs before clsact (net/core/dev.c, sch_handle_ingress).
    AddQueried(device, BPF_TCX_INGRESS, look);
    if (with_ingress.contains(link.ifindex)) {
      RETURN_IF_ERROR(AddTc(device, TcHook::kIngress, socket, look));
    }
    AddQueried(device, BPF_TCX_EGRESS, look);
    if (with_egress.contains(link.ifindex)) {
      RETURN_IF_ERROR(AddTc(device, TcHook::kEgress, socket, look));
    }
  }
  return absl::OkStatus();
}

void NetnsLooker::LookAtNetnsHooks(AttachmentLook& look) {
  if (query_refused_) return;
  const ScopedFd netns(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return;
  constexpr std::pair<bpf_attach_type, const char*> kHooks[] = {
      {BPF_FLOW_DISSECTOR, "flow_dissector"}, {BPF_SK_LOOKUP, "sk_lookup"}};
  for (const auto& [type, name] : kHooks) {
    const HookPrograms programs = QueryFdHook(netns.get(), type);
    for (size_t i = 0; i < programs.entries.size(); ++i) {
      Attachment attachment;
      attachment.hook = name;
      attachment.netns = look.netns.id;
      attachment.netns_name = look.netns.name;
      attachment.own_netns = look.netns.own;
      attachment.program_id = programs.entries[i].program_id;
      attachment.position = static_cast<uint32_t>(i + 1);
      attachment.positions = static_cast<uint32_t>(programs.entries.size());
      look.attachments.push_back(std::move(attachment));
    }
  }
}

absl::Status NetnsLooker::Look(const Netns& netns, AttachmentLook& look) {
  look.part = AttachmentLook::Part::kNetns;
  look.netns = netns;
  look.begin_ns = ReadClocks().monotonic_ns;
  absl::Status status = LookAtDevices(look);
  LookAtNetnsHooks(look);
  look.end_ns = ReadClocks().monotonic_ns;
  if (!status.ok()) look.complete = false;
  if (query_refused_) look.unseen_hooks = {kTcx, kNetkit};
  return status;
}

}  // namespace correlate
