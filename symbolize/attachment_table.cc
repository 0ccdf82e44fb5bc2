#include "symbolize/attachment_table.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

bool IsOf(const NetnsId& known, const NetnsId& asked) {
  return known.inode == asked.inode && (asked.cookie == 0 || known.cookie == asked.cookie);
}

LookScope ScopeOf(const NetnsId& netns) { return {AttachmentLook::Part::kNetns, netns}; }

// Positions are counted anew among those that are named.
void CountPositions(std::vector<AttachmentTable::OnHook>& entries) {
  std::map<uint32_t, uint32_t> positions;  // by dispatcher; 0: the hook itself
  for (auto& [attachment, certainty] : entries) {
    if (attachment.positions != 0) attachment.position = ++positions[attachment.dispatcher_id];
  }
  for (auto& [attachment, certainty] : entries) {
    if (attachment.positions != 0) attachment.positions = positions[attachment.dispatcher_id];
  }
}

}  // namespace

// ---- What SeenOverTime asks for; the cookie stays out of places, for At() may not know it ----

std::string PlaceOf(const Netns& netns) { return absl::StrCat(netns.id.inode); }
bool SameThing(const Netns& a, const Netns& b) { return a.id == b.id; }
bool Refresh(Netns& known, const Netns& seen) {
  const bool changed = known.heard != seen.heard || known.name != seen.name;
  known.heard = seen.heard;
  known.nsid = seen.nsid;
  known.name = seen.name;
  return changed;
}

std::string DevicePlace(const NetnsId& netns, uint32_t ifindex) {
  return absl::StrCat(netns.inode, ",", ifindex);
}
std::string PlaceOf(const Device& device) { return DevicePlace(device.netns, device.ifindex); }
bool SameThing(const Device& a, const Device& b) {
  return a.netns == b.netns && a.ifname == b.ifname &&
         (a.kind == b.kind || a.kind.empty() || b.kind.empty());  // links tell no kind
}
bool Refresh(Device& known, const Device& seen) {
  if (seen.kind.empty() || known.kind == seen.kind) return false;
  known.kind = seen.kind;
  return true;
}

std::string HookPlace(const NetnsId& netns, uint32_t ifindex, absl::string_view hook,
                      absl::string_view direction) {
  return absl::StrCat(netns.inode, ",", ifindex, ",", hook, ",", direction);
}
std::string PlaceOf(const Attachment& a) {
  std::string place = HookPlace(a.netns, a.ifindex, a.hook, a.direction);
  // Beside devices a hook is in a cgroup, or one of netfilter's.
  if (a.ifindex == 0) {
    absl::StrAppend(&place, ",", a.cgroup_id, ",", a.attach_type, ",", a.family, ",", a.point);
  }
  return place;
}
bool SameThing(const Attachment& a, const Attachment& b) { return SamePlace(a, b); }
bool Refresh(Attachment& known, const Attachment& seen) {
  bool changed = false;
  const auto take = [&](auto& field, const auto& value) {
    changed |= field != value;
    field = value;
  };
  take(known.position, seen.position);
  take(known.positions, seen.positions);
  if (seen.link_id != 0) take(known.link_id, seen.link_id);
  take(known.netns_name, seen.netns_name);
  return changed;
}

bool Counts(const Netns&) { return true; }
bool Counts(const Device&) { return true; }
bool Counts(const Attachment& attachment) { return !attachment.IsObstacle(); }

bool SamePlace(const Attachment& a, const Attachment& b) {
  const auto place = [](const Attachment& x) {
    return std::tie(x.program_id, x.ifindex, x.netns, x.hook, x.direction, x.mode, x.chain, x.pref,
                    x.handle, x.ifname, x.kind, x.block, x.dispatcher_id, x.attach_type,
                    x.cgroup_id, x.cgroup, x.family, x.point, x.priority);
  };
  const bool one_link =
      a.link_id == b.link_id || (a.hook == "xdp" && (a.link_id == 0 || b.link_id == 0));
  return one_link && place(a) == place(b);
}

std::string AttachmentIdentity(const Attachment& a) {
  return absl::StrCat(a.hook, " ", a.direction, " ", a.mode, " ", a.netns.inode, " ",
                      a.netns.cookie, " ", a.ifindex, " ", a.chain, " ", a.pref, " ", a.handle, " ",
                      a.link_id, " ", a.program_id, " ", a.kind, " ", a.block, " ", a.dispatcher_id,
                      " ", a.attach_type, " ", a.cgroup_id, " ", a.family, " ", a.point, " ",
                      a.priority, " ", a.from_ns);
}

AttachmentTable::Changes AttachmentTable::Apply(const AttachmentNews& news) {
  Changes changes;
  if (const auto* look = std::get_if<AttachmentLook>(&news)) {
    ApplyLook(*look, &changes);
  } else if (const auto* notice = std::get_if<AttachmentNotice>(&news)) {
    ApplyNotice(*notice, &changes);
  } else if (const auto* lost = std::get_if<NetnsLost>(&news)) {
    const uint64_t absent_after_ns = lost->ended ? lost->time_ns : 0;
    const LookScope scope = ScopeOf(lost->netns);
    namespaces_.Lose(scope, absent_after_ns, &changes.namespaces);
    devices_.Lose(scope, absent_after_ns, &changes.devices);
    attachments_.Lose(scope, absent_after_ns, &changes.attachments);
    looks_.erase(scope);
  }
  if (!changes.attachments.empty()) ++generation_;
  return changes;
}

void AttachmentTable::ApplyLook(const AttachmentLook& look, Changes* changes) {
  const bool of_netns = look.part == AttachmentLook::Part::kNetns;
  const LookScope scope = {look.part, of_netns ? look.netns.id : NetnsId{}};
  Looks& looks = looks_[scope];
  const uint64_t before_ns = looks.last_begin_ns;
  if (of_netns) {
    namespaces_.Look(scope, look, absl::MakeConstSpan(&look.netns, 1), before_ns,
                     &changes->namespaces);
  }
  devices_.Look(scope, look, look.devices, before_ns, &changes->devices);
  attachments_.Look(scope, look, look.attachments, before_ns, &changes->attachments);
  looks.unseen_hooks = look.unseen_hooks;
  if (!look.complete) return;
  if (looks.first_end_ns == 0) looks.first_end_ns = look.end_ns;
  looks.last_begin_ns = look.begin_ns;
}

void AttachmentTable::ApplyNotice(const AttachmentNotice& notice, Changes* changes) {
  const Attachment& attachment = notice.attachment;
  if (!notice.added) {
    attachments_.Removed(attachment, notice.time_ns, &changes->attachments);
    return;
  }
  // A filter under the number of another one has replaced it; no word comes of that one.
  std::vector<Attachment> replaced;
  if (const auto* place = attachments_.At(PlaceOf(attachment)); place != nullptr) {
    for (const auto& entry : *place) {
      const Attachment& other = entry->thing;
      if (entry->current && !other.IsObstacle() && other.netns == attachment.netns &&
          other.chain == attachment.chain && other.pref == attachment.pref &&
          other.handle == attachment.handle && !SamePlace(other, attachment)) {
        replaced.push_back(other);
      }
    }
  }
  for (const Attachment& other : replaced) {
    attachments_.Removed(other, notice.time_ns, &changes->attachments);
  }
  const LookScope scope = ScopeOf(attachment.netns);
  const auto looks = looks_.find(scope);
  attachments_.Added(scope, attachment, notice.time_ns,
                     looks == looks_.end() ? 0 : looks->second.last_begin_ns,
                     &changes->attachments);
}

const Attachment& AttachmentTable::Add(const Attachment& attachment) {
  ++generation_;
  AttachmentLook look;
  look.part = AttachmentLook::Part::kNetns;
  look.begin_ns = attachment.to_ns;
  look.end_ns = attachment.from_ns;
  look.complete = false;
  std::vector<Attachment> changed;
  attachments_.Look(ScopeOf(attachment.netns), look, absl::MakeConstSpan(&attachment, 1), 0,
                    &changed);
  for (const auto& entry : *attachments_.At(PlaceOf(attachment))) {
    if (entry->current && SamePlace(entry->thing, attachment)) return entry->thing;
  }
  return attachment;  // not reached: it was just added
}

bool AttachmentTable::LooksSurround(const NetnsId& netns, uint32_t ifindex, absl::string_view hook,
                                    uint64_t time_ns) const {
  // Namespaces of one inode number stand together.
  bool surrounded = false;
  for (auto entry = looks_.lower_bound(ScopeOf({.inode = netns.inode}));
       entry != looks_.end() && entry->first.first == AttachmentLook::Part::kNetns &&
       entry->first.second.inode == netns.inode;
       ++entry) {
    const Looks& looks = entry->second;
    surrounded |= IsOf(entry->first.second, netns) && looks.first_end_ns != 0 &&
                  time_ns >= looks.first_end_ns && time_ns <= looks.last_begin_ns &&
                  std::find(looks.unseen_hooks.begin(), looks.unseen_hooks.end(), hook) ==
                      looks.unseen_hooks.end();
  }
  if (!surrounded) return false;
  // Of a device that no look saw at that time they say nothing.
  const auto* place = devices_.At(DevicePlace(netns, ifindex));
  return place != nullptr && std::any_of(place->begin(), place->end(), [&](const auto& entry) {
           return IsOf(entry->thing.netns, netns) &&
                  HeldAt(entry->thing, time_ns) == Certainty::kCertain;
         });
}

AttachmentTable::HookState AttachmentTable::At(const NetnsId& netns, uint32_t ifindex,
                                               absl::string_view hook, absl::string_view direction,
                                               uint64_t time_ns) const {
  HookState state;
  state.looks_agree = LooksSurround(netns, ifindex, hook, time_ns);
  const auto* place = attachments_.At(HookPlace(netns, ifindex, hook, direction));
  if (place == nullptr) return state;
  for (const auto& entry : *place) {
    const Certainty certainty = HeldAt(entry->thing, time_ns);
    if (certainty == Certainty::kNot || !IsOf(entry->thing.netns, netns)) continue;
    state.obstacles |= entry->thing.IsObstacle();
    state.looks_agree &= certainty == Certainty::kCertain;
    state.entries.push_back({entry->thing, certainty});
  }
  CountPositions(state.entries);
  return state;
}

std::vector<AttachmentTable::OnHook> AttachmentTable::Behind(uint32_t dispatcher_id,
                                                             uint64_t time_ns) const {
  std::vector<OnHook> found;
  attachments_.ForEach([&](const auto& entry) {
    if (entry.thing.dispatcher_id != dispatcher_id) return;
    const Certainty certainty = HeldAt(entry.thing, time_ns);
    if (certainty != Certainty::kNot) found.push_back({entry.thing, certainty});
  });
  std::sort(found.begin(), found.end(), [](const OnHook& a, const OnHook& b) {
    const auto order = [](const Attachment& x) {
      return std::tie(x.netns, x.ifindex, x.position, x.link_id);
    };
    return order(a.attachment) < order(b.attachment);
  });
  return found;
}

std::vector<AttachmentTable::OnHook> AttachmentTable::Anywhere(absl::string_view hook,
                                                               absl::string_view direction,
                                                               uint64_t time_ns) const {
  std::vector<OnHook> found;
  attachments_.ForEach([&](const auto& entry) {
    if (entry.thing.hook != hook || entry.thing.direction != direction) return;
    const Certainty certainty = HeldAt(entry.thing, time_ns);
    if (certainty != Certainty::kNot) found.push_back({entry.thing, certainty});
  });
  std::sort(found.begin(), found.end(), [](const OnHook& a, const OnHook& b) {
    const auto order = [](const Attachment& x) {
      return std::tie(x.netns, x.ifindex, x.cgroup_id, x.attach_type, x.family, x.point, x.priority,
                      x.position, x.from_ns, x.link_id);
    };
    return order(a.attachment) < order(b.attachment);
  });
  return found;
}

size_t AttachmentTable::CountPlaces(uint32_t program_id, uint64_t time_ns) const {
  size_t places = 0;
  attachments_.ForEach([&](const auto& entry) {
    places +=
        entry.thing.program_id == program_id && HeldAt(entry.thing, time_ns) != Certainty::kNot;
  });
  return places;
}

std::vector<Attachment> AttachmentTable::Find(absl::string_view hook, uint32_t ifindex,
                                              uint32_t program_id) const {
  std::vector<Attachment> found;
  attachments_.ForEach([&](const auto& entry) {
    const Attachment& attachment = entry.thing;
    if (attachment.hook != hook || attachment.ifindex != ifindex ||
        attachment.program_id != program_id) {
      return;
    }
    const auto same = std::find_if(found.begin(), found.end(), [&](const Attachment& other) {
      return SamePlace(other, attachment);
    });
    if (same == found.end()) {
      found.push_back(attachment);
    } else if (same->from_ns < attachment.from_ns) {
      *same = attachment;
    }
  });
  // The table has no order of its own.
  std::sort(found.begin(), found.end(), [](const Attachment& a, const Attachment& b) {
    return std::tie(a.netns, a.from_ns, a.link_id) < std::tie(b.netns, b.from_ns, b.link_id);
  });
  return found;
}

AttachmentTable::Changes AttachmentTable::Current() const {
  Changes all;
  const auto take = [](const auto& things, auto* into) {
    things.ForEach([&](const auto& entry) {
      if (entry.current && !entry.out_of_sight) into->push_back(entry.thing);
    });
  };
  take(namespaces_, &all.namespaces);
  take(devices_, &all.devices);
  take(attachments_, &all.attachments);
  return all;
}

size_t AttachmentTable::size() const { return attachments_.ever(); }

}  // namespace correlate
