#include "query/known_event_keys.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "query/event_view.h"
#include "render/event_fields.h"
#include "render/packet_text.h"
#include "render/wording.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

using Form = EventKey::Form;
using Of = EventKey::Of;

void VisitText(absl::string_view text, ValueVisitor visitor) {
  if (!text.empty()) visitor(EventValue::Text(text));
}

void VisitField(const CorrelatedEvent& event, absl::string_view name, ValueVisitor visitor) {
  const FormatField* field = FindField(*event.format, name);
  if (field == nullptr) return;
  if (field->is_array || field->is_dynamic) {
    if (const auto text = FieldText(event, name)) visitor(EventValue::Text(*text));
    return;
  }
  const auto value = ReadInteger(*field, event.raw);
  if (!value.has_value()) return;
  if (field->is_pointer || field->is_code) return visitor(EventValue::Hexadecimal(*value));
  const absl::string_view text = EnumName(*field, static_cast<int64_t>(*value));
  if (!text.empty()) return visitor(EventValue::Named(text, *value));
  visitor(field->is_signed ? EventValue::Signed(static_cast<int64_t>(*value))
                           : EventValue::Number(*value));
}

// ---- What an event tells itself

void VisitEventName(const EventView& view, const EventKey&, ValueVisitor visitor) {
  visitor(EventValue::Text(view.event().format->FullName()));
}
void VisitTime(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const auto realtime = view.clock().RealtimeNs(view.event().time_ns);
  if (realtime.has_value()) visitor(EventValue::Named(FormatRfc3339(*realtime), *realtime));
}
void VisitTimeNs(const EventView& view, const EventKey&, ValueVisitor visitor) {
  visitor(EventValue::Number(view.event().time_ns));
}
void VisitCpu(const EventView& view, const EventKey&, ValueVisitor visitor) {
  visitor(EventValue::Number(view.event().cpu));
}
void VisitPid(const EventView& view, const EventKey&, ValueVisitor visitor) {
  visitor(EventValue::Signed(view.event().pid));
}
void VisitTid(const EventView& view, const EventKey&, ValueVisitor visitor) {
  visitor(EventValue::Signed(view.event().tid));
}
void VisitComm(const EventView& view, const EventKey&, ValueVisitor visitor) {
  VisitText(view.event().comm, visitor);
}
void VisitContext(const EventView& view, const EventKey&, ValueVisitor visitor) {
  VisitText(ContextName(view.event().context), visitor);
}
void VisitStackOmitted(const EventView& view, const EventKey&, ValueVisitor visitor) {
  if (view.event().stack_omitted) visitor(EventValue::Text("true"));
}
void VisitHost(const EventView& view, const EventKey&, ValueVisitor visitor) {
  VisitText(view.host(), visitor);
}
void VisitFields(const EventView& view, const EventKey& key, ValueVisitor visitor) {
  VisitField(view.event(), key.path, visitor);
}

// The drop reason; of an XDP exception the action.
void VisitReason(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const CorrelatedEvent& event = view.event();
  const FormatField* action = FindField(*event.format, "act");
  if (FindField(*event.format, "reason") != nullptr || action == nullptr) {
    return VisitField(event, "reason", visitor);
  }
  const auto value = ReadInteger(*action, event.raw);
  if (!value.has_value()) return;
  const absl::string_view name = EnumName(*action, static_cast<int64_t>(*value));
  visitor(EventValue::Named(
      name.empty() ? absl::StrCat("XDP action ", *value) : absl::StrCat("XDP_", name), *value));
}

void VisitLocation(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Frame* frame = LocationOf(view.event());
  if (frame == nullptr || (frame->symbol.empty() && !view.addresses())) return;
  visitor(EventValue::Text(SymbolText(*frame)));
}

// ---- The packet

// The one attachment that the event is blamed on; null where there is another number of them.
const Attachment* OnlyAttachment(const CorrelatedEvent& event) {
  if (event.attribution == nullptr || event.attribution->programs.size() != 1) return nullptr;
  const auto& attachments = event.attribution->programs.front().attachments;
  return attachments.size() == 1 ? &attachments.front() : nullptr;
}

void VisitNetnsName(absl::string_view name, const NetnsId& netns, ValueVisitor visitor) {
  if (netns.inode == 0) return;
  visitor(name.empty() ? EventValue::Number(netns.inode) : EventValue::Named(name, netns.inode));
}

void VisitIfname(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && !packet->ifname.empty()) return VisitText(packet->ifname, visitor);
  if (packet != nullptr && packet->ifindex != 0) return;
  if (const Attachment* at = OnlyAttachment(view.event())) VisitText(at->ifname, visitor);
}

void VisitNetns(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->has_netns) {
    return VisitNetnsName(view.netns_names().Find(packet->netns), packet->netns, visitor);
  }
  if (const Attachment* at = OnlyAttachment(view.event())) {
    VisitNetnsName(at->netns_name, at->netns, visitor);
  }
}

void LabelDevice(const EventView& view, std::string* label) {
  const CorrelatedEvent& event = view.event();
  const Packet* packet = event.packet;
  if (packet != nullptr && packet->ifindex != 0) {
    absl::StrAppend(
        label, packet->ifname.empty() ? absl::StrCat("ifindex ", packet->ifindex) : packet->ifname);
    if (!packet->has_netns) return;
    const absl::string_view name = view.netns_names().Find(packet->netns);
    absl::StrAppend(label, " (netns ",
                    name.empty() ? absl::StrCat(packet->netns.inode) : std::string(name), ")");
  } else if (const Attachment* at = OnlyAttachment(event)) {
    absl::StrAppend(label, at->ifname, " (", DescribeNetns(*at), ")");
  } else {
    VisitField(event, "ifindex", [&](const EventValue& value) {
      absl::StrAppend(label, "ifindex ", value.number, " of an unknown namespace");
    });
  }
}
void VisitDevice(const EventView& view, const EventKey&, ValueVisitor visitor) {
  std::string label;
  LabelDevice(view, &label);
  VisitText(label, visitor);
}

// Of the packet, or of the one inside its tunnel.
template <const PacketHeaders Packet::*headers>
struct Headers {
  static const PacketHeaders* Of(const EventView& view) {
    const Packet* packet = view.event().packet;
    if (packet == nullptr) return nullptr;
    const PacketHeaders& found = packet->*headers;
    return found.family == IpFamily::kNone ? nullptr : &found;
  }
  static void Family(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr) VisitText(FamilyName(found->family), visitor);
  }
  static void Src(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr) visitor(EventValue::Address(found->family, found->src));
  }
  static void Dst(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr) visitor(EventValue::Address(found->family, found->dst));
  }
  static void L4(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr && found->has_l4) {
      visitor(EventValue::Named(L4Name(found->l4), found->l4));
    }
  }
  static void Sport(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr && ShowsPorts(*found)) visitor(EventValue::Number(found->sport));
  }
  static void Dport(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr && ShowsPorts(*found)) visitor(EventValue::Number(found->dport));
  }
  static void Fragment(const EventView& view, const EventKey&, ValueVisitor visitor) {
    const PacketHeaders* found = Of(view);
    if (found != nullptr && found->fragment) visitor(EventValue::Text("true"));
  }
};
using Outer = Headers<&Packet::outer>;
using Inner = Headers<&Packet::inner>;

void VisitPacketIfindex(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->ifindex != 0) visitor(EventValue::Number(packet->ifindex));
}
void VisitPacketIfname(const EventView& view, const EventKey&, ValueVisitor visitor) {
  if (view.event().packet != nullptr) VisitText(view.event().packet->ifname, visitor);
}
void VisitPacketNetns(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->has_netns) visitor(EventValue::Number(packet->netns.inode));
}
void VisitPacketNetnsName(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->has_netns) {
    VisitText(view.netns_names().Find(packet->netns), visitor);
  }
}
void VisitPacketNetnsCookie(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->has_netns && packet->netns.cookie != 0) {
    visitor(EventValue::Number(packet->netns.cookie));
  }
}
void VisitPacketLength(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->length_bytes != 0) {
    visitor(EventValue::Number(packet->length_bytes));
  }
}
void VisitPacketSegments(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->length_bytes != 0) {
    visitor(EventValue::Number(std::max(packet->segments, 1U)));
  }
}
void VisitPacketVlan(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Packet* packet = view.event().packet;
  if (packet != nullptr && packet->has_vlan) visitor(EventValue::Number(packet->vlan_id));
}
void VisitPacketTunnel(const EventView& view, const EventKey&, ValueVisitor visitor) {
  if (view.event().packet != nullptr) VisitText(TunnelName(view.event().packet->tunnel), visitor);
}

// ---- The stack and the attribution

void LabelStack(const EventView& view, std::string* label) {
  const Stack* stack = view.event().stack;
  if (stack == nullptr) return;
  for (auto frame = stack->frames.rbegin(); frame != stack->frames.rend(); ++frame) {
    if (!label->empty()) *label += ';';
    AppendFrameName(**frame, label);
  }
}
void VisitStackText(const EventView& view, const EventKey&, ValueVisitor visitor) {
  std::string text;
  LabelStack(view, &text);
  VisitText(text, visitor);
}

template <typename Visit>
void EachProgram(const EventView& view, const Visit& visit) {
  if (view.event().attribution == nullptr) return;
  for (const BlamedProgram& program : view.event().attribution->programs) visit(program);
}

void VisitProgram(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachProgram(view, [&](const BlamedProgram& program) {
    visitor(EventValue::Named(program.name, program.id));
  });
}
void LabelProgram(const EventView& view, std::string* label) {
  EachProgram(view, [&](const BlamedProgram& program) {
    absl::StrAppend(label, label->empty() ? "" : " or ", program.name, " #", program.id);
  });
}
void VisitTag(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachProgram(view, [&](const BlamedProgram& program) { VisitText(program.tag, visitor); });
}
void VisitFunction(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachProgram(view, [&](const BlamedProgram& program) { VisitText(program.function, visitor); });
}
void VisitLine(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachProgram(view, [&](const BlamedProgram& program) {
    if (program.line == 0) return;
    const size_t slash = program.file.rfind('/') + 1;  // npos + 1 is 0
    visitor(EventValue::Named(absl::StrCat(program.file.substr(slash), ":", program.line),
                              program.line));
  });
}

template <typename Visit>
void EachAttachment(const EventView& view, const Visit& visit) {
  EachProgram(view, [&](const BlamedProgram& program) {
    for (const Attachment& attachment : program.attachments) visit(attachment);
  });
}
void VisitAttachment(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachAttachment(view, [&](const Attachment& attachment) {
    visitor(EventValue::Text(DescribeAttachment(attachment)));
  });
}
void VisitHook(const EventView& view, const EventKey&, ValueVisitor visitor) {
  EachAttachment(view, [&](const Attachment& attachment) { VisitText(attachment.hook, visitor); });
}
void LabelHook(const EventView& view, std::string* label) {
  std::vector<std::string> hooks;
  EachAttachment(view, [&](const Attachment& attachment) {
    hooks.push_back(
        absl::StrJoin({attachment.hook,
                       absl::StrCat(attachment.direction, attachment.mode, attachment.attach_type)},
                      " "));
  });
  std::sort(hooks.begin(), hooks.end());
  hooks.erase(std::unique(hooks.begin(), hooks.end()), hooks.end());
  *label = absl::StrJoin(hooks, " or ");
}
void VisitCgroup(const EventView& view, const EventKey&, ValueVisitor visitor) {
  if (FindField(*view.event().format, "cgroup") != nullptr) {
    return VisitField(view.event(), "cgroup", visitor);
  }
  EachAttachment(view,
                 [&](const Attachment& attachment) { VisitText(attachment.cgroup, visitor); });
}
void VisitEvidence(const EventView& view, const EventKey&, ValueVisitor visitor) {
  const Attribution* attribution = view.event().attribution;
  if (attribution != nullptr) VisitText(EvidenceName(attribution->evidence), visitor);
}

void VisitJson(const Json& json, absl::string_view path, ValueVisitor visitor) {
  if (json.is_array()) {
    for (const Json& element : json) VisitJson(element, path, visitor);
    return;
  }
  if (json.is_object()) {
    const size_t dot = path.find('.');
    const auto found = json.find(std::string(path.substr(0, dot)));
    if (found == json.end()) return;
    return VisitJson(*found, dot == absl::string_view::npos ? "" : path.substr(dot + 1), visitor);
  }
  if (!path.empty()) return;
  if (json.is_boolean()) return visitor(EventValue::Text(json.get<bool>() ? "true" : "false"));
  if (json.is_number_unsigned()) return visitor(EventValue::Number(json.get<uint64_t>()));
  if (json.is_number_integer()) return visitor(EventValue::Signed(json.get<int64_t>()));
  if (!json.is_string()) return;
  // 64-bit values are strings.
  const std::string& text = json.get_ref<const std::string&>();
  uint64_t number;
  if (absl::SimpleAtoi(text, &number) ||
      (absl::StartsWith(text, "0x") && absl::SimpleHexAtoi(text, &number))) {
    return visitor(EventValue::Named(text, number));
  }
  visitor(EventValue::Text(text));
}
void VisitAttributionPath(const EventView& view, const EventKey& key, ValueVisitor visitor) {
  if (view.event().attribution != nullptr) VisitJson(view.AttributionJson(), key.path, visitor);
}
void VisitStackPath(const EventView& view, const EventKey& key, ValueVisitor visitor) {
  if (view.event().stack != nullptr) VisitJson(view.StackJson(), key.path, visitor);
}

// ---- Names

struct Known {
  absl::string_view name;
  Form form;
  Of of;
  void (*visit)(const EventView&, const EventKey&, ValueVisitor);
  void (*label)(const EventView&, std::string*) = nullptr;
};

constexpr auto kShort = std::to_array<Known>({
    {"event", Form::kText, Of::kEvent, VisitEventName},
    {"reason", Form::kAny, Of::kEvent, VisitReason},
    {"program", Form::kAny, Of::kAttribution, VisitProgram, LabelProgram},
    {"tag", Form::kText, Of::kAttribution, VisitTag},
    {"function", Form::kText, Of::kAttribution, VisitFunction},
    {"line", Form::kAny, Of::kAttribution, VisitLine},
    {"attachment", Form::kText, Of::kAttribution, VisitAttachment},
    {"hook", Form::kText, Of::kAttribution, VisitHook, LabelHook},
    {"evidence", Form::kText, Of::kAttribution, VisitEvidence},
    {"location", Form::kText, Of::kEvent, VisitLocation},
    {"device", Form::kText, Of::kEvent, VisitDevice},
    {"ifname", Form::kText, Of::kEvent, VisitIfname},
    {"netns", Form::kAny, Of::kEvent, VisitNetns},
    {"src", Form::kAddress, Of::kEvent, Outer::Src},
    {"dst", Form::kAddress, Of::kEvent, Outer::Dst},
    {"sport", Form::kNumber, Of::kEvent, Outer::Sport},
    {"dport", Form::kNumber, Of::kEvent, Outer::Dport},
    {"l4", Form::kAny, Of::kEvent, Outer::L4},
    {"stack", Form::kText, Of::kStack, VisitStackText},
    {"comm", Form::kText, Of::kEvent, VisitComm},
    {"pid", Form::kNumber, Of::kEvent, VisitPid},
    {"cgroup", Form::kText, Of::kEvent, VisitCgroup},
    {"cpu", Form::kNumber, Of::kEvent, VisitCpu},
    {"context", Form::kText, Of::kEvent, VisitContext},
    {"host", Form::kText, Of::kEvent, VisitHost},
});

constexpr auto kLong = std::to_array<Known>({
    {"time", Form::kTime, Of::kEvent, VisitTime},
    {"time_ns", Form::kNumber, Of::kEvent, VisitTimeNs},
    {"tid", Form::kNumber, Of::kEvent, VisitTid},
    {"stack_omitted", Form::kText, Of::kEvent, VisitStackOmitted},
    {"packet.ifindex", Form::kNumber, Of::kEvent, VisitPacketIfindex},
    {"packet.ifname", Form::kText, Of::kEvent, VisitPacketIfname},
    {"packet.netns", Form::kNumber, Of::kEvent, VisitPacketNetns},
    {"packet.netns_name", Form::kText, Of::kEvent, VisitPacketNetnsName},
    {"packet.netns_cookie", Form::kNumber, Of::kEvent, VisitPacketNetnsCookie},
    {"packet.length", Form::kNumber, Of::kEvent, VisitPacketLength},
    {"packet.segments", Form::kNumber, Of::kEvent, VisitPacketSegments},
    {"packet.vlan", Form::kNumber, Of::kEvent, VisitPacketVlan},
    {"packet.tunnel", Form::kText, Of::kEvent, VisitPacketTunnel},
    {"packet.family", Form::kText, Of::kEvent, Outer::Family},
    {"packet.src", Form::kAddress, Of::kEvent, Outer::Src},
    {"packet.dst", Form::kAddress, Of::kEvent, Outer::Dst},
    {"packet.l4", Form::kAny, Of::kEvent, Outer::L4},
    {"packet.sport", Form::kNumber, Of::kEvent, Outer::Sport},
    {"packet.dport", Form::kNumber, Of::kEvent, Outer::Dport},
    {"packet.fragment", Form::kText, Of::kEvent, Outer::Fragment},
    {"packet.inner.family", Form::kText, Of::kEvent, Inner::Family},
    {"packet.inner.src", Form::kAddress, Of::kEvent, Inner::Src},
    {"packet.inner.dst", Form::kAddress, Of::kEvent, Inner::Dst},
    {"packet.inner.l4", Form::kAny, Of::kEvent, Inner::L4},
    {"packet.inner.sport", Form::kNumber, Of::kEvent, Inner::Sport},
    {"packet.inner.dport", Form::kNumber, Of::kEvent, Inner::Dport},
    {"packet.inner.fragment", Form::kText, Of::kEvent, Inner::Fragment},
});

// Below "stack." and "attribution.": what json_event.cc prints.
constexpr auto kStackPaths = std::to_array<absl::string_view>(
    {"address", "symbol", "offset", "kind", "module", "program_id", "function", "file", "line"});
constexpr auto kAttributionPaths = std::to_array<absl::string_view>({
    "evidence",
    "verdict",
    "why",
    "programs.id",
    "programs.name",
    "programs.tag",
    "programs.type",
    "programs.function",
    "programs.file",
    "programs.line",
    "programs.attachments.hook",
    "programs.attachments.direction",
    "programs.attachments.mode",
    "programs.attachments.kind",
    "programs.attachments.ifname",
    "programs.attachments.ifindex",
    "programs.attachments.netns",
    "programs.attachments.netns_name",
    "programs.attachments.chain",
    "programs.attachments.pref",
    "programs.attachments.handle",
    "programs.attachments.block",
    "programs.attachments.attach_type",
    "programs.attachments.cgroup_id",
    "programs.attachments.cgroup",
    "programs.attachments.family",
    "programs.attachments.point",
    "programs.attachments.priority",
    "programs.attachments.position",
    "programs.attachments.positions",
    "programs.attachments.dispatcher_id",
    "programs.attachments.link_id",
});

EventKey FromKnown(const Known& known) {
  return {.name = std::string(known.name),
          .path = "",
          .form = known.form,
          .of = known.of,
          .visit = known.visit,
          .label = known.label};
}

template <size_t N>
bool Has(const std::array<absl::string_view, N>& paths, absl::string_view path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace

std::optional<EventKey> FindEventKey(absl::string_view name) {
  for (const Known& known : kShort) {
    if (known.name == name) return FromKnown(known);
  }
  for (const Known& known : kLong) {
    if (known.name == name) return FromKnown(known);
  }
  const std::pair<absl::string_view, absl::string_view> split =
      absl::StrSplit(name, absl::MaxSplits('.', 1));
  const auto [family, path] = split;
  EventKey key{.name = std::string(name), .path = std::string(path), .form = Form::kAny};
  if (family == "fields" && !path.empty()) {
    key.visit = VisitFields;
    return key;
  }
  if (family == "stack" && Has(kStackPaths, path)) {
    key.of = Of::kStack;
    key.visit = VisitStackPath;
    return key;
  }
  if (family == "attribution" && Has(kAttributionPaths, path)) {
    key.of = Of::kAttribution;
    key.visit = VisitAttributionPath;
    return key;
  }
  return std::nullopt;
}

std::vector<std::string> AllEventKeys() {
  std::vector<std::string> names = ShortEventKeys();
  for (const Known& known : kLong) names.emplace_back(known.name);
  for (const absl::string_view path : kStackPaths) names.push_back(absl::StrCat("stack.", path));
  for (const absl::string_view path : kAttributionPaths) {
    names.push_back(absl::StrCat("attribution.", path));
  }
  return names;
}

std::vector<std::string> ShortEventKeys() {
  std::vector<std::string> names;
  names.reserve(kShort.size());
  for (const Known& known : kShort) names.emplace_back(known.name);
  return names;
}

}  // namespace correlate
