#include "collector/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"

namespace correlate {
namespace {

absl::Status Malformed() {
  return absl::DataLossError("rtnetlink: the kernel's answer does not follow its own format");
}

using Bytes = absl::Span<const uint8_t>;

// libmnl's own walks (mnl_nlmsg_ok, mnl_attr_ok) take a negative rest for a huge one when the last
// entry's length is no multiple of four, and read on. So the lengths are checked here.
constexpr size_t Aligned(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

template <typename Struct>
Struct Read(Bytes bytes) {
  Struct value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// The attributes of a message or of a nested attribute, by type; the last one of a type counts.
template <size_t kCount>
class Attributes {
 public:
  explicit Attributes(Bytes bytes) {
    while (bytes.size() >= sizeof(nlattr)) {
      const auto header = Read<nlattr>(bytes);
      if (header.nla_len < sizeof header || header.nla_len > bytes.size()) return;
      const size_t type = header.nla_type & NLA_TYPE_MASK;
      if (type < kCount) {
        by_type_[type] = bytes.subspan(sizeof header, header.nla_len - sizeof header);
      }
      bytes.remove_prefix(std::min(Aligned(header.nla_len), bytes.size()));
    }
  }

  Bytes Get(size_t type) const { return by_type_[type]; }
  uint32_t U32(size_t type) const {
    return Get(type).size() >= sizeof(uint32_t) ? Read<uint32_t>(Get(type)) : 0;
  }
  uint8_t U8(size_t type) const { return Get(type).empty() ? uint8_t{0} : Get(type)[0]; }
  std::string String(size_t type) const {
    const auto* text = reinterpret_cast<const char*>(Get(type).data());
    return Get(type).empty() ? "" : std::string(text, strnlen(text, Get(type).size()));
  }

 private:
  std::array<Bytes, kCount> by_type_ = {};
};

// Walks the messages of a datagram. `take` gets the header and the attributes of those of `type`.
template <typename Header>
absl::StatusOr<DumpState> ParseDump(Bytes datagram, uint16_t type,
                                    absl::FunctionRef<void(const Header&, Bytes)> take) {
  DumpState state;
  while (!datagram.empty()) {
    if (datagram.size() < sizeof(nlmsghdr)) return Malformed();
    const auto message = Read<nlmsghdr>(datagram);
    if (message.nlmsg_len < sizeof message || message.nlmsg_len > datagram.size()) {
      return Malformed();
    }
    const Bytes payload = datagram.subspan(sizeof message, message.nlmsg_len - sizeof message);
    datagram.remove_prefix(std::min(Aligned(message.nlmsg_len), datagram.size()));
    if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) state.interrupted = true;
    if (message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR) {
      // Both begin with an error as a negative number, 0 for none; DONE may do without.
      int32_t error = 0;
      if (payload.size() >= sizeof error) {
        error = Read<int32_t>(payload);
      } else if (message.nlmsg_type == NLMSG_ERROR) {
        return Malformed();
      }
      if (error < 0) return ErrnoStatus(static_cast<int>(-int64_t{error}), "rtnetlink");
      state.done = true;
      return state;
    }
    if (message.nlmsg_type != type) continue;
    if (payload.size() < sizeof(Header)) return Malformed();
    static_assert(sizeof(Header) % 4 == 0);  // so the attributes follow at once
    take(Read<Header>(payload), payload.subspan(sizeof(Header)));
  }
  return state;
}

void ReadXdp(Bytes xdp, LinkMessage& link) {
  const Attributes<IFLA_XDP_MAX + 1> attributes(xdp);
  link.xdp_native_id = attributes.U32(IFLA_XDP_DRV_PROG_ID);
  link.xdp_generic_id = attributes.U32(IFLA_XDP_SKB_PROG_ID);
  link.xdp_offload_id = attributes.U32(IFLA_XDP_HW_PROG_ID);
  if (link.xdp_native_id != 0 || link.xdp_generic_id != 0 || link.xdp_offload_id != 0) return;
  // Before 4.19 (commit a25717d2b604) there is one program and its mode.
  const uint32_t program_id = attributes.U32(IFLA_XDP_PROG_ID);
  switch (attributes.U8(IFLA_XDP_ATTACHED)) {
    case XDP_ATTACHED_DRV:
      link.xdp_native_id = program_id;
      break;
    case XDP_ATTACHED_SKB:
      link.xdp_generic_id = program_id;
      break;
    case XDP_ATTACHED_HW:
      link.xdp_offload_id = program_id;
      break;
    default:
      break;
  }
}

void AddCounter(const char* name, uint64_t value, HostCounters* counters) {
  if (value != 0) counters->counters.push_back({name, value});
}

std::vector<std::string> ReadActions(Bytes list, bool* goes_to_chain) {
  std::vector<std::string> kinds;
  // A nest of actions numbered from 1, in order (net/sched/act_api.c, tcf_action_dump).
  const Attributes<TCA_ACT_MAX_PRIO + 1> actions(list);
  for (size_t i = 1; i <= TCA_ACT_MAX_PRIO; ++i) {
    if (actions.Get(i).empty()) continue;
    const Attributes<TCA_ACT_MAX + 1> action(actions.Get(i));
    kinds.push_back(action.String(TCA_ACT_KIND));
    if (kinds.back() != "gact") continue;
    const Bytes parameters =
        Attributes<TCA_GACT_MAX + 1>(action.Get(TCA_ACT_OPTIONS)).Get(TCA_GACT_PARMS);
    if (parameters.size() >= sizeof(tc_gact) &&
        TC_ACT_EXT_CMP(static_cast<uint32_t>(Read<tc_gact>(parameters).action),
                       static_cast<uint32_t>(TC_ACT_GOTO_CHAIN))) {
      *goes_to_chain = true;
    }
  }
  return kinds;
}

FilterMessage ReadFilter(const tcmsg& header, Bytes bytes) {
  const Attributes<TCA_MAX + 1> attributes(bytes);
  FilterMessage filter;
  filter.kind = attributes.String(TCA_KIND);
  if (static_cast<uint32_t>(header.tcm_ifindex) == TCM_IFINDEX_MAGIC_BLOCK) {
    filter.block = header.tcm_block_index;
  } else {
    filter.ifindex = static_cast<uint32_t>(header.tcm_ifindex);
    if (header.tcm_parent == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) {
      filter.hook = TcHook::kIngress;
    } else if (header.tcm_parent == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)) {
      filter.hook = TcHook::kEgress;
    }
  }
  filter.chain = attributes.U32(TCA_CHAIN);
  filter.pref = TC_H_MAJ(header.tcm_info) >> 16;  // the rest is the protocol
  filter.handle = header.tcm_handle;
  if (filter.kind == "bpf") {
    const Attributes<TCA_BPF_MAX + 1> options(attributes.Get(TCA_OPTIONS));
    filter.program_id = options.U32(TCA_BPF_ID);
    filter.classic = !options.Get(TCA_BPF_OPS).empty();
    filter.actions = ReadActions(options.Get(TCA_BPF_ACT), &filter.goes_to_chain);
  }
  return filter;
}

int32_t ReadNsid(Bytes payload) {
  constexpr size_t kHeaderBytes = 4;  // rtgenmsg, padded
  if (payload.size() < kHeaderBytes) return -1;
  const Attributes<NETNSA_MAX + 1> attributes(payload.subspan(kHeaderBytes));
  return attributes.Get(NETNSA_NSID).empty() ? -1
                                             : static_cast<int32_t>(attributes.U32(NETNSA_NSID));
}

// A request and nothing else in a buffer of its own.
template <typename Header>
class Request {
 public:
  explicit Request(uint16_t type, uint16_t flags = NLM_F_REQUEST | NLM_F_DUMP) : bytes_(kMaxBytes) {
    message_ = mnl_nlmsg_put_header(bytes_.data());
    message_->nlmsg_type = type;
    message_->nlmsg_flags = flags;
    header_ = static_cast<Header*>(mnl_nlmsg_put_extra_header(message_, sizeof(Header)));
  }
  nlmsghdr* message() { return message_; }
  Header* header() { return header_; }
  std::vector<uint8_t> Finish() && {
    bytes_.resize(message_->nlmsg_len);
    return std::move(bytes_);
  }

 private:
  static constexpr size_t kMaxBytes = 256;
  std::vector<uint8_t> bytes_;
  nlmsghdr* message_;
  Header* header_;
};

}  // namespace

absl::StatusOr<DumpState> ParseLinks(absl::Span<const uint8_t> datagram,
                                     std::vector<LinkMessage>& links) {
  return ParseDump<ifinfomsg>(datagram, RTM_NEWLINK, [&](const ifinfomsg& header, Bytes bytes) {
    const Attributes<IFLA_MAX + 1> attributes(bytes);
    LinkMessage link;
    link.ifindex = static_cast<uint32_t>(header.ifi_index);
    link.ifname = attributes.String(IFLA_IFNAME);
    link.kind = Attributes<IFLA_INFO_MAX + 1>(attributes.Get(IFLA_LINKINFO)).String(IFLA_INFO_KIND);
    ReadXdp(attributes.Get(IFLA_XDP), link);
    links.push_back(std::move(link));
  });
}

absl::StatusOr<DumpState> ParseQdiscs(absl::Span<const uint8_t> datagram,
                                      std::vector<QdiscMessage>& qdiscs) {
  return ParseDump<tcmsg>(datagram, RTM_NEWQDISC, [&](const tcmsg& header, Bytes bytes) {
    qdiscs.push_back({static_cast<uint32_t>(header.tcm_ifindex),
                      Attributes<TCA_MAX + 1>(bytes).String(TCA_KIND)});
  });
}

absl::StatusOr<DumpState> ParseFilters(absl::Span<const uint8_t> datagram,
                                       std::vector<FilterMessage>& filters) {
  return ParseDump<tcmsg>(datagram, RTM_NEWTFILTER, [&](const tcmsg& header, Bytes bytes) {
    filters.push_back(ReadFilter(header, bytes));
  });
}

absl::StatusOr<DumpState> ParseLinkCounters(Bytes datagram, std::vector<HostCounters>& counters) {
  // The members of rtnl_link_stats64 (include/uapi/linux/if_link.h), in their order; older kernels
  // have fewer.
  static constexpr const char* kNames[] = {
      "rx_packets",          "tx_packets",        "rx_bytes",         "tx_bytes",
      "rx_errors",           "tx_errors",         "rx_dropped",       "tx_dropped",
      "multicast",           "collisions",        "rx_length_errors", "rx_over_errors",
      "rx_crc_errors",       "rx_frame_errors",   "rx_fifo_errors",   "rx_missed_errors",
      "tx_aborted_errors",   "tx_carrier_errors", "tx_fifo_errors",   "tx_heartbeat_errors",
      "tx_window_errors",    "rx_compressed",     "tx_compressed",    "rx_nohandler",
      "rx_otherhost_dropped"};
  return ParseDump<ifinfomsg>(datagram, RTM_NEWLINK,
                              [&](const ifinfomsg& header, Bytes attributes_bytes) {
                                const Attributes<IFLA_STATS64 + 1> attributes(attributes_bytes);
                                HostCounters device;
                                device.source = "device";
                                device.ifindex = static_cast<uint32_t>(header.ifi_index);
                                device.ifname = attributes.String(IFLA_IFNAME);
                                Bytes values = attributes.Get(IFLA_STATS64);
                                for (const char* name : kNames) {
                                  if (values.size() < sizeof(uint64_t)) break;
                                  AddCounter(name, Read<uint64_t>(values), &device);
                                  values.remove_prefix(sizeof(uint64_t));
                                }
                                counters.push_back(std::move(device));
                              });
}

absl::StatusOr<DumpState> ParseQdiscCounters(Bytes datagram, std::vector<HostCounters>& counters) {
  return ParseDump<tcmsg>(datagram, RTM_NEWQDISC, [&](const tcmsg& header, Bytes attributes_bytes) {
    const Attributes<TCA_MAX + 1> attributes(attributes_bytes);
    const std::string kind = attributes.String(TCA_KIND);
    if (kind == "noqueue") return;
    HostCounters qdisc;
    qdisc.source = "qdisc";
    qdisc.ifindex = static_cast<uint32_t>(header.tcm_ifindex);
    // As tc(8) names it; those without a handle of their own differ in their parents.
    qdisc.label = absl::StrCat(kind, " ", absl::Hex(TC_H_MAJ(header.tcm_handle) >> 16), ":");
    if (header.tcm_parent == TC_H_ROOT) {
      absl::StrAppend(&qdisc.label, " root");
    } else if (kind != "clsact" && kind != "ingress") {
      const uint32_t major = TC_H_MAJ(header.tcm_parent) >> 16;
      absl::StrAppend(&qdisc.label, " parent ", absl::Hex(major), ":",
                      absl::Hex(TC_H_MIN(header.tcm_parent)));
    }
    const Attributes<TCA_STATS_MAX + 1> statistics(attributes.Get(TCA_STATS2));
    const Bytes basic = statistics.Get(TCA_STATS_BASIC);
    if (basic.size() >= sizeof(uint64_t) + sizeof(uint32_t)) {
      AddCounter("bytes", Read<uint64_t>(basic), &qdisc);
      AddCounter("packets", Read<uint32_t>(basic.subspan(sizeof(uint64_t))), &qdisc);
    }
    const Bytes queue = statistics.Get(TCA_STATS_QUEUE);
    if (queue.size() >= sizeof(gnet_stats_queue)) {
      const auto values = Read<gnet_stats_queue>(queue);
      AddCounter("drops", values.drops, &qdisc);
      AddCounter("requeues", values.requeues, &qdisc);
      AddCounter("overlimits", values.overlimits, &qdisc);
    }
    counters.push_back(std::move(qdisc));
  });
}

std::vector<Notification> ParseNotifications(absl::Span<const uint8_t> datagram) {
  std::vector<Notification> notifications;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto message = Read<nlmsghdr>(datagram);
    if (message.nlmsg_len < sizeof message || message.nlmsg_len > datagram.size()) break;
    const Bytes payload = datagram.subspan(sizeof message, message.nlmsg_len - sizeof message);
    datagram.remove_prefix(std::min(Aligned(message.nlmsg_len), datagram.size()));
    Notification notification = {.type = message.nlmsg_type};
    switch (message.nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        if (payload.size() < sizeof(ifinfomsg)) continue;
        notification.ifindex = static_cast<uint32_t>(Read<ifinfomsg>(payload).ifi_index);
        break;
      case RTM_NEWQDISC:
      case RTM_DELQDISC:
      case RTM_NEWTFILTER:
      case RTM_DELTFILTER: {
        if (payload.size() < sizeof(tcmsg)) continue;
        const auto header = Read<tcmsg>(payload);
        notification.filter = ReadFilter(header, payload.subspan(sizeof(tcmsg)));
        notification.ifindex = notification.filter.ifindex;
        break;
      }
      case RTM_NEWNSID:
      case RTM_DELNSID:
        notification.nsid = ReadNsid(payload);
        break;
      default:
        break;
    }
    notifications.push_back(std::move(notification));
  }
  return notifications;
}

absl::StatusOr<int32_t> ParseNsid(absl::Span<const uint8_t> datagram) {
  if (datagram.size() < sizeof(nlmsghdr)) return Malformed();
  const auto message = Read<nlmsghdr>(datagram);
  if (message.nlmsg_len < sizeof message || message.nlmsg_len > datagram.size()) {
    return Malformed();
  }
  const Bytes payload = datagram.subspan(sizeof message, message.nlmsg_len - sizeof message);
  if (message.nlmsg_type == NLMSG_ERROR) {
    if (payload.size() < sizeof(int32_t)) return Malformed();
    const auto error = Read<int32_t>(payload);
    if (error >= 0) return Malformed();  // an acknowledgement, which is no answer
    return ErrnoStatus(static_cast<int>(-int64_t{error}), "rtnetlink");
  }
  if (message.nlmsg_type != RTM_NEWNSID) return Malformed();
  return ReadNsid(payload);
}

std::vector<uint8_t> LinkDumpRequest() {
  Request<ifinfomsg> request(RTM_GETLINK);
  request.header()->ifi_family = AF_UNSPEC;
  mnl_attr_put_u32(request.message(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return std::move(request).Finish();
}

std::vector<uint8_t> QdiscDumpRequest() {
  Request<tcmsg> request(RTM_GETQDISC);
  request.header()->tcm_family = AF_UNSPEC;
  return std::move(request).Finish();
}

std::vector<uint8_t> FilterDumpRequest(uint32_t ifindex, TcHook hook) {
  Request<tcmsg> request(RTM_GETTFILTER);
  request.header()->tcm_family = AF_UNSPEC;
  request.header()->tcm_ifindex = static_cast<int>(ifindex);
  request.header()->tcm_parent =
      TC_H_MAKE(TC_H_CLSACT, hook == TcHook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  return std::move(request).Finish();
}

std::vector<uint8_t> NsidRequest(int netns_fd) {
  Request<rtgenmsg> request(RTM_GETNSID, NLM_F_REQUEST);
  request.header()->rtgen_family = AF_UNSPEC;
  mnl_attr_put_u32(request.message(), NETNSA_FD, static_cast<uint32_t>(netns_fd));
  return std::move(request).Finish();
}

}  // namespace correlate
