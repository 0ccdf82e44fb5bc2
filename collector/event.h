// The values that leave the collector: what the kernel said, decoded into plain structs and not yet
// interpreted. symbolize/ sees this header, program_image.h and program_symbol.h, and nothing else
// of collector/.
//
// Times are nanoseconds of CLOCK_MONOTONIC (perf's use_clockid), unless a name says otherwise.
// Spans and string_views are borrowed: valid until the sink that received them returns.
#ifndef COLLECTOR_EVENT_H_
#define COLLECTOR_EVENT_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace correlate {

inline constexpr uint64_t kForever = UINT64_MAX;  // "to" of what still holds

// One field of a tracepoint, as libtraceevent reads the format file.
struct FormatField {
  std::string name;
  std::string type;  // the C type as the format file spells it: "enum skb_drop_reason"
  uint32_t offset = 0;
  uint32_t size = 0;  // bytes
  bool is_signed = false;
  bool is_pointer = false;
  bool is_array = false;
  bool is_string = false;
  bool is_dynamic = false;  // __data_loc: the field holds length << 16 | offset of the data
  bool is_code = false;     // printed with %pS or the like: an address of code
  std::vector<std::pair<int64_t, std::string>> names;  // from __print_symbolic, this host's table
};

// One piece of the kernel's `print fmt`: literal text, or a field with its printf conversion.
struct PrintPiece {
  std::string literal;     // where `field` is empty
  std::string field;       // FormatField::name
  std::string conversion;  // "%u", "%pS", "%08llx", as the print fmt spells it
};

// A tracepoint as this host defines it: the text of its `format` file whole, so that a reader on
// another machine can decode fields that this program has never heard of.
struct EventFormat {
  uint32_t id = 0;     // of this recording, dense from 0; not the kernel's tracepoint id
  std::string system;  // "skb"
  std::string name;    // "kfree_skb"
  std::string text;    // the format file, or our own text in its syntax when synthetic
  std::vector<FormatField> fields;  // decoded from text; common_* fields included
  // The print fmt taken apart on the recording host; empty where it is more than fields in text.
  // Readers print from this: format text of a foreign trace is never parsed.
  std::vector<PrintPiece> print;
  bool synthetic = false;  // made by this tool from side-band records: no such tracepoint here
  std::string FullName() const { return system + ":" + name; }
};

// PERF_RECORD_KSYMBOL: text appears at, or goes from, an address range. For a BPF program the
// kernel sends one for every function, main first, then one BPF_EVENT (kernel/events/core.c,
// perf_event_bpf_event). Trampolines and dispatchers come this way too.
struct KsymbolRecord {
  uint64_t time_ns = 0;
  uint32_t cpu = 0;
  uint64_t address = 0;
  uint32_t length_bytes = 0;
  bool bpf = false;  // PERF_RECORD_KSYMBOL_TYPE_BPF
  bool unregister = false;
  std::string name;
};

using BpfTag = std::array<uint8_t, 8>;

// PERF_RECORD_BPF_EVENT: a program was loaded or is going away.
struct BpfProgramRecord {
  uint64_t time_ns = 0;
  uint32_t cpu = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  bool load = false;  // else unload
  uint32_t program_id = 0;
  BpfTag tag = {};
};

// PERF_RECORD_COMM, PERF_RECORD_FORK, PERF_RECORD_EXIT: as far as naming tasks needs.
struct TaskRecord {
  enum class Kind { kComm, kFork, kExit };
  Kind kind = Kind::kComm;
  uint64_t time_ns = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  int32_t parent_tid = 0;  // kFork
  std::string comm;        // kComm; bytes, not necessarily UTF-8
};

inline constexpr absl::string_view kSideBandSource = "side-band";

// Records that the kernel could not hand over.
struct Loss {
  uint64_t from_ns = 0;  // the loss lies in [from_ns, to_ns]
  uint64_t to_ns = 0;
  uint32_t cpu = 0;
  std::string source;  // "skb:kfree_skb", "side-band"
  uint64_t count = 0;
};

// What one event counted on one CPU since the recording began. counted is perf's own counting
// (read(2) on the event's fd) and does not depend on rings:
// counted = written + only_counted + lost + missed + filtered: only_counted are hits above
// --max-rate, filtered those that a filter of the recording kept out, missed those for which
// nothing made a record at all (a BPF program is skipped where it was interrupted by the event).
struct EventCounts {
  uint32_t format_id = 0;
  uint32_t cpu = 0;
  uint64_t counted = 0;
  uint64_t written = 0;
  uint64_t only_counted = 0;
  uint64_t lost = 0;
  uint64_t missed = 0;
  uint64_t filtered = 0;
};

inline void Add(const EventCounts& more, EventCounts* sum) {
  for (const auto term : {&EventCounts::counted, &EventCounts::written, &EventCounts::only_counted,
                          &EventCounts::lost, &EventCounts::missed, &EventCounts::filtered}) {
    sum->*term += more.*term;
  }
}

// A namespace's inode number is reused at once after its end: identity is both numbers.
struct NetnsId {
  uint64_t inode = 0;
  uint64_t cookie = 0;  // SO_NETNS_COOKIE; 0 where the kernel has none (before 5.14)
  friend bool operator==(const NetnsId&, const NetnsId&) = default;
  friend auto operator<=>(const NetnsId&, const NetnsId&) = default;
};

// What makes two drops, or two XDP exceptions, of one kind; what drop_kind.h tells apart in the
// kernel.
struct EventKind {
  uint32_t format_id = 0;
  uint64_t location = 0;    // skb:kfree_skb: of the function that freed the packet
  uint32_t reason = 0;      // its drop reason; xdp:xdp_exception: the action
  NetnsId netns;            // inode 0: unknown
  uint32_t ifindex = 0;     // 0: unknown
  uint32_t program_id = 0;  // xdp:xdp_exception
  friend bool operator==(const EventKind&, const EventKind&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const EventKind& k) {
    return H::combine(std::move(h), k.format_id, k.location, k.reason, k.netns.inode,
                      k.netns.cookie, k.ifindex, k.program_id);
  }
};

// Hits of one kind on all CPUs since the recording began, whether written or not. Running totals.
struct EventKindCount {
  EventKind kind;
  // All kinds of an event that found no room in the kernel's table, together: of `kind` no more
  // than format_id is told.
  bool other = false;
  uint64_t counted = 0;
  // It has stood still for long and is forgotten: should it happen again, it begins at 0.
  bool last = false;
};

// How often an XDP program returned each action since it was followed (exit_tracer.h): of every
// packet, also of those that no event tells of, as the native XDP_DROP of a driver that frees a
// page. Running totals.
struct XdpActionCounts {
  uint32_t program_id = 0;
  uint64_t aborted = 0;
  uint64_t drop = 0;
  uint64_t pass = 0;
  uint64_t tx = 0;
  uint64_t redirect = 0;
  uint64_t unknown = 0;  // any other number
};

inline void Add(const XdpActionCounts& more, XdpActionCounts* sum) {
  for (const auto action :
       {&XdpActionCounts::aborted, &XdpActionCounts::drop, &XdpActionCounts::pass,
        &XdpActionCounts::tx, &XdpActionCounts::redirect, &XdpActionCounts::unknown}) {
    sum->*action += more.*action;
  }
}

// What the kernel counts by itself of one thing since that began: a device, a qdisc, a CPU's
// backlog, a namespace's protocols. Drops are in there that no tracepoint tells.
struct HostCounters {
  uint64_t time_ns = 0;
  std::string source;  // "device", "ethtool", "qdisc", "softnet", "snmp"
  NetnsId netns;       // inode 0: of the whole host
  uint32_t ifindex = 0;
  std::string ifname;
  std::string label;  // qdisc: "fq_codel 8001:"; softnet: "CPU 3"
  struct Counter {
    std::string name;  // as the kernel spells it: "rx_dropped", "Ip.InDiscards"
    uint64_t value = 0;
    friend bool operator==(const Counter&, const Counter&) = default;
  };
  std::vector<Counter> counters;  // all but those that are 0
  friend bool operator==(const HostCounters&, const HostCounters&) = default;
};

// The same instant on three clocks.
struct ClockReading {
  uint64_t monotonic_ns = 0;
  uint64_t realtime_ns = 0;
  uint64_t boottime_ns = 0;
};

// ---- What is known of programs, namespaces, devices and attachments
// ------------------------------

// How namespaces, devices and attachments carry time. from_ns and to_ns are the first and the last
// look (or notification) that saw it; between two looks that did it is held to have been there.
// absent_before_ns is the last look before from_ns that did not see it, absent_after_ns the first
// one after to_ns; 0 where there is none. In (absent_before_ns, from_ns) and (to_ns,
// absent_after_ns) nobody knows.
struct Netns {
  NetnsId id;
  std::string name;  // file name in /run/netns, or empty
  uint64_t from_ns = 0;
  uint64_t to_ns = kForever;
  uint64_t absent_before_ns = 0;
  uint64_t absent_after_ns = 0;
  bool own = false;    // the recorder's own
  bool heard = false;  // the kernel tells us of changes in it at once, else only looks do
  int32_t nsid = -1;   // its number in the recorder's own namespace (ip-netns(8)), if it has one
};

struct Device {
  NetnsId netns;
  uint32_t ifindex = 0;
  std::string ifname;
  std::string kind;  // rtnetlink's IFLA_INFO_KIND: "veth", or empty
  uint64_t from_ns = 0;
  uint64_t to_ns = kForever;
  uint64_t absent_before_ns = 0;
  uint64_t absent_after_ns = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

struct ProgramFunction {
  uint64_t address = 0;  // of the JITed text; 0 when unknown
  uint32_t length_bytes = 0;
  std::string name;  // BTF's name (not cut at 15 characters), else empty
  BpfTag tag = {};
};

struct ProgramLine {
  uint64_t address = 0;  // first JITed instruction of the line
  std::string file;
  uint32_t line = 0;
};

// A program, known by its id and load time (ids are never reused within one boot, but a trace may
// hold several hosts).
struct ProgramInfo {
  uint32_t id = 0;
  uint32_t type = 0;      // enum bpf_prog_type; kUnknownProgramType when gone before it was opened
  std::string type_name;  // libbpf's name: "sched_cls", "xdp"
  std::string name;       // main function's BTF name, else bpf_prog_info.name (15 characters)
  BpfTag tag = {};
  uint64_t load_time_ns = 0;  // CLOCK_MONOTONIC, from bpf_prog_info.load_time (boottime)
  uint64_t unload_time_ns = kForever;
  uint32_t uid = 0;
  uint32_t btf_id = 0;
  std::vector<uint32_t> map_ids;
  std::vector<ProgramFunction> functions;  // main first
  std::vector<ProgramLine> lines;          // by address; empty without line info
  bool opened = false;  // false: known from side-band records alone, it was gone before a look
  bool ours = false;    // loaded by this tool: an observer, never blamed
  // Who loaded it, where that was seen: not of what was loaded before the recording.
  int32_t loader_pid = 0;  // 0: unknown
  std::string loader_comm;
  std::string loader_cgroup;      // path below the cgroup2 mount; empty: unknown
  std::vector<std::string> pins;  // paths in BPF file systems
  bool gpl_compatible = false;
  uint32_t xlated_bytes = 0;
  uint32_t jited_bytes = 0;    // 0: interpreted, or hidden
  uint64_t memlock_bytes = 0;  // as fdinfo has it
  uint32_t verified_instructions = 0;
  uint64_t run_time_ns = 0;  // these two while somebody held BPF_ENABLE_STATS
  uint64_t run_count = 0;
  uint64_t recursion_misses = 0;
};
inline constexpr uint32_t kUnknownProgramType = UINT32_MAX;

// What stands at a place where packets pass: a BPF program, or (program_id 0) an obstacle,
// something else on a hook of BPF programs that may drop or redirect a packet or decide who sees
// it.
struct Attachment {
  std::string hook;       // "tc", "xdp", ... (the names of `hook` in docs/json.md)
  std::string direction;  // "ingress", "egress"; netkit: "primary", "peer"
  std::string mode;       // xdp: "native", "generic", "offload"
  uint32_t program_id = 0;
  NetnsId netns;
  std::string netns_name;
  uint32_t ifindex = 0;
  std::string ifname;
  uint32_t chain = 0;    // tc
  uint32_t pref = 0;     // tc
  uint32_t handle = 0;   // tc
  uint32_t link_id = 0;  // where a bpf_link holds it
  uint64_t from_ns = 0;  // see Netns
  uint64_t to_ns = 0;
  uint64_t absent_before_ns = 0;
  uint64_t absent_after_ns = 0;
  bool own_netns = false;  // it is in the recorder's own namespace
  // Of an obstacle what it is: a classifier ("u32", "flower"), "classic BPF", an action ("action
  // mirred"), "goto chain", "shared block". Empty for a program.
  std::string kind;
  uint32_t position = 0;   // from 1, where a hook runs several in order; 0: unknown
  uint32_t positions = 0;  // how many the hook has
  uint32_t block = 0;      // tc: the shared block that the filter belongs to
  // The program that calls this one in its place: a dispatcher of libxdp, whose own attachment
  // stands before (BPF_PROG_TYPE_EXT). Positions count within the dispatcher.
  uint32_t dispatcher_id = 0;
  std::string attach_type;  // cgroup: libbpf's name without "cgroup_": "inet_egress", "device"
  uint64_t cgroup_id = 0;
  std::string cgroup;    // path below the cgroup2 mount: "/system.slice"
  std::string family;    // netfilter: "ipv4", "ipv6", "bridge", ...
  std::string point;     // netfilter: "prerouting", "input", "forward", ...
  int32_t priority = 0;  // netfilter
  bool IsObstacle() const { return program_id == 0; }
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

// ---- What the enriched path tells of an event besides its tracepoint's fields
// ----------------------------------------------------------------------------

enum class Context { kUnknown, kTask, kSoftirq, kHardirq, kNmi };

enum class IpFamily : uint8_t { kNone, kIpv4, kIpv6 };

// The headers of one packet, or of the packet inside a tunnel.
struct PacketHeaders {
  IpFamily family = IpFamily::kNone;
  bool has_l4 = false;     // l4 is known (the last extension header was within reach)
  bool has_ports = false;  // sport and dport are
  bool fragment = false;   // a fragment other than the first: no ports
  uint8_t l4 = 0;          // IPPROTO_*
  uint16_t sport = 0;
  uint16_t dport = 0;
  std::array<uint8_t, 16> src = {};  // network order; IPv4 in the first four
  std::array<uint8_t, 16> dst = {};
  friend bool operator==(const PacketHeaders&, const PacketHeaders&) = default;
};

enum class Tunnel : uint8_t { kNone, kIpIp, kGre, kVxlan, kGeneve };

// The packet of an event. A device is named only where the kernel's pointer was proven to be one.
struct Packet {
  bool has_netns = false;
  NetnsId netns;
  uint32_t ifindex = 0;       // 0: unknown
  std::string ifname;         // empty: unknown
  uint32_t length_bytes = 0;  // skb->len at that moment; 0: no packet (an XDP exception)
  uint32_t segments = 0;      // of GSO; 0: not segmented
  uint16_t ethertype = 0;
  bool has_vlan = false;
  uint16_t vlan_id = 0;
  PacketHeaders outer;
  // VXLAN and Geneve are told by their usual ports (4789, 8472, 6081) and a header that fits.
  Tunnel tunnel = Tunnel::kNone;
  PacketHeaders inner;
  friend bool operator==(const Packet&, const Packet&) = default;
};

// What was attached to the hook where the packet was freed, read from the kernel's own lists at
// that moment (collector/hook_walk.bpf.h), in the order in which it runs.
struct HookWalk {
  enum class Hook : uint8_t {
    kNone,
    kTcIngress,
    kTcEgress,
    kXdpNative,
    kXdpGeneric,
    kCgroupEgress,
    kSocket,     // programs of the socket's cgroup on ingress, then the socket's filter
    kNetkit,     // of the device that sent to the packet's one
    kNetfilter,  // nothing is listed: `exit` tells
    kTap,        // the filter of a tun or tap device
  };
  enum class Kind : uint8_t {
    kUnknown,
    kTcx,
    kClsBpf,
    kClassifier,
    kXdp,
    kCgroup,
    kSocketFilter,
    kNetkit,
    kTap,
  };
  struct Entry {
    Kind kind = Kind::kUnknown;
    bool other_protocol = false;  // a classifier for another protocol than the packet has
    bool not_direct = false;      // cls_bpf without direct-action: its actions decide
    uint16_t pref = 0;
    uint32_t chain = 0;
    uint32_t program_id = 0;  // 0: no eBPF program
    uint32_t handle = 0;
    uint32_t link_id = 0;
    std::string classifier;  // kClassifier: "u32", "flower", cut at 11 characters
    uint8_t runs = 0;        // with `counted`: of this program on this CPU meanwhile
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // The last program that returned before the packet was freed, on the same CPU and device: what it
  // returned for this very packet.
  struct Exit {
    uint32_t program_id = 0;  // 0: unknown
    uint32_t part_id = 0;     // the one of its parts, behind a dispatcher, that returned the same
    int32_t verdict = 0;
    friend bool operator==(const Exit&, const Exit&) = default;
  };
  Hook hook = Hook::kNone;
  bool truncated = false;     // more was attached than is listed
  bool shared_block = false;  // tc: the filters are a shared block's
  bool broken = false;        // something could not be read
  // The entries' runs are known, and the list was the same before the packet came to the hook.
  bool counted = false;
  uint64_t revision = 0;   // of tcx and cls_bpf: changes whenever the list does
  uint64_t cgroup_id = 0;  // of the socket's cgroup, where its programs were walked
  Exit exit;
  std::vector<Entry> entries;
  friend bool operator==(const HookWalk&, const HookWalk&) = default;
};

// The beginning of a packet, as far as it was kept (record --snaplen): as it lay in the kernel's
// memory when it was freed, with the VLAN tag that lay beside it. Borrowed.
struct CapturedPacket {
  enum class Link : uint8_t { kNone, kEthernet, kIp };  // what the bytes begin with
  Link link = Link::kNone;                              // kNone: nothing was kept
  uint32_t wire_bytes = 0;                              // of the whole packet, from there
  absl::Span<const uint8_t> bytes;
};

// Borrowed like the sample that points to it.
struct Enrichment {
  Context context = Context::kUnknown;
  Packet packet;
  CapturedPacket captured;
  HookWalk walk;
  // Equal in events whose device, namespace and walk are equal (others may have another one all the
  // same); 0: not known.
  uint64_t place_id = 0;
};

// One hit of a tracepoint (PERF_RECORD_SAMPLE).
struct TracepointSample {
  uint64_t time_ns = 0;
  uint32_t cpu = 0;
  int32_t pid = 0;  // process (tgid)
  int32_t tid = 0;
  uint32_t format_id = 0;                  // EventFormat::id
  absl::Span<const uint8_t> raw;           // the tracepoint's record, laid out as the format says
  absl::Span<const uint64_t> callchain;    // kernel addresses, leaf first, no context markers
  bool stack_omitted = false;              // what callchains may cost was spent (--stacks adaptive)
  const Enrichment* enrichment = nullptr;  // null: a plain tracepoint
};

// One look at a part of the host, and all that it saw there: what an earlier look at the same part
// saw and this one did not is gone.
struct AttachmentLook {
  enum class Part {
    kNetns,    // what is seen from inside `netns`
    kCgroups,  // the cgroup2 tree
    kLinks,    // what only bpf_links tell
  };
  Part part = Part::kNetns;
  Netns netns;  // kNetns
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  bool complete = true;    // false: what it did not see may be there all the same
  bool unchanged = false;  // as the look before at the same part, so the lists are left empty
  std::vector<std::string> unseen_hooks;  // that this host does not let us see: "tcx"
  std::vector<Device> devices;
  // On one hook in the order in which they run. Their own times are not filled in.
  std::vector<Attachment> attachments;
};

// The kernel told of one change. Not a look: nothing else is known of that moment.
struct AttachmentNotice {
  uint64_t time_ns = 0;  // when it was received; it happened before
  bool added = false;    // else removed
  Attachment attachment;
};

// The kernel told that a namespace has ended, or nobody leads to it any more.
struct NetnsLost {
  NetnsId netns;
  uint64_t time_ns = 0;
  bool ended = false;  // else it is only out of sight
};

using AttachmentNews = std::variant<AttachmentLook, AttachmentNotice, NetnsLost>;

// One call of bpf(2), as it ended (collector/bpf_calls.bpf.c).
struct BpfCallRecord {
  enum class Object : uint8_t { kNone, kMap, kProgram, kLink };
  uint64_t time_ns = 0;
  uint32_t cpu = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  uint32_t command = 0;  // enum bpf_cmd
  int64_t result = 0;    // a descriptor, 0, or an error below 0
  uint64_t duration_ns = 0;
  uint64_t cgroup_id = 0;  // of the caller
  std::string cgroup;      // its path below the cgroup2 mount; empty: unknown
  bool key_null = false;
  bool changed = false;  // the caller's memory was another one after the call than before it
  bool unread = false;   // the caller's memory could not be read, or not all of it
  uint32_t fd = 0;       // of the object: given, or returned
  Object object = Object::kNone;
  uint32_t object_id = 0;
  uint32_t object_type = 0;  // enum bpf_map_type or bpf_prog_type
  uint32_t key_size = 0;     // bytes
  uint32_t value_size = 0;   // bytes that a call copies: of all CPUs, where each has its own
  uint32_t max_entries = 0;
  uint32_t map_flags = 0;
  uint32_t link_id = 0;
  uint32_t target = 0;  // of an attachment: a descriptor or an interface's number
  uint32_t attach_type = 0;
  uint32_t attach_flags = 0;
  BpfTag tag = {};                  // a program's
  absl::string_view name;           // cut at 15 characters
  absl::Span<const uint8_t> key;    // or the path; no more than was asked for (--value-bytes)
  absl::Span<const uint8_t> value;  // or the next key
};

using RawEvent = std::variant<TracepointSample, KsymbolRecord, BpfProgramRecord, TaskRecord, Loss,
                              BpfCallRecord>;

// Where raw events go, in time order. Called on the one thread that runs the source.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnRawEvent(const RawEvent& event) = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_EVENT_H_
