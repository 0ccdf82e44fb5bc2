// The values of symbolize/ and collector/event.h <-> the messages of trace.proto, field by field;
// programs and their maps are in program_values.h.
// Reading never fails: what a message leaves out keeps its default, and numbers outside an
// enumeration become "unknown". Pure functions.
#ifndef PROTO_VALUES_H_
#define PROTO_VALUES_H_

#include "collector/event.h"
#include "proto/trace.pb.h"
#include "symbolize/correlated_event.h"
#include "symbolize/trace_sink.h"

namespace correlate {

pb::FrameKind ToProto(FrameKind kind);
FrameKind FromProto(pb::FrameKind kind);
pb::Evidence ToProto(Evidence evidence);
Evidence FromProto(pb::Evidence evidence);

void ToProto(const BlamedProgram& program, pb::BlamedProgram* message);
void ToProto(const RecordingFacts& facts, pb::Recording* message);
void ToProto(const EventFormat& format, pb::Format* message);
void ToProto(const ClockReading& clocks, pb::ClockReading* message);
void ToProto(const Netns& netns, pb::Netns* message);
void ToProto(const Device& device, pb::Device* message);
void ToProto(const Attachment& attachment, pb::Attachment* message);
void ToProto(const Loss& loss, pb::Loss* message);
void ToProto(const EventCounts& counts, pb::EventCounts* message);
void ToProto(const HostCounters& counters, pb::HostCounters* message);
void ToProto(const XdpActionCounts& counts, pb::XdpActionCounts* message);
void ToProto(const Note& note, pb::Note* message);
void ToProto(const RecordingEnd& end, pb::End* message);

BlamedProgram FromProto(const pb::BlamedProgram& message);
RecordingFacts FromProto(const pb::Recording& message);
EventFormat FromProto(const pb::Format& message);
ClockReading FromProto(const pb::ClockReading& message);
Netns FromProto(const pb::Netns& message);
Device FromProto(const pb::Device& message);
Attachment FromProto(const pb::Attachment& message);
Loss FromProto(const pb::Loss& message);
EventCounts FromProto(const pb::EventCounts& message);
HostCounters FromProto(const pb::HostCounters& message);
XdpActionCounts FromProto(const pb::XdpActionCounts& message);
Note FromProto(const pb::Note& message);
RecordingEnd FromProto(const pb::End& message);

// Parts of the above.
void ToProto(const FormatField& field, pb::Field* message);
void ToProto(const NetnsId& id, pb::NetnsId* message);
FormatField FromProto(const pb::Field& message);
NetnsId FromProto(const pb::NetnsId& message);

}  // namespace correlate

#endif  // PROTO_VALUES_H_
