#include "symbolize/look_confirmation.h"

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"
#include "symbolize/hook_looks.h"

namespace correlate {
namespace {

using Hook = HookWalk::Hook;
using Kind = HookWalk::Kind;

bool Fits(const HookWalk::Entry& entry, const Attachment& attachment) {
  if (entry.program_id != attachment.program_id) return false;
  switch (entry.kind) {
    case Kind::kTcx:
      return attachment.hook == "tcx" && entry.link_id == attachment.link_id;
    case Kind::kClsBpf:
      return attachment.hook == "tc" && entry.pref == attachment.pref &&
             entry.handle == attachment.handle && entry.chain == attachment.chain;
    case Kind::kXdp:
      return attachment.hook == "xdp";
    default:
      return false;  // what the tables tell of it is not one for one
  }
}

std::vector<AttachmentTable::OnHook> OnHooks(const AttachmentTable& attachments,
                                             const HookLook& look, uint64_t time_ns) {
  std::vector<AttachmentTable::OnHook> all;
  const auto add = [&](absl::string_view hook, absl::string_view direction) {
    const auto state = attachments.At(look.netns, look.ifindex, hook, direction, time_ns);
    for (const AttachmentTable::OnHook& on_hook : state.entries) {
      // The hook itself knows nothing of what stands behind a dispatcher.
      if (on_hook.attachment.dispatcher_id == 0) all.push_back(on_hook);
    }
  };
  switch (look.walk.hook) {
    case Hook::kTcIngress:
      add("tcx", "ingress");
      add("tc", "ingress");
      break;
    case Hook::kTcEgress:
      add("tcx", "egress");
      add("tc", "egress");
      break;
    case Hook::kXdpNative:
    case Hook::kXdpGeneric: {
      add("xdp", "");
      const absl::string_view mode = look.walk.hook == Hook::kXdpNative ? "native" : "generic";
      std::erase_if(all, [&](const auto& on_hook) { return on_hook.attachment.mode != mode; });
      break;
    }
    default:
      break;
  }
  return all;
}

}  // namespace

bool TablesConfirm(const AttachmentTable& attachments, const HookLook& look, uint64_t time_ns,
                   uint64_t other_seen_ns) {
  if (!look.has_netns || look.walk.entries.empty()) return false;
  const auto known = OnHooks(attachments, look, time_ns);
  const auto& entries = look.walk.entries;
  return known.size() == entries.size() &&
         std::all_of(known.begin(), known.end(), [&](const AttachmentTable::OnHook& on_hook) {
           const uint64_t from_ns = on_hook.attachment.from_ns;
           // What the first look of all saw may have been there for long.
           const bool changed = other_seen_ns != 0 || on_hook.attachment.absent_before_ns != 0;
           const uint64_t margin_ns = changed ? HookLooks::kSettledNs : 0;
           return from_ns >= other_seen_ns && from_ns + margin_ns <= time_ns &&
                  std::any_of(entries.begin(), entries.end(), [&](const HookWalk::Entry& entry) {
                    return Fits(entry, on_hook.attachment);
                  });
         });
}

std::vector<HookJudgement::Suspect> SuspectsOfTables(const AttachmentTable& attachments,
                                                     const HookLook& look, uint64_t time_ns) {
  std::vector<HookJudgement::Suspect> suspects;
  if (!look.has_netns) return suspects;
  for (const AttachmentTable::OnHook& on_hook : OnHooks(attachments, look, time_ns)) {
    const Attachment& attachment = on_hook.attachment;
    if (!attachment.IsObstacle()) suspects.push_back({attachment.program_id, {attachment}});
  }
  return suspects;
}

}  // namespace correlate
