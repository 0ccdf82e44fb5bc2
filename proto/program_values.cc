#include "proto/program_values.h"

#include <algorithm>
#include <string>

namespace correlate {
namespace {

std::string TagBytes(const BpfTag& tag) { return {tag.begin(), tag.end()}; }
BpfTag TagFrom(const std::string& bytes) {
  BpfTag tag = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), tag.size()), tag.begin());
  return tag;
}

}  // namespace

void ToProto(const ProgramFunction& function, pb::ProgramFunction* message) {
  message->set_address(function.address);
  message->set_length_bytes(function.length_bytes);
  message->set_name(function.name);
  message->set_tag(TagBytes(function.tag));
}

ProgramFunction FromProto(const pb::ProgramFunction& message) {
  ProgramFunction function;
  function.address = message.address();
  function.length_bytes = message.length_bytes();
  function.name = message.name();
  function.tag = TagFrom(message.tag());
  return function;
}

void ToProto(const ProgramLine& line, pb::ProgramLine* message) {
  message->set_address(line.address);
  message->set_file(line.file);
  message->set_line(line.line);
}

ProgramLine FromProto(const pb::ProgramLine& message) {
  ProgramLine line;
  line.address = message.address();
  line.file = message.file();
  line.line = message.line();
  return line;
}

void ToProto(const ProgramInfo& program, pb::Program* message) {
  message->set_id(program.id);
  message->set_type(program.type);
  message->set_type_name(program.type_name);
  message->set_name(program.name);
  message->set_load_time_ns(program.load_time_ns);
  message->set_unload_time_ns(program.unload_time_ns);
  message->set_uid(program.uid);
  message->set_btf_id(program.btf_id);
  message->set_opened(program.opened);
  message->set_ours(program.ours);
  message->set_tag(TagBytes(program.tag));
  message->mutable_map_ids()->Add(program.map_ids.begin(), program.map_ids.end());
  for (const ProgramFunction& function : program.functions) {
    ToProto(function, message->add_functions());
  }
  for (const ProgramLine& line : program.lines) ToProto(line, message->add_lines());
  message->set_loader_pid(program.loader_pid);
  message->set_loader_comm(program.loader_comm);
  message->set_loader_cgroup(program.loader_cgroup);
  for (const std::string& path : program.pins) message->add_pins(path);
  message->set_gpl_compatible(program.gpl_compatible);
  message->set_xlated_bytes(program.xlated_bytes);
  message->set_jited_bytes(program.jited_bytes);
  message->set_memlock_bytes(program.memlock_bytes);
  message->set_verified_instructions(program.verified_instructions);
  message->set_run_time_ns(program.run_time_ns);
  message->set_run_count(program.run_count);
  message->set_recursion_misses(program.recursion_misses);
}

ProgramInfo FromProto(const pb::Program& message) {
  ProgramInfo program;
  program.id = message.id();
  program.type = message.type();
  program.type_name = message.type_name();
  program.name = message.name();
  program.load_time_ns = message.load_time_ns();
  program.unload_time_ns = message.unload_time_ns();
  program.uid = message.uid();
  program.btf_id = message.btf_id();
  program.opened = message.opened();
  program.ours = message.ours();
  program.tag = TagFrom(message.tag());
  program.map_ids.assign(message.map_ids().begin(), message.map_ids().end());
  for (const pb::ProgramFunction& function : message.functions()) {
    program.functions.push_back(FromProto(function));
  }
  for (const pb::ProgramLine& line : message.lines()) program.lines.push_back(FromProto(line));
  program.loader_pid = message.loader_pid();
  program.loader_comm = message.loader_comm();
  program.loader_cgroup = message.loader_cgroup();
  program.pins.assign(message.pins().begin(), message.pins().end());
  program.gpl_compatible = message.gpl_compatible();
  program.xlated_bytes = message.xlated_bytes();
  program.jited_bytes = message.jited_bytes();
  program.memlock_bytes = message.memlock_bytes();
  program.verified_instructions = message.verified_instructions();
  program.run_time_ns = message.run_time_ns();
  program.run_count = message.run_count();
  program.recursion_misses = message.recursion_misses();
  return program;
}

void ToProto(const ProgramImage& image, pb::ProgramImage* message) {
  message->set_program_id(image.program_id);
  message->set_load_time_ns(image.load_time_ns);
  message->set_xlated(image.xlated);
  message->set_jited(image.jited);
  message->set_btf_id(image.btf_id);
  for (const ProgramImage::Function& function : image.functions) {
    pb::ImageFunction* to = message->add_functions();
    to->set_instruction(function.instruction);
    to->set_prototype(function.prototype);
    to->set_symbol(function.symbol);
    to->set_address(function.address);
    to->set_length_bytes(function.length_bytes);
  }
  for (const ProgramImage::Line& line : image.lines) {
    pb::ImageLine* to = message->add_lines();
    to->set_instruction(line.instruction);
    to->set_address(line.address);
    to->set_file(line.file);
    to->set_text(line.text);
    to->set_line(line.line);
    to->set_column(line.column);
  }
  for (const ProgramImage::Call& call : image.calls) {
    pb::ImageCall* to = message->add_calls();
    to->set_instruction(call.instruction);
    to->set_target(call.target);
    to->set_address(call.address);
  }
}

ProgramImage FromProto(const pb::ProgramImage& message) {
  ProgramImage image;
  image.program_id = message.program_id();
  image.load_time_ns = message.load_time_ns();
  image.xlated = message.xlated();
  image.jited = message.jited();
  image.btf_id = message.btf_id();
  for (const pb::ImageFunction& from : message.functions()) {
    image.functions.push_back(
        {from.instruction(), from.prototype(), from.symbol(), from.address(), from.length_bytes()});
  }
  for (const pb::ImageLine& from : message.lines()) {
    image.lines.push_back(
        {from.instruction(), from.address(), from.file(), from.text(), from.line(), from.column()});
  }
  for (const pb::ImageCall& from : message.calls()) {
    image.calls.push_back({from.instruction(), from.target(), from.address()});
  }
  return image;
}

void ToProto(const BtfImage& btf, pb::Btf* message) {
  message->set_id(btf.id);
  message->set_data(btf.data);
}

BtfImage FromProto(const pb::Btf& message) { return {message.id(), message.data()}; }

void ToProto(const MapInfo& map, pb::Map* message) {
  message->set_id(map.id);
  message->set_type(map.type);
  message->set_type_name(map.type_name);
  message->set_name(map.name);
  message->set_key_size(map.key_size);
  message->set_value_size(map.value_size);
  message->set_max_entries(map.max_entries);
  message->set_flags(map.flags);
  message->set_btf_id(map.btf_id);
  message->set_btf_key_type_id(map.btf_key_type_id);
  message->set_btf_value_type_id(map.btf_value_type_id);
  message->set_memlock_bytes(map.memlock_bytes);
  message->set_frozen(map.frozen);
  for (const std::string& path : map.pins) message->add_pins(path);
}

MapInfo FromProto(const pb::Map& message) {
  MapInfo map;
  map.id = message.id();
  map.type = message.type();
  map.type_name = message.type_name();
  map.name = message.name();
  map.key_size = message.key_size();
  map.value_size = message.value_size();
  map.max_entries = message.max_entries();
  map.flags = message.flags();
  map.btf_id = message.btf_id();
  map.btf_key_type_id = message.btf_key_type_id();
  map.btf_value_type_id = message.btf_value_type_id();
  map.memlock_bytes = message.memlock_bytes();
  map.frozen = message.frozen();
  map.pins.assign(message.pins().begin(), message.pins().end());
  return map;
}

void ToProto(const MapSnapshot& snapshot, pb::MapSnapshot* message) {
  message->set_map_id(snapshot.map_id);
  message->set_time_ns(snapshot.time_ns);
  message->set_reason(snapshot.reason);
  message->set_truncated(snapshot.truncated);
  for (const MapSnapshot::Entry& entry : snapshot.entries) {
    pb::MapEntry* to = message->add_entries();
    to->set_key(entry.key);
    to->set_value(entry.value);
  }
}

MapSnapshot FromProto(const pb::MapSnapshot& message) {
  MapSnapshot snapshot;
  snapshot.map_id = message.map_id();
  snapshot.time_ns = message.time_ns();
  snapshot.reason = message.reason();
  snapshot.truncated = message.truncated();
  for (const pb::MapEntry& entry : message.entries()) {
    snapshot.entries.push_back({entry.key(), entry.value()});
  }
  return snapshot;
}

}  // namespace correlate
