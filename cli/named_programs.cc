#include "cli/named_programs.h"

namespace correlate {

void NamedPrograms::Name(uint32_t program_id) {
  if (program_id != 0 && named_.insert(program_id).second) new_.push_back(program_id);
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
}

}  // namespace correlate
