#include "export/protobuf_rows.h"

#include "absl/container/flat_hash_map.h"
#include "export/row_writer.h"
#include "export/rows.pb.h"
#include "export/stack_number.h"
#include "render/packet_text.h"
#include "render/wording.h"

namespace correlate {
namespace {

class EventRows : public RowWriter {
 public:
  EventRows(const Disclosure& disclosure, std::ostream& out)
      : RowWriter(out), disclosure_(disclosure) {
    if (!disclosure.addresses) HideAddresses();
  }

  void OnEvent(const CorrelatedEvent& event) override {
    EventView::OnEvent(event);
    row_.Clear();
    SetHost(&row_);
    row_.set_time_ns(Realtime(event.time_ns));
    row_.set_time_mono_ns(event.time_ns);
    row_.set_event(ValidUtf8(event.format->FullName()));
    row_.set_cpu(event.cpu);
    row_.set_pid(event.pid);
    row_.set_tid(event.tid);
    row_.set_comm(ValidUtf8(event.comm));
    row_.set_context(std::string(ContextName(event.context)));
    Visit(reason_, [&](const EventValue& value) {
      row_.set_reason(value.number);
      row_.set_reason_name(ValidUtf8(value.text));
    });
    Visit(location_, [&](const EventValue& value) { row_.set_location(ValidUtf8(value.text)); });
    SetPacket(event);
    SetAttribution(event);
    if (event.stack != nullptr) {
      if (stacks_.size() >= kMostRemembered) stacks_.clear();
      const auto [number, is_new] = stacks_.try_emplace(event.stack->id);
      if (is_new) number->second = StackNumber(*event.stack);
      row_.set_stack(number->second);
    }
    row_.set_stack_omitted(event.stack_omitted);
    if (event.format->system != "skb" && event.format->system != "xdp") {
      const Json fields = FieldsToJson(event, disclosure_);
      for (const auto& [name, value] : fields.items()) {
        (*row_.mutable_fields())[name] =
            value.is_string() ? value.get<std::string>() : value.dump();
      }
    }
    Write(row_);
  }

 private:
  static constexpr size_t kMostRemembered = 4096;

  void SetPacket(const CorrelatedEvent& event) {
    Visit(ifname_, [&](const EventValue& value) { row_.set_ifname(ValidUtf8(value.text)); });
    Visit(netns_, [&](const EventValue& value) {
      row_.set_netns(value.number);
      row_.set_netns_name(ValidUtf8(value.text));
    });
    const Packet* packet = event.packet;
    if (packet == nullptr) return;
    row_.set_ifindex(packet->ifindex);
    row_.set_length(packet->length_bytes);
    row_.set_segments(packet->segments);
    if (packet->has_vlan) row_.set_vlan(packet->vlan_id);
    row_.set_tunnel(std::string(TunnelName(packet->tunnel)));
    const PacketHeaders& outer = packet->outer;
    row_.set_src(AddressText(outer.family, outer.src));
    row_.set_dst(AddressText(outer.family, outer.dst));
    if (outer.has_l4) {
      row_.set_l4(outer.l4);
      row_.set_l4_name(L4Name(outer.l4));
    }
    if (outer.has_ports) {
      row_.set_sport(outer.sport);
      row_.set_dport(outer.dport);
    }
    const PacketHeaders& inner = packet->inner;
    row_.set_inner_src(AddressText(inner.family, inner.src));
    row_.set_inner_dst(AddressText(inner.family, inner.dst));
    if (inner.has_l4) {
      row_.set_inner_l4(inner.l4);
      row_.set_inner_l4_name(L4Name(inner.l4));
    }
    if (inner.has_ports) {
      row_.set_inner_sport(inner.sport);
      row_.set_inner_dport(inner.dport);
    }
  }

  void SetAttribution(const CorrelatedEvent& event) {
    if (event.attribution == nullptr) return;
    const Attribution& attribution = *event.attribution;
    row_.set_evidence(std::string(EvidenceName(attribution.evidence)));
    row_.set_verdict(ValidUtf8(attribution.verdict));
    row_.set_why(ValidUtf8(attribution.why));
    for (const BlamedProgram& program : attribution.programs) {
      row_.add_program_ids(program.id);
      row_.add_programs(ValidUtf8(program.name));
      row_.add_tags(program.tag);
      row_.add_functions(ValidUtf8(program.function));
      row_.add_files(ValidUtf8(program.file));
      row_.add_lines(program.line);
      row_.add_attachments(
          program.attachments.empty() ? "" : DescribeAttachment(program.attachments.front()));
    }
    if (hook_.label != nullptr) hook_.label(*this, row_.mutable_hook());
    row_.set_hook(ValidUtf8(row_.hook()));
  }

  const Disclosure disclosure_;
  const EventKey reason_ = *ParseEventKey("reason");
  const EventKey location_ = *ParseEventKey("location");
  const EventKey ifname_ = *ParseEventKey("ifname");
  const EventKey netns_ = *ParseEventKey("netns");
  const EventKey hook_ = *ParseEventKey("hook");
  absl::flat_hash_map<uint64_t, uint64_t> stacks_;  // numbers by id
  rows::Event row_;                                 // used again: its strings keep their memory
};

}  // namespace

std::unique_ptr<TraceSink> MakeProtobufRows(const ExportOptions& options, std::ostream& out) {
  return std::make_unique<EventRows>(options.disclosure, out);
}

}  // namespace correlate
