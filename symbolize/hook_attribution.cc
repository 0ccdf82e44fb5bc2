#include "symbolize/hook_attribution.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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
    case Hook::kNone:
      break;
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

std::vector<HookJudgement::Suspect> Suspects(const HookLook& look, const NetnsNames& names) {
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

// What speaks against certainty, in plain words; empty: nothing.
std::vector<std::string> Doubts(const HookLook& look, bool confirmed) {
  std::vector<std::string> doubts;
  const HookWalk& walk = look.walk;
  std::vector<std::string> others;
  size_t programs = 0;
  bool other_protocol = false;
  bool not_direct = false;
  for (const HookWalk::Entry& entry : walk.entries) {
    programs += entry.program_id != 0;
    other_protocol |= entry.other_protocol;
    not_direct |= entry.not_direct;
    if (entry.program_id != 0) continue;
    const absl::string_view what = entry.kind == Kind::kClassifier
                                       ? absl::string_view(entry.classifier)
                                   : entry.kind == Kind::kClsBpf ? "classic BPF"
                                                                 : "classic filter";
    others.push_back(IsTc(walk.hook) ? absl::StrCat(what, " at pref ", entry.pref)
                                     : std::string(what));
  }
  if (programs > 1) doubts.push_back(absl::StrCat("one of ", programs, " programs there"));
  if (!others.empty()) doubts.push_back(absl::StrCat(absl::StrJoin(others, ", "), " may drop too"));
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

std::string VerdictOf(Hook hook, absl::string_view reason) {
  if (IsTc(hook)) return "TC_ACT_SHOT";
  // The kernel gives a reason of its own to a redirect of generic XDP that fails.
  if (IsXdp(hook)) return reason == "XDP" ? "XDP_REDIRECT" : "XDP_DROP";
  return "";
}

}  // namespace

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
    case Hook::kNone:
      break;
  }
  return "no hook";
}

HookJudgement JudgeHook(const HookLook& look, bool confirmed, absl::string_view reason,
                        const NetnsNames& names,
                        absl::FunctionRef<bool(uint32_t)> may_run_elsewhere) {
  HookJudgement judgement;
  const std::vector<HookWalk::Entry>& entries = look.walk.entries;
  const bool counts_hold = std::none_of(entries.begin(), entries.end(), [&](const auto& entry) {
    return may_run_elsewhere(entry.program_id);
  });
  if (const auto last = LastThatRan(look.walk); last.has_value() && counts_hold) {
    const HookWalk::Entry& entry = entries[*last];
    judgement.suspects.push_back(
        {.program_id = entry.program_id, .attachments = {AttachmentOf(look, entry, names)}});
    judgement.evidence = Evidence::kVerdict;
    judgement.verdict = VerdictOf(look.walk.hook, reason);
    judgement.why = absl::StrCat("of ", entries.size(), " on ", HookInWords(look),
                                 " it was the last to run, by the programs' run counts");
    return judgement;
  }
  judgement.suspects = Suspects(look, names);
  const std::string where = HookInWords(look);
  const std::vector<std::string> doubts = Doubts(look, confirmed);
  if (judgement.suspects.empty()) {
    judgement.why = absl::StrCat("no BPF program on ", where);
    // Doubts about a program are none about its absence, but for these.
    if (!look.walk.entries.empty() || look.walk.broken || look.walk.truncated) {
      absl::StrAppend(&judgement.why, ": ", absl::StrJoin(doubts, "; "));
    }
    return judgement;
  }
  if (doubts.empty()) {
    judgement.evidence = Evidence::kSole;
    judgement.verdict = VerdictOf(look.walk.hook, reason);
    judgement.why = absl::StrCat("the only program on ", where);
    return judgement;
  }
  judgement.evidence = Evidence::kCandidates;
  judgement.why = absl::StrCat("on ", where, ": ", absl::StrJoin(doubts, "; "));
  return judgement;
}

}  // namespace correlate
