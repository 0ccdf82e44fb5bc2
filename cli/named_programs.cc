#include "cli/named_programs.h"

#include "symbolize/raw_fields.h"

namespace correlate {

void NamedPrograms::Name(uint32_t program_id) {
  if (program_id != 0 && named_.insert(program_id).second) new_.push_back(program_id);
}

const FormatField* NamedPrograms::IdField(const EventFormat& format) {
  const auto [known, is_new] = id_fields_.try_emplace(&format);
  if (is_new && FindField(format, "prog_tag") != nullptr) known->second = FindField(format, "id");
  return known->second;
}

void NamedPrograms::OnEvent(const CorrelatedEvent& event) {
  // Events share both, and come in runs.
  if (event.attribution != nullptr &&
      std::exchange(last_attribution_, event.attribution) != event.attribution) {
    for (const BlamedProgram& program : event.attribution->programs) Name(program.id);
  }
  if (event.stack != nullptr && std::exchange(last_stack_, event.stack) != event.stack) {
    for (const Frame* frame : event.stack->frames) Name(frame->program_id);
  }
  if (!event.format->synthetic) return;
  const FormatField* id = IdField(*event.format);
  if (id != nullptr) Name(static_cast<uint32_t>(ReadInteger(*id, event.raw).value_or(0)));
}

}  // namespace correlate
