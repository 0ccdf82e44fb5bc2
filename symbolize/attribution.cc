#include "symbolize/attribution.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collector/program_symbol.h"
#include "symbolize/hook_attribution.h"
#include "symbolize/look_confirmation.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

// Names before a compiler's suffix (".isra.0", ".cold").
absl::string_view BaseName(absl::string_view symbol) { return symbol.substr(0, symbol.find('.')); }

std::string XdpVerdict(const FormatField& field, uint64_t act) {
  const absl::string_view name = EnumName(field, static_cast<int64_t>(act));
  return name.empty() ? absl::StrCat("XDP action ", act) : absl::StrCat("XDP_", name);
}

// Drop reasons behind which a BPF program may stand that has returned before the packet is freed,
// with where it would be attached.
constexpr std::pair<absl::string_view, absl::string_view> kBpfReasons[] = {
    {"TC_INGRESS", "a tc or tcx filter on ingress"},
    {"TC_EGRESS", "a tc or tcx filter on egress"},
    {"XDP", "an XDP program"},
    {"BPF_CGROUP_EGRESS", "a cgroup egress program"},
    {"SOCKET_FILTER", "a socket filter or a cgroup ingress program"},
    {"TAP_FILTER", "a filter of the tap device"},
    {"NETFILTER_DROP", "a netfilter rule or program"},
};

// Where the kernel frees what an XDP program refused (drivers/net/veth.c, net/core/dev.c): the
// reason is NOT_SPECIFIED for every verdict alike.
bool FreedByXdpPath(const Stack& stack) {
  for (const Frame* frame : stack.frames) {
    if (IsContextBoundary(frame->symbol)) return false;
    const absl::string_view name = BaseName(frame->symbol);
    if (name == "veth_xdp_rcv_skb" || name == "do_xdp_generic") return true;
  }
  return false;
}

bool PointsToHook(absl::string_view reason) {
  return std::any_of(std::begin(kBpfReasons), std::end(kBpfReasons),
                     [&](const auto& entry) { return entry.first == reason; });
}

bool IsXdpHook(const HookLook& look) {
  return look.walk.hook == HookWalk::Hook::kXdpNative ||
         look.walk.hook == HookWalk::Hook::kXdpGeneric;
}

// Where looks saw a program, for the end of a sentence; empty: nowhere.
std::string SeenInWords(const std::vector<Attachment>& places) {
  if (places.empty()) return "";
  return absl::StrCat(
      ", seen on ", absl::StrJoin(places, ", ", [](std::string* out, const Attachment& place) {
        absl::StrAppend(
            out, place.ifname, " of netns ",
            place.netns_name.empty() ? absl::StrCat(place.netns.inode) : place.netns_name);
      }));
}

size_t PlacesOnHook(const HookLook& look, uint32_t program_id) {
  const auto& entries = look.walk.entries;
  return static_cast<size_t>(std::count_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.program_id == program_id;
  }));
}

// Whether the packet freed at this hook is that of the exception right before.
bool IsOfException(const HookLook& look, const Attribution& exception) {
  // Native XDP frees no sk_buff when it could not send or redirect one: drivers/net/veth.c.
  if (look.walk.hook == HookWalk::Hook::kXdpNative &&
      (exception.verdict == "XDP_TX" || exception.verdict == "XDP_REDIRECT")) {
    return false;
  }
  return IsXdpHook(look) && look.walk.entries.size() == 1 &&
         look.walk.entries.front().program_id != 0 &&
         look.walk.entries.front().program_id == exception.attached_id;
}

std::string WhyNoProgram(const std::optional<absl::string_view>& reason, const Stack* stack) {
  if (stack != nullptr && reason == "NOT_SPECIFIED" && FreedByXdpPath(*stack)) {
    return "freed by the XDP receive path after an XDP program's verdict; for ABORTED and unknown "
           "actions an xdp:xdp_exception names the program";
  }
  for (const auto& [name, suspect] : kBpfReasons) {
    if (reason != name) continue;
    return absl::StrCat(name, " points to ", suspect,
                        ", which has returned by then; the event does not tell which");
  }
  if (stack == nullptr) return "no callchain was recorded";
  if (!reason.has_value()) return "no BPF program on the callchain";
  return absl::StrCat("no BPF program on the callchain; reason ", *reason);
}

// When an attachment was last seen makes no other answer: it changes with every look.
bool SameButForTimes(Attachment a, const Attachment& b) {
  a.from_ns = b.from_ns;
  a.to_ns = b.to_ns;
  a.absent_before_ns = b.absent_before_ns;
  a.absent_after_ns = b.absent_after_ns;
  return a == b;
}

bool SameContent(const BlamedProgram& a, const BlamedProgram& b) {
  return std::tie(a.id, a.load_time_ns, a.name, a.tag, a.type_name, a.function, a.file, a.line) ==
             std::tie(b.id, b.load_time_ns, b.name, b.tag, b.type_name, b.function, b.file,
                      b.line) &&
         std::equal(a.attachments.begin(), a.attachments.end(), b.attachments.begin(),
                    b.attachments.end(), SameButForTimes);
}

bool SameContent(const Attribution& a, const Attribution& b) {
  return a.evidence == b.evidence && a.follows_exception == b.follows_exception &&
         a.attached_id == b.attached_id && a.verdict == b.verdict && a.why == b.why &&
         std::equal(a.programs.begin(), a.programs.end(), b.programs.begin(), b.programs.end(),
                    [](const auto& x, const auto& y) { return SameContent(x, y); });
}

// Of what differs most often; SameContent looks at the rest.
size_t HashOf(const Attribution& attribution) {
  size_t hash = absl::HashOf(attribution.evidence, attribution.verdict, attribution.why);
  for (const BlamedProgram& program : attribution.programs) {
    hash = absl::HashOf(hash, program.id, program.load_time_ns, program.function, program.line,
                        program.attachments.size());
    // One program may be attached to thousands of devices.
    for (const Attachment& attachment : program.attachments) {
      hash =
          absl::HashOf(hash, attachment.netns.inode, attachment.netns.cookie, attachment.ifindex);
    }
  }
  return hash;
}

}  // namespace

bool IsContextBoundary(absl::string_view symbol) {
  const absl::string_view name = BaseName(symbol);
  // x86: arch/x86/include/asm/idtentry.h; arm64: arch/arm64/kernel/entry-common.c. Softirqs run on
  // top of a task or an interrupt (kernel/softirq.c), so what is below them is other work too.
  constexpr std::array<absl::string_view, 6> kPrefixes = {"asm_sysvec_", "sysvec_",  "__sysvec_",
                                                          "asm_common_", "asm_exc_", "el1h_64_"};
  constexpr std::array<absl::string_view, 19> kNames = {"common_interrupt",
                                                        "__common_interrupt",
                                                        "ret_from_intr",
                                                        "irq_exit",
                                                        "irq_exit_rcu",
                                                        "__irq_exit_rcu",
                                                        "handle_softirqs",
                                                        "__do_softirq",
                                                        "do_softirq",
                                                        "____do_softirq",
                                                        "__softirqentry_text_start",
                                                        "do_softirq_own_stack",
                                                        "call_on_irq_stack",
                                                        "run_irq_on_irqstack_cond",
                                                        "exc_nmi",
                                                        "asm_exc_nmi",
                                                        "el1_interrupt",
                                                        "el1_irq",
                                                        "gic_handle_irq"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](absl::string_view prefix) { return absl::StartsWith(name, prefix); }) ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool IsObserverType(absl::string_view type) {
  constexpr std::array<absl::string_view, 7> kObservers = {
      "tracing",    "kprobe", "raw_tracepoint", "raw_tracepoint_writable", "perf_event",
      "tracepoint", "lsm"};
  return std::find(kObservers.begin(), kObservers.end(), type) != kObservers.end();
}

const Attributor::Roles& Attributor::RolesOf(const EventFormat& format) {
  if (&format == last_format_) return *last_roles_;
  const auto [entry, is_new] = roles_.try_emplace(format.id);
  Roles& roles = entry->second;
  last_format_ = &format;
  last_roles_ = &roles;
  if (!is_new) return roles;
  roles.program_id = FindField(format, "prog_id");
  roles.act = FindField(format, "act");
  roles.ifindex = FindField(format, "ifindex");
  roles.drops = FindField(format, "drops");
  if (format.system == "xdp" && format.name == "xdp_devmap_xmit") {
    roles.ifindex = FindField(format, "from_ifindex");
  }
  roles.xdp_send = format.system == "xdp" && roles.drops != nullptr && roles.ifindex != nullptr &&
                   (format.name == "xdp_devmap_xmit" || format.name == "xdp_bulk_tx");
  roles.reason = FindField(format, "reason");
  roles.location = FindField(format, "location");
  roles.xdp = format.system == "xdp" && roles.program_id != nullptr;
  roles.drop = format.system == "skb" && format.name == "kfree_skb";
  roles.printed = format.system == "bpf_trace" && format.name == "bpf_trace_printk";
  return roles;
}

void Attributor::Forget() {
  constexpr uint64_t kMostKept = 4'000;
  if (interned_count_ - forgotten_count_ + sampled_answers_.size() < kMostKept) return;
  forgotten_count_ = interned_count_;
  answers_.clear();
  recent_.assign(recent_.size(), Recent());
  sampled_answers_.clear();
  sampled_.Forget();
  interned_.clear();
}

const Attribution* Attributor::Attribute(const AttributionRequest& request) {
  const Roles& roles = RolesOf(*request.format);
  if (!roles.xdp && !roles.xdp_send && !roles.drop && !roles.printed) return nullptr;
  if (programs_generation_ != programs_->generation() ||
      attachments_generation_ != attachments_->generation() ||
      names_generation_ != names_->generation()) {
    programs_generation_ = programs_->generation();
    attachments_generation_ = attachments_->generation();
    names_generation_ = names_->generation();
    answers_.clear();
    for (Recent& recent : recent_) recent.answer = nullptr;
  }
  const auto read = [&](const FormatField* field) {
    return field != nullptr ? ReadInteger(*field, request.raw) : std::nullopt;
  };
  Inputs inputs = {.format_id = request.format->id};
  if (roles.printed) {
    inputs.stack_id = request.stack != nullptr ? request.stack->id : 0;
  } else if (roles.xdp_send) {
    if (read(roles.drops).value_or(0) == 0) return nullptr;  // all were sent
    inputs.ifindex = read(roles.ifindex);
  } else if (roles.xdp) {
    inputs.program_id = read(roles.program_id);
    inputs.act = read(roles.act);
    inputs.ifindex = read(roles.ifindex);
    if (request.packet != nullptr) inputs.netns = request.packet->netns;
    inputs.part_id = request.part_id;
  } else {
    inputs.reason = read(roles.reason);
    inputs.stack_id = request.stack != nullptr ? request.stack->id : 0;
    inputs.look_id = request.seen.look != nullptr ? request.seen.look->id : 0;
    inputs.confirmed =
        request.seen.confirmed ||
        (request.seen.look != nullptr &&
         TablesConfirm(*attachments_, *request.seen.look, request.time_ns, request.seen.before_ns));
    // Each such event is judged by itself: what stood there of late changes from one to the next.
    for (const HookLook* other : request.seen.of_late) {
      inputs.of_late = absl::HashOf(inputs.of_late, other->list_id);
    }
    inputs.just_changed = !inputs.confirmed && request.seen.before != nullptr;
    inputs.exceptions_recorded = request.exceptions_recorded;
    inputs.exception_id = request.exception != nullptr ? request.exception->id : 0;
    if (request.packet != nullptr && request.packet->has_netns) {
      inputs.netns = request.packet->netns;
    }
  }
  const Attribution*& answer = RecentAnswer(inputs);
  if (answer == nullptr) {
    answer = Intern(roles.printed    ? OfPrint(request.stack, request.time_ns)
                    : roles.xdp_send ? OfFailedSend(inputs, request.time_ns)
                    : roles.xdp      ? OfXdpEvent(roles, inputs, request)
                                     : OfDrop(roles, inputs, request));
    answers_[inputs] = answer;
  }
  if (roles.drop && request.seen.look == nullptr) {
    return JoinSamples(roles, inputs, request, answer);
  }
  return answer;
}

const Attribution*& Attributor::RecentAnswer(const Inputs& inputs) {
  const uint64_t mixed = (inputs.look_id * 31 + inputs.stack_id) * 31 + inputs.reason.value_or(0) +
                         inputs.program_id.value_or(0) * 7 + inputs.act.value_or(0) +
                         inputs.netns.cookie * 131;
  Recent& recent = recent_[mixed % recent_.size()];
  if (recent.answer != nullptr && recent.inputs == inputs) return recent.answer;
  const auto known = answers_.find(inputs);
  recent.inputs = inputs;
  recent.answer = known == answers_.end() ? nullptr : known->second;
  return recent.answer;
}

const Attribution* Attributor::JoinSamples(const Roles& roles, const Inputs& inputs,
                                           const AttributionRequest& request,
                                           const Attribution* answer) {
  EventKind kind = {.format_id = inputs.format_id,
                    .reason = static_cast<uint32_t>(inputs.reason.value_or(0)),
                    .netns = inputs.netns,
                    .ifindex = request.packet != nullptr ? request.packet->ifindex : 0};
  if (roles.location != nullptr) {
    kind.location = ReadInteger(*roles.location, request.raw).value_or(0);
  }
  if (request.stack != nullptr) {
    if (request.packet != nullptr) sampled_.Add(kind, *answer);
    return answer;
  }
  if (!request.stack_omitted || answer->evidence != Evidence::kNone) return answer;
  SampledAnswer& known = sampled_answers_[kind];
  const uint64_t version = sampled_.Version(kind);
  if (known.answer == nullptr || known.version != version || known.alone != answer) {
    known = {version, answer, Intern(sampled_.Of(kind, *answer))};
  }
  return known.answer;
}

BlamedProgram Attributor::Describe(uint32_t program_id, uint64_t time_ns) const {
  BlamedProgram blamed;
  blamed.id = program_id;
  const ProgramInfo* program = programs_->Find(program_id, time_ns);
  if (program == nullptr) return blamed;
  blamed.load_time_ns = program->load_time_ns;
  blamed.name = program->name;
  blamed.tag = TagToHex(program->tag);
  blamed.type_name = program->type_name;
  return blamed;
}

Attribution Attributor::OfXdpEvent(const Roles& roles, const Inputs& inputs,
                                   const AttributionRequest& request) const {
  Attribution attribution;
  if (inputs.program_id.value_or(0) == 0) {
    attribution.why = "the event names no program";
    return attribution;
  }
  attribution.evidence = Evidence::kEvent;
  attribution.attached_id = static_cast<uint32_t>(*inputs.program_id);
  attribution.why = "the event names the program";
  if (inputs.act.has_value()) attribution.verdict = XdpVerdict(*roles.act, *inputs.act);
  BlamedProgram blamed = Describe(static_cast<uint32_t>(*inputs.program_id), request.time_ns);
  if (blamed.load_time_ns == 0) {
    attribution.why += ", of which no more than its id is known";
  }
  const bool knows_place = request.packet != nullptr && request.packet->has_netns;
  if (inputs.ifindex.has_value()) {
    std::vector<Attachment> there =
        attachments_->Find("xdp", static_cast<uint32_t>(*inputs.ifindex), blamed.id);
    if (knows_place) {
      std::erase_if(there, [&](const Attachment& attachment) {
        return attachment.netns != request.packet->netns;
      });
      blamed.attachments = std::move(there);
    } else {
      // An ifindex means nothing without its namespace, and a device keeps it when it moves to
      // another one.
      absl::StrAppend(&attribution.why, "; of the place it tells ifindex ", *inputs.ifindex,
                      " alone", SeenInWords(there));
    }
  }
  if (inputs.part_id != 0) {
    for (Attachment& attachment : blamed.attachments) {
      attachment.dispatcher_id = std::exchange(attachment.program_id, inputs.part_id);
    }
    BlamedProgram part = Describe(inputs.part_id, request.time_ns);
    part.attachments = std::move(blamed.attachments);
    CompletePlaces(request.time_ns, &part.attachments);
    blamed = std::move(part);
    attribution.why = "the event names a dispatcher, behind which this program returned the same";
  }
  attribution.programs.push_back(std::move(blamed));
  if (inputs.part_id == 0) LookBehindDispatchers(request.time_ns, &attribution);
  if (!knows_place) {
    for (BlamedProgram& program : attribution.programs) program.attachments.clear();
  }
  return attribution;
}

void Attributor::LookBehindDispatchers(uint64_t time_ns, Attribution* attribution) const {
  std::vector<BlamedProgram> programs;
  bool doubt = false;
  for (BlamedProgram& blamed : attribution->programs) {
    std::map<uint32_t, BlamedProgram> parts;
    std::vector<uint32_t> in_order;
    for (const AttachmentTable::OnHook& behind : attachments_->Behind(blamed.id, time_ns)) {
      const Attachment& there = behind.attachment;
      const bool here = blamed.attachments.empty() ||
                        std::any_of(blamed.attachments.begin(), blamed.attachments.end(),
                                    [&](const Attachment& attachment) {
                                      return attachment.netns == there.netns &&
                                             attachment.ifindex == there.ifindex;
                                    });
      if (!here) continue;
      const uint32_t id = there.program_id;
      // The tables told it as one of before, too.
      if (std::any_of(attribution->programs.begin(), attribution->programs.end(),
                      [&](const BlamedProgram& other) { return other.id == id; })) {
        continue;
      }
      const auto [part, is_new] = parts.try_emplace(id);
      if (is_new) {
        part->second = Describe(id, time_ns);
        in_order.push_back(id);
      }
      part->second.attachments.push_back(there);
      // The look that will bear out this moment is still to come: an earlier one has to do.
      doubt |= there.from_ns > time_ns;
    }
    if (parts.empty()) {
      programs.push_back(std::move(blamed));
      continue;
    }
    doubt |= parts.size() > 1;
    absl::StrAppend(&attribution->why, "; ", blamed.id, " is a dispatcher of ", parts.size());
    for (const uint32_t id : in_order) programs.push_back(std::move(parts[id]));
  }
  attribution->programs = std::move(programs);
  if (doubt) attribution->evidence = Evidence::kCandidates;
}

void Attributor::NameCandidates(const std::vector<AttachmentTable::OnHook>& on_hooks,
                                uint64_t time_ns, Attribution* attribution) const {
  for (const AttachmentTable::OnHook& on_hook : on_hooks) {
    const uint32_t id = on_hook.attachment.program_id;
    if (on_hook.attachment.IsObstacle()) continue;
    auto named = std::find_if(attribution->programs.begin(), attribution->programs.end(),
                              [&](const BlamedProgram& program) { return program.id == id; });
    if (named == attribution->programs.end()) {
      named = attribution->programs.insert(named, Describe(id, time_ns));
    }
    named->attachments.push_back(on_hook.attachment);
  }
  if (!attribution->programs.empty()) attribution->evidence = Evidence::kCandidates;
}

// Neither the program nor the namespace is told: an ifindex alone.
// kernel/trace/bpf_trace.c: the helper's frame, and the program's right behind it. Whatever its
// type: it is not blamed for anything.
Attribution Attributor::OfPrint(const Stack* stack, uint64_t time_ns) const {
  Attribution attribution;
  attribution.why = stack == nullptr ? "no callchain was recorded"
                                     : "no program right behind bpf_trace_printk on the callchain";
  if (stack == nullptr) return attribution;
  bool in_helper = false;
  for (const Frame* frame : stack->frames) {
    const absl::string_view name = BaseName(frame->symbol);
    if (name == "bpf_trace_printk" || name == "bpf_trace_vprintk") {
      in_helper = true;
      continue;
    }
    if (!in_helper) continue;
    if (frame->kind != FrameKind::kBpf || frame->program_id == 0) return attribution;
    attribution.evidence = Evidence::kStack;
    attribution.verdict = "printed";
    attribution.why = "its frame called bpf_trace_printk";
    BlamedProgram program = Describe(frame->program_id, time_ns);
    program.function = frame->function;
    program.file = frame->file;
    program.line = frame->line;
    attribution.programs.push_back(std::move(program));
    return attribution;
  }
  return attribution;
}

Attribution Attributor::OfFailedSend(const Inputs& inputs, uint64_t time_ns) const {
  Attribution attribution;
  std::vector<AttachmentTable::OnHook> there = attachments_->Anywhere("xdp", "", time_ns);
  std::erase_if(there, [&](const AttachmentTable::OnHook& on_hook) {
    return on_hook.attachment.ifindex != inputs.ifindex.value_or(0) ||
           on_hook.attachment.mode != "native" || on_hook.attachment.dispatcher_id != 0;
  });
  NameCandidates(there, time_ns, &attribution);
  LookBehindDispatchers(time_ns, &attribution);
  attribution.why =
      absl::StrCat("the event tells no more than ifindex ", inputs.ifindex.value_or(0),
                   there.empty() ? ", where no native XDP program is known"
                                 : ": a native XDP program there, in whichever namespace, sent it");
  return attribution;
}

bool Attributor::BlameCaller(const Stack& stack, uint64_t time_ns, Attribution* attribution) const {
  for (const Frame* frame : stack.frames) {
    if (IsContextBoundary(frame->symbol)) return false;
    if (frame->kind != FrameKind::kBpf) continue;
    const ProgramInfo* program =
        frame->program_id == 0 ? nullptr : programs_->Find(frame->program_id, time_ns);
    if (program == nullptr || program->type_name.empty()) {
      // It may be an observer, and then the culprit stands further out: no blame for either.
      attribution->why = "a BPF program of unknown type is on the callchain";
      return true;
    }
    if (program->ours || IsObserverType(program->type_name)) continue;
    attribution->evidence = Evidence::kStack;
    attribution->why = "freed inside the program's own call";
    BlamedProgram blamed = Describe(program->id, time_ns);
    blamed.function = frame->function;
    blamed.file = frame->file;
    blamed.line = frame->line;
    attribution->programs.push_back(std::move(blamed));
    return true;
  }
  return false;
}

void Attributor::BlameHook(const AttributionRequest& request, const Inputs& inputs,
                           absl::string_view reason, Attribution* attribution) const {
  const HookLook& look = *request.seen.look;
  const uint64_t time_ns = request.time_ns;
  HookJudgement judgement = JudgeHook(
      look, inputs.confirmed, reason, request.exceptions_recorded, *names_,
      [&](uint32_t id) { return attachments_->CountPlaces(id, time_ns) > PlacesOnHook(look, id); });
  const bool settled = inputs.confirmed || judgement.settled;
  if (!settled && inputs.just_changed) {
    judgement = HookJudgement();
    judgement.why =
        absl::StrCat("what is attached to ", HookInWords(look),
                     " had just changed, perhaps more than once: nobody saw what this packet met");
  } else if (!settled) {
    AddEarlierSuspects(SuspectsOfTables(*attachments_, look, time_ns), &judgement);
  }
  if (inputs.confirmed && !judgement.settled) {
    for (const HookLook* other : request.seen.of_late) {
      AddEarlierSuspects(SuspectsOf(*other, *names_), &judgement);
    }
  }
  attribution->programs.clear();
  // These never come without an exception (drivers/net/veth.c, net/core/dev.c), which may have been
  // too long ago to be joined by time.
  attribution->follows_exception |=
      request.exceptions_recorded && IsXdpHook(look) && look.walk.exit.program_id != 0 &&
      judgement.evidence == Evidence::kVerdict &&
      (judgement.verdict == "XDP_ABORTED" || absl::StartsWith(judgement.verdict, "XDP action"));
  attribution->evidence = judgement.evidence;
  attribution->verdict = std::move(judgement.verdict);
  attribution->why = std::move(judgement.why);
  for (HookJudgement::Suspect& suspect : judgement.suspects) {
    BlamedProgram blamed = Describe(suspect.program_id, request.time_ns);
    blamed.attachments = std::move(suspect.attachments);
    CompletePlaces(time_ns, &blamed.attachments);
    attribution->programs.push_back(std::move(blamed));
  }
  LookBehindDispatchers(time_ns, attribution);
}

void Attributor::CompletePlaces(uint64_t time_ns, std::vector<Attachment>* attachments) const {
  const auto complete = [](const AttachmentTable::OnHook& known, Attachment* attachment) {
    const Attachment& there = known.attachment;
    const bool same_link =
        attachment->hook == "netkit" && there.link_id != 0 && there.link_id == attachment->link_id;
    const bool same_part = attachment->dispatcher_id != 0 &&
                           there.program_id == attachment->program_id &&
                           there.netns == attachment->netns && there.ifindex == attachment->ifindex;
    if (same_link || same_part) *attachment = there;
  };
  for (Attachment& attachment : *attachments) {
    if (attachment.hook == "netkit") {
      for (const char* direction : {"primary", "peer"}) {
        for (const auto& known : attachments_->Anywhere("netkit", direction, time_ns)) {
          complete(known, &attachment);
        }
      }
    } else if (attachment.hook == "netfilter") {
      for (const auto& known : attachments_->Anywhere("netfilter", "", time_ns)) {
        if (known.attachment.program_id == attachment.program_id &&
            known.attachment.netns == attachment.netns) {
          attachment = known.attachment;
        }
      }
    } else if (attachment.dispatcher_id != 0) {
      for (const auto& known : attachments_->Behind(attachment.dispatcher_id, time_ns)) {
        complete(known, &attachment);
      }
    }
  }
}

Attribution Attributor::OfDrop(const Roles& roles, const Inputs& inputs,
                               const AttributionRequest& request) const {
  std::optional<absl::string_view> reason;
  if (inputs.reason.has_value()) {
    const absl::string_view name = EnumName(*roles.reason, static_cast<int64_t>(*inputs.reason));
    if (!name.empty()) reason = name;
  }
  const HookLook* look = request.seen.look;
  if (look != nullptr && request.exception != nullptr && IsOfException(*look, *request.exception)) {
    Attribution attribution = *request.exception;
    attribution.id = 0;
    attribution.evidence = Evidence::kVerdict;
    attribution.follows_exception = true;
    attribution.why = "the XDP exception right before, on this CPU and device, was this packet's";
    // The exception names the dispatcher, and the packet tells which program behind it.
    if (look->walk.exit.part_id != 0) BlameHook(request, inputs, reason.value_or(""), &attribution);
    return attribution;
  }
  Attribution attribution;
  // Where the reason or the place points to a hook, the hook's program dropped the packet, whoever
  // called the function that led there: a frame on the callchain says nothing.
  if (look != nullptr) {
    BlameHook(request, inputs, reason.value_or(""), &attribution);
    return attribution;
  }
  if (reason == "NETFILTER_DROP" && inputs.netns != NetnsId()) {
    std::vector<AttachmentTable::OnHook> there =
        attachments_->Anywhere("netfilter", "", request.time_ns);
    std::erase_if(there, [&](const AttachmentTable::OnHook& on_hook) {
      return on_hook.attachment.netns != inputs.netns;
    });
    NameCandidates(there, request.time_ns, &attribution);
    if (!attribution.programs.empty()) {
      attribution.why =
          "a netfilter program of the packet's namespace, or a rule of nft or iptables: the event "
          "does not tell which";
      return attribution;
    }
  }
  const bool hook_reason = reason.has_value() && PointsToHook(*reason);
  if (!hook_reason && request.stack != nullptr &&
      BlameCaller(*request.stack, request.time_ns, &attribution)) {
    if (attribution.evidence == Evidence::kStack && reason.has_value()) {
      attribution.verdict = std::string(*reason);
    }
    return attribution;
  }
  attribution.why = WhyNoProgram(reason, request.stack);
  return attribution;
}

const Attribution* Attributor::Intern(Attribution attribution) {
  auto& same_hash = interned_[HashOf(attribution)];
  for (const auto& known : same_hash) {
    if (SameContent(*known, attribution)) return known.get();
  }
  attribution.id = ++interned_count_;
  same_hash.push_back(std::make_unique<Attribution>(std::move(attribution)));
  return same_hash.back().get();
}

}  // namespace correlate
