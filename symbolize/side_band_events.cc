#include "symbolize/side_band_events.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

// enum bpf_prog_type (include/uapi/linux/bpf.h), in order.
constexpr absl::string_view kProgramTypes[] = {
    "UNSPEC",
    "SOCKET_FILTER",
    "KPROBE",
    "SCHED_CLS",
    "SCHED_ACT",
    "TRACEPOINT",
    "XDP",
    "PERF_EVENT",
    "CGROUP_SKB",
    "CGROUP_SOCK",
    "LWT_IN",
    "LWT_OUT",
    "LWT_XMIT",
    "SOCK_OPS",
    "SK_SKB",
    "CGROUP_DEVICE",
    "SK_MSG",
    "RAW_TRACEPOINT",
    "CGROUP_SOCK_ADDR",
    "LWT_SEG6LOCAL",
    "LIRC_MODE2",
    "SK_REUSEPORT",
    "FLOW_DISSECTOR",
    "CGROUP_SYSCTL",
    "RAW_TRACEPOINT_WRITABLE",
    "CGROUP_SOCKOPT",
    "TRACING",
    "STRUCT_OPS",
    "EXT",
    "LSM",
    "SK_LOOKUP",
    "SYSCALL",
    "NETFILTER",
};
constexpr int64_t kUnknown = -1;

// What the raw bytes look like; the field table below says the same.
struct RawProgramEvent {
  uint16_t common_type = 0;
  uint8_t common_flags = 0;
  uint8_t common_preempt_count = 0;
  int32_t common_pid = 0;
  uint8_t prog_tag[8] = {};
  int32_t type = static_cast<int32_t>(kUnknown);
  uint32_t id = 0;
  char name[64] = {};
};

struct Field {
  const char* type;
  const char* name;
  size_t offset;
  size_t size;
  bool is_signed;
  bool is_array;
};

#define CORRELATE_FIELD(member) offsetof(RawProgramEvent, member), sizeof(RawProgramEvent::member)
constexpr Field kFields[] = {
    {"unsigned short", "common_type", CORRELATE_FIELD(common_type), false, false},
    {"unsigned char", "common_flags", CORRELATE_FIELD(common_flags), false, false},
    {"unsigned char", "common_preempt_count", CORRELATE_FIELD(common_preempt_count), false, false},
    {"int", "common_pid", CORRELATE_FIELD(common_pid), true, false},
    {"u8", "prog_tag", CORRELATE_FIELD(prog_tag), false, true},
    {"int", "type", CORRELATE_FIELD(type), true, false},
    {"u32", "id", CORRELATE_FIELD(id), false, false},
    {"char", "name", CORRELATE_FIELD(name), true, true},
};
#undef CORRELATE_FIELD

EventFormat ProgramFormat(uint32_t format_id, absl::string_view name) {
  EventFormat format;
  format.id = format_id;
  format.system = "bpf";
  format.name = std::string(name);
  format.synthetic = true;
  format.text = absl::StrCat("name: ", name, "\nID: 0\nformat:\n");
  for (const Field& field : kFields) {
    FormatField& decoded = format.fields.emplace_back();
    decoded.name = field.name;
    decoded.offset = static_cast<uint32_t>(field.offset);
    decoded.size = static_cast<uint32_t>(field.size);
    decoded.is_signed = field.is_signed;
    decoded.is_array = field.is_array;
    decoded.is_string = field.is_array && decoded.name == "name";
    const std::string brackets = field.is_array ? absl::StrCat("[", field.size, "]") : "";
    decoded.type = absl::StrCat(field.type, brackets);
    absl::StrAppend(&format.text, "\tfield:", field.type, " ", field.name, brackets,
                    ";\toffset:", field.offset, ";\tsize:", field.size,
                    ";\tsigned:", field.is_signed ? 1 : 0, ";\n");
    if (decoded.name == "common_pid") format.text += "\n";
  }
  auto& names = std::find_if(format.fields.begin(), format.fields.end(), [](const FormatField& f) {
                  return f.name == "type";
                })->names;
  std::string symbols;
  for (size_t i = 0; i < std::size(kProgramTypes); ++i) {
    names.emplace_back(i, kProgramTypes[i]);
    absl::StrAppend(&symbols, "{ ", i, ", \"", kProgramTypes[i], "\" }, ");
  }
  names.emplace_back(kUnknown, "UNKNOWN");
  std::string tag_format;
  std::string tag_values;
  for (size_t i = 0; i < sizeof(RawProgramEvent::prog_tag); ++i) {
    tag_format += "%02x";
    absl::StrAppend(&tag_values, "REC->prog_tag[", i, "], ");
  }
  absl::StrAppend(&format.text, "\nprint fmt: \"prog=", tag_format, " type=%s id=%u name=%s\", ",
                  tag_values, "__print_symbolic(REC->type, ", symbols, "{ ", kUnknown,
                  ", \"UNKNOWN\" }), REC->id, REC->name\n");
  format.print = {{.literal = "prog="},  {.field = "prog_tag", .conversion = "%s"},
                  {.literal = " type="}, {.field = "type", .conversion = "%s"},
                  {.literal = " id="},   {.field = "id", .conversion = "%u"},
                  {.literal = " name="}, {.field = "name", .conversion = "%s"}};
  return format;
}

}  // namespace

EventFormat ProgramLoadFormat(uint32_t format_id) {
  return ProgramFormat(format_id, "bpf_prog_load");
}
EventFormat ProgramUnloadFormat(uint32_t format_id) {
  return ProgramFormat(format_id, "bpf_prog_put_rcu");
}

void EncodeProgramEvent(const BpfProgramRecord& record, const ProgramInfo* program,
                        std::vector<uint8_t>* raw) {
  RawProgramEvent event;
  event.common_pid = record.tid;
  std::memcpy(event.prog_tag, record.tag.data(), sizeof event.prog_tag);
  event.id = record.program_id;
  if (program != nullptr) {
    if (program->type != kUnknownProgramType) event.type = static_cast<int32_t>(program->type);
    std::memcpy(event.name, program->name.data(),
                std::min(program->name.size(), sizeof event.name - 1));
  }
  raw->resize(sizeof event);
  std::memcpy(raw->data(), &event, sizeof event);
}

}  // namespace correlate
