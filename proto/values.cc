#include "proto/values.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"

namespace correlate {
namespace {

constexpr std::pair<FrameKind, pb::FrameKind> kFrameKinds[] = {
    {FrameKind::kUnknown, pb::FRAME_KIND_UNKNOWN},
    {FrameKind::kKernel, pb::FRAME_KIND_KERNEL},
    {FrameKind::kModule, pb::FRAME_KIND_MODULE},
    {FrameKind::kBpf, pb::FRAME_KIND_BPF},
    {FrameKind::kBpfTrampoline, pb::FRAME_KIND_BPF_TRAMPOLINE},
    {FrameKind::kBpfDispatcher, pb::FRAME_KIND_BPF_DISPATCHER},
    {FrameKind::kUser, pb::FRAME_KIND_USER},
};

constexpr std::pair<Evidence, pb::Evidence> kEvidences[] = {
    {Evidence::kNone, pb::EVIDENCE_NONE},       {Evidence::kCandidates, pb::EVIDENCE_CANDIDATES},
    {Evidence::kSampled, pb::EVIDENCE_SAMPLED}, {Evidence::kSole, pb::EVIDENCE_SOLE},
    {Evidence::kStack, pb::EVIDENCE_STACK},     {Evidence::kVerdict, pb::EVIDENCE_VERDICT},
    {Evidence::kEvent, pb::EVIDENCE_EVENT},
};

using Repeated = google::protobuf::RepeatedPtrField<std::string>;

void Copy(const std::vector<std::string>& from, Repeated* to) {
  to->Assign(from.begin(), from.end());
}
std::vector<std::string> Copy(const Repeated& from) { return {from.begin(), from.end()}; }

}  // namespace

pb::FrameKind ToProto(FrameKind kind) {
  for (const auto& [value, message] : kFrameKinds) {
    if (value == kind) return message;
  }
  return pb::FRAME_KIND_UNKNOWN;
}

FrameKind FromProto(pb::FrameKind kind) {
  for (const auto& [value, message] : kFrameKinds) {
    if (message == kind) return value;
  }
  return FrameKind::kUnknown;
}

pb::Evidence ToProto(Evidence evidence) {
  for (const auto& [value, message] : kEvidences) {
    if (value == evidence) return message;
  }
  return pb::EVIDENCE_NONE;
}

// An evidence of a later version is none that this one can vouch for.
Evidence FromProto(pb::Evidence evidence) {
  for (const auto& [value, message] : kEvidences) {
    if (message == evidence) return value;
  }
  return Evidence::kNone;
}

void ToProto(const BlamedProgram& program, pb::BlamedProgram* message) {
  message->set_id(program.id);
  message->set_load_time_ns(program.load_time_ns);
  message->set_name(program.name);
  message->set_type_name(program.type_name);
  message->set_function(program.function);
  message->set_file(program.file);
  message->set_line(program.line);
  message->set_tag(absl::HexStringToBytes(program.tag));
  for (const Attachment& attachment : program.attachments) {
    ToProto(attachment, message->add_attachments());
  }
}

BlamedProgram FromProto(const pb::BlamedProgram& message) {
  BlamedProgram program;
  program.id = message.id();
  program.load_time_ns = message.load_time_ns();
  program.name = message.name();
  program.type_name = message.type_name();
  program.function = message.function();
  program.file = message.file();
  program.line = message.line();
  program.tag = absl::BytesToHexString(message.tag());
  for (const pb::Attachment& attachment : message.attachments()) {
    program.attachments.push_back(FromProto(attachment));
  }
  return program;
}

void ToProto(const RecordingFacts& facts, pb::Recording* message) {
  message->set_hostname(facts.hostname);
  message->set_kernel_release(facts.kernel_release);
  message->set_kernel_version(facts.kernel_version);
  message->set_machine(facts.machine);
  message->set_boot_id(facts.boot_id);
  message->set_online_cpus(facts.online_cpus);
  message->set_memory_bytes(facts.memory_bytes);
  message->set_tool_version(facts.tool_version);
  message->set_stacks(facts.stacks);
  message->set_max_stack(facts.max_stack);
  message->set_stack_rate(facts.stack_rate);
  message->set_snaplen(facts.snaplen);
  message->set_max_rate(facts.max_rate + 1);  // no limit becomes 0
  message->set_part(facts.part);
  message->set_ring_bytes_per_cpu(facts.ring_bytes_per_cpu);
  message->set_side_band_ring_bytes_per_cpu(facts.side_band_ring_bytes_per_cpu);
  Copy(facts.command_line, message->mutable_command_line());
  Copy(facts.requested_events, message->mutable_requested_events());
  Copy(facts.enabled_events, message->mutable_enabled_events());
  Copy(facts.synthetic_events, message->mutable_synthetic_events());
  Copy(facts.call_events, message->mutable_call_events());
  message->set_value_bytes(facts.value_bytes);
  Copy(facts.enriched_events, message->mutable_enriched_events());
  Copy(facts.filters, message->mutable_filters());
}

RecordingFacts FromProto(const pb::Recording& message) {
  RecordingFacts facts;
  facts.hostname = message.hostname();
  facts.kernel_release = message.kernel_release();
  facts.kernel_version = message.kernel_version();
  facts.machine = message.machine();
  facts.boot_id = message.boot_id();
  facts.online_cpus = message.online_cpus();
  facts.memory_bytes = message.memory_bytes();
  facts.tool_version = message.tool_version();
  facts.stacks = message.stacks();
  facts.max_stack = message.max_stack();
  facts.stack_rate = message.stack_rate();
  facts.snaplen = message.snaplen();
  facts.max_rate = message.max_rate() - 1;
  facts.part = message.part();
  facts.ring_bytes_per_cpu = message.ring_bytes_per_cpu();
  facts.side_band_ring_bytes_per_cpu = message.side_band_ring_bytes_per_cpu();
  facts.command_line = Copy(message.command_line());
  facts.requested_events = Copy(message.requested_events());
  facts.enabled_events = Copy(message.enabled_events());
  facts.synthetic_events = Copy(message.synthetic_events());
  facts.call_events = Copy(message.call_events());
  facts.value_bytes = message.value_bytes();
  facts.enriched_events = Copy(message.enriched_events());
  facts.filters = Copy(message.filters());
  return facts;
}

void ToProto(const FormatField& field, pb::Field* message) {
  message->set_name(field.name);
  message->set_type(field.type);
  message->set_offset(field.offset);
  message->set_size(field.size);
  message->set_is_signed(field.is_signed);
  message->set_is_pointer(field.is_pointer);
  message->set_is_array(field.is_array);
  message->set_is_string(field.is_string);
  message->set_is_dynamic(field.is_dynamic);
  message->set_is_code(field.is_code);
  for (const auto& [value, name] : field.names) {
    pb::EnumName* written = message->add_names();
    written->set_value(value);
    written->set_name(name);
  }
}

FormatField FromProto(const pb::Field& message) {
  FormatField field;
  field.name = message.name();
  field.type = message.type();
  field.offset = message.offset();
  field.size = message.size();
  field.is_signed = message.is_signed();
  field.is_pointer = message.is_pointer();
  field.is_array = message.is_array();
  field.is_string = message.is_string();
  field.is_dynamic = message.is_dynamic();
  field.is_code = message.is_code();
  for (const pb::EnumName& name : message.names()) {
    field.names.emplace_back(name.value(), name.name());
  }
  return field;
}

void ToProto(const EventFormat& format, pb::Format* message) {
  message->set_id(format.id);
  message->set_system(format.system);
  message->set_name(format.name);
  message->set_text(format.text);
  message->set_synthetic(format.synthetic);
  for (const FormatField& field : format.fields) ToProto(field, message->add_fields());
  for (const PrintPiece& piece : format.print) {
    pb::PrintPiece* written = message->add_print();
    written->set_literal(piece.literal);
    written->set_field(piece.field);
    written->set_conversion(piece.conversion);
  }
}

EventFormat FromProto(const pb::Format& message) {
  EventFormat format;
  format.id = message.id();
  format.system = message.system();
  format.name = message.name();
  format.text = message.text();
  format.synthetic = message.synthetic();
  for (const pb::Field& field : message.fields()) format.fields.push_back(FromProto(field));
  for (const pb::PrintPiece& piece : message.print()) {
    format.print.push_back({piece.literal(), piece.field(), piece.conversion()});
  }
  return format;
}

void ToProto(const ClockReading& clocks, pb::ClockReading* message) {
  message->set_monotonic_ns(clocks.monotonic_ns);
  message->set_realtime_ns(clocks.realtime_ns);
  message->set_boottime_ns(clocks.boottime_ns);
}

ClockReading FromProto(const pb::ClockReading& message) {
  ClockReading clocks;
  clocks.monotonic_ns = message.monotonic_ns();
  clocks.realtime_ns = message.realtime_ns();
  clocks.boottime_ns = message.boottime_ns();
  return clocks;
}

void ToProto(const NetnsId& id, pb::NetnsId* message) {
  message->set_inode(id.inode);
  message->set_cookie(id.cookie);
}

NetnsId FromProto(const pb::NetnsId& message) {
  NetnsId id;
  id.inode = message.inode();
  id.cookie = message.cookie();
  return id;
}

void ToProto(const Netns& netns, pb::Netns* message) {
  message->set_name(netns.name);
  message->set_from_ns(netns.from_ns);
  message->set_to_ns(netns.to_ns);
  message->set_absent_before_ns(netns.absent_before_ns);
  message->set_absent_after_ns(netns.absent_after_ns);
  message->set_own(netns.own);
  message->set_heard(netns.heard);
  ToProto(netns.id, message->mutable_id());
}

Netns FromProto(const pb::Netns& message) {
  Netns netns;
  netns.name = message.name();
  netns.from_ns = message.from_ns();
  netns.to_ns = message.to_ns();
  netns.absent_before_ns = message.absent_before_ns();
  netns.absent_after_ns = message.absent_after_ns();
  netns.own = message.own();
  netns.heard = message.heard();
  netns.id = FromProto(message.id());
  return netns;
}

void ToProto(const Device& device, pb::Device* message) {
  message->set_ifindex(device.ifindex);
  message->set_ifname(device.ifname);
  message->set_kind(device.kind);
  message->set_from_ns(device.from_ns);
  message->set_to_ns(device.to_ns);
  message->set_absent_before_ns(device.absent_before_ns);
  message->set_absent_after_ns(device.absent_after_ns);
  ToProto(device.netns, message->mutable_netns());
}

Device FromProto(const pb::Device& message) {
  Device device;
  device.ifindex = message.ifindex();
  device.ifname = message.ifname();
  device.kind = message.kind();
  device.from_ns = message.from_ns();
  device.to_ns = message.to_ns();
  device.absent_before_ns = message.absent_before_ns();
  device.absent_after_ns = message.absent_after_ns();
  device.netns = FromProto(message.netns());
  return device;
}

void ToProto(const Attachment& attachment, pb::Attachment* message) {
  message->set_hook(attachment.hook);
  message->set_direction(attachment.direction);
  message->set_mode(attachment.mode);
  message->set_program_id(attachment.program_id);
  message->set_netns_name(attachment.netns_name);
  message->set_ifindex(attachment.ifindex);
  message->set_ifname(attachment.ifname);
  message->set_chain(attachment.chain);
  message->set_pref(attachment.pref);
  message->set_handle(attachment.handle);
  message->set_link_id(attachment.link_id);
  message->set_from_ns(attachment.from_ns);
  message->set_to_ns(attachment.to_ns);
  message->set_absent_before_ns(attachment.absent_before_ns);
  message->set_absent_after_ns(attachment.absent_after_ns);
  message->set_own_netns(attachment.own_netns);
  message->set_kind(attachment.kind);
  message->set_position(attachment.position);
  message->set_positions(attachment.positions);
  message->set_block(attachment.block);
  message->set_dispatcher_id(attachment.dispatcher_id);
  message->set_attach_type(attachment.attach_type);
  message->set_cgroup_id(attachment.cgroup_id);
  message->set_cgroup(attachment.cgroup);
  message->set_family(attachment.family);
  message->set_point(attachment.point);
  message->set_priority(attachment.priority);
  ToProto(attachment.netns, message->mutable_netns());
}

Attachment FromProto(const pb::Attachment& message) {
  Attachment attachment;
  attachment.hook = message.hook();
  attachment.direction = message.direction();
  attachment.mode = message.mode();
  attachment.program_id = message.program_id();
  attachment.netns_name = message.netns_name();
  attachment.ifindex = message.ifindex();
  attachment.ifname = message.ifname();
  attachment.chain = message.chain();
  attachment.pref = message.pref();
  attachment.handle = message.handle();
  attachment.link_id = message.link_id();
  attachment.from_ns = message.from_ns();
  attachment.to_ns = message.to_ns();
  attachment.absent_before_ns = message.absent_before_ns();
  attachment.absent_after_ns = message.absent_after_ns();
  attachment.own_netns = message.own_netns();
  attachment.kind = message.kind();
  attachment.position = message.position();
  attachment.positions = message.positions();
  attachment.block = message.block();
  attachment.dispatcher_id = message.dispatcher_id();
  attachment.attach_type = message.attach_type();
  attachment.cgroup_id = message.cgroup_id();
  attachment.cgroup = message.cgroup();
  attachment.family = message.family();
  attachment.point = message.point();
  attachment.priority = message.priority();
  attachment.netns = FromProto(message.netns());
  return attachment;
}

void ToProto(const Loss& loss, pb::Loss* message) {
  message->set_from_ns(loss.from_ns);
  message->set_to_ns(loss.to_ns);
  message->set_cpu(loss.cpu);
  message->set_source(loss.source);
  message->set_count(loss.count);
}

Loss FromProto(const pb::Loss& message) {
  Loss loss;
  loss.from_ns = message.from_ns();
  loss.to_ns = message.to_ns();
  loss.cpu = message.cpu();
  loss.source = message.source();
  loss.count = message.count();
  return loss;
}

void ToProto(const EventCounts& counts, pb::EventCounts* message) {
  message->set_format(counts.format_id);
  message->set_cpu(counts.cpu);
  message->set_counted(counts.counted);
  message->set_written(counts.written);
  message->set_lost(counts.lost);
  message->set_missed(counts.missed);
  message->set_filtered(counts.filtered);
  message->set_only_counted(counts.only_counted);
}

EventCounts FromProto(const pb::EventCounts& message) {
  EventCounts counts;
  counts.format_id = message.format();
  counts.cpu = message.cpu();
  counts.counted = message.counted();
  counts.written = message.written();
  counts.lost = message.lost();
  counts.missed = message.missed();
  counts.filtered = message.filtered();
  counts.only_counted = message.only_counted();
  return counts;
}

void ToProto(const HostCounters& counters, pb::HostCounters* message) {
  message->set_time_ns(counters.time_ns);
  message->set_source(counters.source);
  if (counters.netns.inode != 0) ToProto(counters.netns, message->mutable_netns());
  message->set_ifindex(counters.ifindex);
  message->set_ifname(counters.ifname);
  message->set_label(counters.label);
  for (const HostCounters::Counter& counter : counters.counters) {
    message->add_names(counter.name);
    message->add_values(counter.value);
  }
}

HostCounters FromProto(const pb::HostCounters& message) {
  HostCounters counters;
  counters.time_ns = message.time_ns();
  counters.source = message.source();
  counters.netns = FromProto(message.netns());
  counters.ifindex = message.ifindex();
  counters.ifname = message.ifname();
  counters.label = message.label();
  for (int i = 0; i < std::min(message.names_size(), message.values_size()); ++i) {
    counters.counters.push_back({message.names(i), message.values(i)});
  }
  return counters;
}

void ToProto(const XdpActionCounts& counts, pb::XdpActionCounts* message) {
  message->set_program_id(counts.program_id);
  message->set_aborted(counts.aborted);
  message->set_drop(counts.drop);
  message->set_pass(counts.pass);
  message->set_tx(counts.tx);
  message->set_redirect(counts.redirect);
  message->set_unknown(counts.unknown);
}

XdpActionCounts FromProto(const pb::XdpActionCounts& message) {
  XdpActionCounts counts;
  counts.program_id = message.program_id();
  counts.aborted = message.aborted();
  counts.drop = message.drop();
  counts.pass = message.pass();
  counts.tx = message.tx();
  counts.redirect = message.redirect();
  counts.unknown = message.unknown();
  return counts;
}

void ToProto(const Note& note, pb::Note* message) {
  message->set_time_ns(note.time_ns);
  message->set_text(note.text);
}

Note FromProto(const pb::Note& message) {
  Note note;
  note.time_ns = message.time_ns();
  note.text = message.text();
  return note;
}

void ToProto(const RecordingEnd& end, pb::End* message) {
  message->set_time_ns(end.time_ns);
  message->set_events(end.events);
  message->set_lost(end.lost);
  message->set_missed(end.missed);
  message->set_out_of_order(end.out_of_order);
  message->set_reason(end.reason);
  message->set_cpu_time_ns(end.cpu_time_ns);
}

RecordingEnd FromProto(const pb::End& message) {
  RecordingEnd end;
  end.time_ns = message.time_ns();
  end.events = message.events();
  end.lost = message.lost();
  end.missed = message.missed();
  end.out_of_order = message.out_of_order();
  end.reason = message.reason();
  end.cpu_time_ns = message.cpu_time_ns();
  return end;
}

}  // namespace correlate
