// What a look at a hook says about who dropped the packet there. Pure.
//
// `sole` only where nothing else on the hook can drop: no other program (one that is attached twice
// is no other), no classifier or action that is no BPF program, no shared block, no jump, and where
// the look is confirmed (hook_looks.h).
// `verdict` where the last program that returned for this very packet returned what the packet was
// freed for (exit_verdict.h), or where the programs' run counts tell the last one that ran
// (run_counts.h);
// `may_run_elsewhere` says of a program that it is attached to another place too, so that its
// counts prove nothing. Else `candidates`, in running order. Hooks behind which other things stand
// that the look does not show (a classic socket filter, a security module) never yield more than
// `candidates`.
#ifndef SYMBOLIZE_HOOK_ATTRIBUTION_H_
#define SYMBOLIZE_HOOK_ATTRIBUTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"
#include "symbolize/correlated_event.h"
#include "symbolize/netns_names.h"

namespace correlate {

struct HookJudgement {
  struct Suspect {
    uint32_t program_id = 0;
    std::vector<Attachment> attachments;
  };
  Evidence evidence = Evidence::kNone;
  std::string verdict;  // only with kSole and kVerdict; empty: unknown
  std::string why;
  std::vector<Suspect> suspects;  // in running order, each program once
  bool settled = false;           // it holds whatever was on the hook a moment before
};

// `reason` is the drop reason's name, or empty. `exceptions_recorded`: an XDP exception of this
// packet would have been seen.
HookJudgement JudgeHook(const HookLook& look, bool confirmed, absl::string_view reason,
                        bool exceptions_recorded, const NetnsNames& names,
                        absl::FunctionRef<bool(uint32_t program_id)> may_run_elsewhere);

// Adds those that may have been on the hook a moment before what the look saw, each program once:
// `none` becomes `candidates`, and so says that the list had changed.
void AddEarlierSuspects(const std::vector<HookJudgement::Suspect>& earlier,
                        HookJudgement* judgement);
std::vector<HookJudgement::Suspect> SuspectsOf(const HookLook& look, const NetnsNames& names);

// "tc ingress of veth1", for sentences.
std::string HookInWords(const HookLook& look);

}  // namespace correlate

#endif  // SYMBOLIZE_HOOK_ATTRIBUTION_H_
