// Packets and looks at hooks <-> messages. Names are interned, so the caller numbers and finds
// them. Pure.
#ifndef PROTO_PACKET_VALUES_H_
#define PROTO_PACKET_VALUES_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "proto/trace.pb.h"
#include "symbolize/correlated_event.h"

namespace correlate {

using NumberString = absl::FunctionRef<uint32_t(absl::string_view)>;
using FindString = absl::FunctionRef<absl::string_view(uint32_t)>;

pb::Context ToProto(Context context);
pb::Link ToProto(CapturedPacket::Link link);
void ToProto(const Packet& packet, NumberString number, pb::Packet* message);
void ToProto(const HookLook& look, NumberString number, pb::HookLook* message);

Context FromProto(pb::Context context);
CapturedPacket::Link FromProto(pb::Link link);
Packet FromProto(const pb::Packet& message, FindString find);
HookLook FromProto(const pb::HookLook& message, FindString find);  // but for its id

}  // namespace correlate

#endif  // PROTO_PACKET_VALUES_H_
