#include "symbolize/side_band_events.h"

#include "symbolize/bpf_names.h"

namespace correlate {
namespace {

constexpr int64_t kUnknown = -1;

SyntheticFormat ProgramFormat(absl::string_view name) {
  using Kind = SyntheticField::Kind;
  SyntheticField::Names types = NamesOf(kBpfProgramTypes);
  types.emplace_back(kUnknown, "UNKNOWN");
  return {name,
          {{"prog_tag", Kind::kTag, {}},
           {"type", Kind::kInt32, std::move(types)},
           {"id", Kind::kUint32, {}},
           {"name", Kind::kText, {}}},
          "prog={prog_tag} type={type} id={id:%u} name={name}"};
}

}  // namespace

SyntheticFormat ProgramLoadFormat() { return ProgramFormat("bpf_prog_load"); }
SyntheticFormat ProgramUnloadFormat() { return ProgramFormat("bpf_prog_put_rcu"); }

void EncodeProgramEvent(const SyntheticFormat& format, const BpfProgramRecord& record,
                        const ProgramInfo* program, std::vector<uint8_t>* raw) {
  const bool typed = program != nullptr && program->type != kUnknownProgramType;
  format.Encode(record.tid,
                {absl::Span<const uint8_t>(record.tag), typed ? int64_t{program->type} : kUnknown,
                 int64_t{record.program_id},
                 program != nullptr ? absl::string_view(program->name) : absl::string_view()},
                raw);
}

}  // namespace correlate
