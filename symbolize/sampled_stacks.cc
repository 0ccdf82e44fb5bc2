#include "symbolize/sampled_stacks.h"

#include "absl/strings/str_cat.h"

namespace correlate {

void SampledStacks::Add(const EventKind& kind, const Attribution& attribution) {
  const BlamedProgram* program =
      attribution.evidence == Evidence::kStack && attribution.programs.size() == 1
          ? &attribution.programs.front()
          : nullptr;
  const auto [entry, is_new] = known_.try_emplace(kind);
  Known& known = entry->second;
  if (is_new) {
    if (program != nullptr) known.program = *program;
    known.verdict = attribution.verdict;
    known.version = ++versions_;
    return;
  }
  if (!known.agree) return;
  const bool same = program == nullptr
                        ? !known.program.has_value()
                        : known.program.has_value() && known.program->id == program->id &&
                              known.program->load_time_ns == program->load_time_ns;
  if (!same) {
    known.agree = false;
    known.version = ++versions_;
    return;
  }
  if (program == nullptr || known.program->function.empty()) return;
  if (known.program->function == program->function && known.program->file == program->file &&
      known.program->line == program->line) {
    return;
  }
  // The program is the same, the place in it is not.
  known.program->function.clear();
  known.program->file.clear();
  known.program->line = 0;
  known.version = ++versions_;
}

uint64_t SampledStacks::Version(const EventKind& kind) const {
  const auto known = known_.find(kind);
  return known == known_.end() ? 0 : known->second.version;
}

Attribution SampledStacks::Of(const EventKind& kind, const Attribution& alone) const {
  Attribution answer = alone;
  answer.id = 0;
  const auto known = known_.find(kind);
  if (known == known_.end()) {
    answer.why = absl::StrCat(
        "no callchain was taken of this drop, nor of others of its kind yet; ", alone.why);
  } else if (!known->second.agree) {
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
