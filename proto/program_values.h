// Programs, their code and their maps (collector/event.h, collector/program_image.h) <-> the
// messages of trace.proto, as values.h does with all else.
#ifndef PROTO_PROGRAM_VALUES_H_
#define PROTO_PROGRAM_VALUES_H_

#include "collector/event.h"
#include "collector/program_image.h"
#include "proto/trace.pb.h"
#include "symbolize/trace_sink.h"

namespace correlate {

void ToProto(const ProgramInfo& program, pb::Program* message);
void ToProto(const ProgramImage& image, pb::ProgramImage* message);
void ToProto(const BtfImage& btf, pb::Btf* message);
void ToProto(const MapInfo& map, pb::Map* message);
void ToProto(const MapSnapshot& snapshot, pb::MapSnapshot* message);

ProgramInfo FromProto(const pb::Program& message);
ProgramImage FromProto(const pb::ProgramImage& message);
BtfImage FromProto(const pb::Btf& message);
MapInfo FromProto(const pb::Map& message);
MapSnapshot FromProto(const pb::MapSnapshot& message);

// Parts of the above.
void ToProto(const ProgramFunction& function, pb::ProgramFunction* message);
void ToProto(const ProgramLine& line, pb::ProgramLine* message);
ProgramFunction FromProto(const pb::ProgramFunction& message);
ProgramLine FromProto(const pb::ProgramLine& message);

}  // namespace correlate

#endif  // PROTO_PROGRAM_VALUES_H_
