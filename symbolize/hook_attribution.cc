#include "symbolize/hook_attribution.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "symbolize/exit_verdict.h"
#include "symbolize/run_counts.h"

namespace correlate {
namespace {

using Hook = HookWalk::Hook;
using Kind = HookWalk::Kind;

bool IsTc(Hook hook) { return hook == Hook::kTcIngress || hook == Hook::kTcEgress; }
bool IsXdp(Hook hook) { return hook == Hook::kXdpNative || hook == Hook::kXdpGeneric; }

absl::string_view HookName(Kind kind) {
  switch (kind) {
    case Kind::kTcx:
      return "tcx";
    case Kind::kXdp:
      return "xdp";
    case Kind::kCgroup:
      return "cgroup";
    case Kind::kSocketFilter:
      return "socket";
    case Kind::kNetkit:
      return "netkit";
    case Kind::kTap:
      return "tap";
    case Kind::kClsBpf:
    case Kind::kClassifier:
    case Kind::kUnknown:
      return "tc";
  }
  return "tc";
}

// Where the entry stands among those of its kind, which run one after the other.
void Count(const HookLook& look, const HookWalk::Entry& entry, Attachment* attachment) {
  for (const HookWalk::Entry& other : look.walk.entries) {
    if (other.kind != entry.kind) continue;
    ++attachment->positions;
    if (&other == &entry) attachment->position = attachment->positions;
  }
}

Attachment AttachmentOf(const HookLook& look, const HookWalk::Entry& entry,
                        const NetnsNames& names) {
  Attachment attachment;
  attachment.hook = std::string(HookName(entry.kind));
  attachment.program_id = entry.program_id;
  attachment.link_id = entry.link_id;
  switch (look.walk.hook) {
    case Hook::kTcIngress:
    case Hook::kSocket:
      attachment.direction = "ingress";
      break;
    case Hook::kTcEgress:
    case Hook::kCgroupEgress:
      attachment.direction = "egress";
      break;
    case Hook::kXdpNative:
      attachment.mode = "native";
      break;
    case Hook::kXdpGeneric:
      attachment.mode = "generic";
      break;
    case Hook::kNetkit:
    case Hook::kNetfilter:
    case Hook::kTap:
    case Hook::kNone:
      break;
  }
  // The tables know the device of a netkit link: it is not the packet's, but the sending one.
  if (entry.kind == Kind::kNetkit) {
    Count(look, entry, &attachment);
    return attachment;
  }
  if (look.has_netns) {
    attachment.netns = look.netns;
    attachment.netns_name = std::string(names.Find(look.netns));
  }
  if (entry.kind == Kind::kTcx || entry.kind == Kind::kCgroup) Count(look, entry, &attachment);
  if (entry.kind == Kind::kCgroup) {
    attachment.attach_type = absl::StrCat("inet_", attachment.direction);
    attachment.cgroup_id = look.walk.cgroup_id;
  }
  if (entry.kind == Kind::kCgroup || entry.kind == Kind::kSocketFilter) return attachment;
  attachment.ifindex = look.ifindex;
  attachment.ifname = look.ifname;
  attachment.chain = entry.chain;
  attachment.pref = entry.pref;
  attachment.handle = entry.handle;
  return attachment;
}

// A program that was detached just now (kernel/bpf/syscall.c, bpf_prog_free_id), or one that could
// not be read.
bool IsNamelessProgram(const HookWalk::Entry& entry) {
  return entry.program_id == 0 && entry.kind != Kind::kClassifier && entry.kind != Kind::kClsBpf &&
         entry.kind != Kind::kSocketFilter;
}

// Something attached that no program id is known of.
std::string OtherInWords(const HookLook& look, const HookWalk::Entry& entry) {
  if (IsNamelessProgram(entry)) return "a program that has lost its id";
  if (entry.kind == Kind::kSocketFilter) return "a classic filter";
  std::string what = "classic BPF";
  if (entry.kind == Kind::kClassifier) {
    what = entry.classifier.empty() ? "a classifier" : entry.classifier;
  }
  return IsTc(look.walk.hook) ? absl::StrCat(what, " at pref ", entry.pref) : what;
}

// What speaks against certainty, in plain words; empty: nothing. `programs`: different ones there.
std::vector<std::string> Doubts(const HookLook& look, size_t programs, bool confirmed) {
  std::vector<std::string> doubts;
  const HookWalk& walk = look.walk;
  std::vector<std::string> others;
  bool other_protocol = false;
  bool not_direct = false;
  for (const HookWalk::Entry& entry : walk.entries) {
    other_protocol |= entry.other_protocol;
    not_direct |= entry.not_direct;
    if (entry.program_id == 0) others.push_back(OtherInWords(look, entry));
  }
  if (programs > 1) doubts.push_back(absl::StrCat("one of ", programs, " programs there"));
  if (!others.empty()) {
    doubts.push_back(
        absl::StrCat(absl::StrJoin(others, ", "), programs > 0 ? " may drop too" : " may drop"));
  }
  if (walk.shared_block) doubts.push_back("the filters are a shared block's");
  if (not_direct) doubts.push_back("a filter without direct-action leaves the verdict to actions");
  if (other_protocol) doubts.push_back("a filter there is for another protocol than the packet's");
  if (walk.truncated) doubts.push_back("more is attached than was looked at");
  if (walk.broken) doubts.push_back("a part of what is attached could not be read");
  if (walk.hook == Hook::kSocket) {
    doubts.push_back("a classic filter or a security module gives the same reason");
  }
  if (!confirmed) doubts.push_back("nothing confirms that it was there a moment before");
  return doubts;
}

bool SaysRefused(absl::string_view reason) {
  return reason == "TC_INGRESS" || reason == "TC_EGRESS";
}

std::string VerdictOf(Hook hook, absl::string_view reason, bool exceptions_recorded) {
  // A redirect that fails has no reason of its own: the place where it was freed told.
  if (IsTc(hook)) {
    return SaysRefused(reason) ? "TC_ACT_SHOT" : "TC_ACT_REDIRECT";
  }
  if (!IsXdp(hook)) return "";
  // The kernel gives a reason of its own to a redirect of generic XDP that fails. XDP_ABORTED and
  // unknown actions have the same reason as XDP_DROP, and only their exceptions tell them apart.
  if (reason == "XDP") return "XDP_REDIRECT";
  return exceptions_recorded ? "XDP_DROP" : "";
}

// By what the last program returned for this packet; nullopt: that says nothing here.
std::optional<HookJudgement> JudgeByExit(const HookLook& look, absl::string_view reason,
                                         const NetnsNames& names) {
  const HookWalk::Exit& exit = look.walk.exit;
  HookJudgement judgement;
  HookJudgement::Suspect suspect = {.program_id = exit.program_id};
  uint32_t last_program = 0;
  bool in_order = true;
  for (const HookWalk::Entry& entry : look.walk.entries) {
    in_order &= entry.chain == 0;
    if (entry.program_id != 0) last_program = entry.program_id;
    if (entry.program_id != exit.program_id) continue;
    if (entry.not_direct) return std::nullopt;  // it returned a class, not a verdict
    suspect.attachments.push_back(AttachmentOf(look, entry, names));
  }
  if (look.walk.hook == Hook::kNetfilter) {
    // The tables know the rest.
    Attachment attachment;
    attachment.hook = "netfilter";
    attachment.program_id = exit.program_id;
    attachment.netns = look.netns;
    attachment.netns_name = std::string(names.Find(look.netns));
    suspect.attachments.push_back(std::move(attachment));
  }
  if (exit.program_id == 0 || suspect.attachments.empty()) return std::nullopt;
  if (suspect.attachments.size() > 1) {
    // Which of its places it was, the run counts may tell.
    const auto last = LastThatRan(look.walk);
    if (!last.has_value() || look.walk.entries[*last].program_id != exit.program_id) {
      return std::nullopt;
    }
    suspect.attachments = {AttachmentOf(look, look.walk.entries[*last], names)};
  }
  const std::string where = HookInWords(look);
  judgement.settled = true;
  if (auto verdict = DroppingVerdict(look.walk.hook, exit.verdict, SaysRefused(reason))) {
    judgement.evidence = Evidence::kVerdict;
    judgement.why = absl::StrCat("what it returned for this packet on ", where);
    judgement.verdict = *std::move(verdict);
    if (exit.part_id != 0) {
      suspect.program_id = exit.part_id;
      for (Attachment& attachment : suspect.attachments) {
        attachment.dispatcher_id = std::exchange(attachment.program_id, exit.part_id);
      }
    }
    judgement.suspects.push_back(std::move(suspect));
    return judgement;
  }
  // Those before it let the packet pass too, or it would not have come so far.
  if (look.walk.hook == Hook::kCgroupEgress || look.walk.hook == Hook::kSocket) return std::nullopt;
  if (last_program != exit.program_id || !in_order || look.walk.truncated || look.walk.broken) {
    return std::nullopt;
  }
  judgement.why = absl::StrCat(
      "the last program on ", where, " let this packet pass (",
      VerdictName(look.walk.hook, exit.verdict), "): ",
      IsTc(look.walk.hook) ? "something else there dropped it" : "it was freed for something else");
  return judgement;
}

}  // namespace

std::vector<HookJudgement::Suspect> SuspectsOf(const HookLook& look, const NetnsNames& names) {
  std::vector<HookJudgement::Suspect> suspects;
  for (const HookWalk::Entry& entry : look.walk.entries) {
    if (entry.program_id == 0) continue;
    auto known = std::find_if(suspects.begin(), suspects.end(), [&](const auto& suspect) {
      return suspect.program_id == entry.program_id;
    });
    if (known == suspects.end()) {
      known = suspects.insert(suspects.end(), {.program_id = entry.program_id});
    }
    known->attachments.push_back(AttachmentOf(look, entry, names));
  }
  return suspects;
}

void AddEarlierSuspects(const std::vector<HookJudgement::Suspect>& earlier,
                        HookJudgement* judgement) {
  bool added = false;
  for (const HookJudgement::Suspect& suspect : earlier) {
    const bool known =
        std::any_of(judgement->suspects.begin(), judgement->suspects.end(),
                    [&](const auto& other) { return other.program_id == suspect.program_id; });
    if (known || suspect.program_id == 0) continue;
    judgement->suspects.push_back(suspect);
    added = true;
  }
  if (!added) return;
  judgement->evidence = Evidence::kCandidates;
  judgement->verdict.clear();
  judgement->why += "; the list had just changed, and those of before are named too";
}

std::string HookInWords(const HookLook& look) {
  const std::string device =
      look.ifname.empty() ? absl::StrCat("ifindex ", look.ifindex) : look.ifname;
  switch (look.walk.hook) {
    case Hook::kTcIngress:
      return absl::StrCat("tc ingress of ", device);
    case Hook::kTcEgress:
      return absl::StrCat("tc egress of ", device);
    case Hook::kXdpNative:
      return absl::StrCat("native XDP of ", device);
    case Hook::kXdpGeneric:
      return absl::StrCat("generic XDP of ", device);
    case Hook::kCgroupEgress:
      return "egress of the socket's cgroup";
    case Hook::kSocket:
      return "the receiving socket and its cgroup";
    case Hook::kNetkit:
      return absl::StrCat("netkit towards ", device);
    case Hook::kNetfilter:
      return "netfilter";
    case Hook::kTap:
      return absl::StrCat("the filter of tap ", device);
    case Hook::kNone:
      break;
  }
  return "no hook";
}

HookJudgement JudgeHook(const HookLook& look, bool confirmed, absl::string_view reason,
                        bool exceptions_recorded, const NetnsNames& names,
                        absl::FunctionRef<bool(uint32_t)> may_run_elsewhere) {
  if (auto by_exit = JudgeByExit(look, reason, names)) return *std::move(by_exit);
  HookJudgement judgement;
  const std::vector<HookWalk::Entry>& entries = look.walk.entries;
  const auto runs_elsewhere = [&](const HookWalk::Entry& entry) {
    return may_run_elsewhere(entry.program_id);
  };
  if (const auto last = LastThatRan(look.walk);
      last.has_value() && std::none_of(entries.begin(), entries.end(), runs_elsewhere)) {
    const HookWalk::Entry& entry = entries[*last];
    judgement.suspects.push_back(
        {.program_id = entry.program_id, .attachments = {AttachmentOf(look, entry, names)}});
    judgement.evidence = Evidence::kVerdict;
    judgement.verdict = VerdictOf(look.walk.hook, reason, exceptions_recorded);
    judgement.why = absl::StrCat("of ", entries.size(), " on ", HookInWords(look),
                                 " it was the last to run, by the programs' run counts");
    judgement.settled = true;
    return judgement;
  }
  judgement.suspects = SuspectsOf(look, names);
  const std::string where = HookInWords(look);
  const std::vector<std::string> doubts = Doubts(look, judgement.suspects.size(), confirmed);
  if (judgement.suspects.empty()) {
    const bool nameless = std::any_of(entries.begin(), entries.end(), IsNamelessProgram);
    judgement.why = absl::StrCat(
        nameless ? "no BPF program that can be named on " : "no BPF program on ", where);
    // Doubts about a program are none about its absence, but for these.
    if (!entries.empty() || look.walk.broken || look.walk.truncated) {
      absl::StrAppend(&judgement.why, ": ", absl::StrJoin(doubts, "; "));
    }
    return judgement;
  }
  if (doubts.empty()) {
    judgement.evidence = Evidence::kSole;
    judgement.verdict = VerdictOf(look.walk.hook, reason, exceptions_recorded);
    judgement.why = absl::StrCat("the only program on ", where);
    const size_t times = judgement.suspects.front().attachments.size();
    if (times > 1) absl::StrAppend(&judgement.why, ", attached there ", times, " times");
    return judgement;
  }
  judgement.evidence = Evidence::kCandidates;
  judgement.why = absl::StrCat("on ", where, ": ", absl::StrJoin(doubts, "; "));
  return judgement;
}

}  // namespace correlate
