#include "symbolize/sampled_stacks.h"

#include "absl/strings/str_cat.h"

namespace correlate {

void SampledStacks::Add(const Kind& kind, const Attribution& attribution) {
  Known& known = known_[kind];
  const bool names_one =
      attribution.evidence == Evidence::kStack && attribution.programs.size() == 1;
  if (known.several) return;
  if (!names_one) {
    // Also where all of them name nobody: then there is nobody to name.
    known.several = known.program.has_value();
    if (known.version != 0 && !known.several) return;
    known.program.reset();
    known.version = ++versions_;
    return;
  }
  const BlamedProgram& program = attribution.programs.front();
  if (known.version == 0) {
    known.program = program;
    known.verdict = attribution.verdict;
    known.version = ++versions_;
    return;
  }
  if (!known.program.has_value() || known.program->id != program.id ||
      known.program->load_time_ns != program.load_time_ns) {
    known.several = true;
    known.program.reset();
    known.version = ++versions_;
    return;
  }
  const bool same_line = known.program->function == program.function &&
                         known.program->file == program.file && known.program->line == program.line;
  if (same_line || known.program->function.empty()) return;
  // The program is the same, the place in it is not.
  known.program->function.clear();
  known.program->file.clear();
  known.program->line = 0;
  known.version = ++versions_;
}

uint64_t SampledStacks::Version(const Kind& kind) const {
  const auto known = known_.find(kind);
  return known == known_.end() ? 0 : known->second.version;
}

Attribution SampledStacks::Of(const Kind& kind, const Attribution& alone) const {
  Attribution answer = alone;
  answer.id = 0;
  const auto known = known_.find(kind);
  if (known == known_.end() || known->second.version == 0) {
    answer.why = absl::StrCat(
        "no callchain was taken of this drop, nor of others of its kind yet; ", alone.why);
  } else if (known->second.several) {
    answer.why =
        "no callchain was taken of this drop, and those of its kind name several, or some of them "
        "nobody";
  } else if (!known->second.program.has_value()) {
    answer.why = "no callchain was taken of this drop, and those of its kind show no BPF program";
  } else {
    answer.evidence = Evidence::kSampled;
    answer.verdict = known->second.verdict;
    answer.programs = {*known->second.program};
    answer.why =
        "no callchain was taken of this drop; all that were of its kind show it freed inside this "
        "program's call";
  }
  return answer;
}

}  // namespace correlate
