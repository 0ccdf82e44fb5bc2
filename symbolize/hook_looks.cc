#include "symbolize/hook_looks.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace correlate {
namespace {

uint64_t HashOf(const Enrichment& enrichment) {
  const HookWalk& walk = enrichment.walk;
  uint64_t hash = absl::HashOf(walk.hook, enrichment.packet.netns.inode, enrichment.packet.ifindex,
                               walk.revision, walk.cgroup_id, walk.entries.size(),
                               walk.exit.program_id, walk.exit.part_id, walk.exit.verdict);
  for (const HookWalk::Entry& entry : walk.entries) {
    hash = absl::HashOf(hash, entry.program_id, entry.handle, entry.link_id, entry.pref,
                        entry.chain, entry.other_protocol);
  }
  return hash;
}

bool SameLook(const HookLook& look, const Enrichment& enrichment) {
  const Packet& packet = enrichment.packet;
  return look.walk == enrichment.walk && look.netns == packet.netns &&
         look.ifindex == packet.ifindex && look.ifname == packet.ifname;
}

// A list with a revision of its own never looks the same again after a change.
bool RevisionTells(const HookWalk& walk) {
  return std::all_of(walk.entries.begin(), walk.entries.end(), [](const HookWalk::Entry& entry) {
    return entry.kind == HookWalk::Kind::kTcx || entry.kind == HookWalk::Kind::kNetkit;
  });
}

}  // namespace

void HookLooks::Forget() {
  constexpr uint64_t kMostKept = 5'000;
  if (count_ - forgotten_ + places_.size() < kMostKept) return;
  forgotten_ = count_;
  known_.assign(known_.size(), Known());
  places_.clear();
  looks_.clear();
}

const HookLook* HookLooks::Intern(const Enrichment& enrichment) {
  auto& same_hash = looks_[HashOf(enrichment)];
  for (const auto& look : same_hash) {
    if (SameLook(*look, enrichment)) return look.get();
  }
  auto look = std::make_unique<HookLook>();
  look->id = ++count_;
  look->has_netns = enrichment.packet.has_netns;
  look->netns = enrichment.packet.netns;
  look->ifindex = enrichment.packet.ifindex;
  look->ifname = enrichment.packet.ifname;
  look->walk = enrichment.walk;
  look->list_id = look->id;
  HookLook* added = same_hash.emplace_back(std::move(look)).get();
  if (!enrichment.walk.counted && enrichment.walk.exit.program_id == 0) return added;
  Enrichment list = enrichment;
  list.walk.counted = false;
  list.walk.exit = {};
  for (HookWalk::Entry& entry : list.walk.entries) entry.runs = 0;
  added->list_id = Intern(list)->id;
  return added;
}

void HookLooks::BeginRow(uint64_t time_ns, const HookLook* look, OnePlace* place) {
  place->before = place->last;
  place->before_ns = place->last_ns;
  place->since_ns = time_ns;
  ++place->row;
  place->rows.emplace_back(time_ns, look);
  while (place->rows.size() > kMostRows || place->rows.front().first + kOfLateNs < time_ns) {
    place->rows.pop_front();
  }
  // The first row of all changed nothing.
  place->pace_ns = 0;
  for (size_t i = 1; i < place->rows.size(); ++i) {
    const uint64_t apart = place->rows[i].first - place->rows[i - 1].first;
    if (place->pace_ns == 0 || apart < place->pace_ns)
      place->pace_ns = std::max<uint64_t>(apart, 1);
  }
  if (place->rows.size() < 3) place->pace_ns = 0;
}

const HookLooks::Known& HookLooks::Find(const Enrichment& enrichment) {
  Known& known = known_[enrichment.place_id % known_.size()];
  if (enrichment.place_id != 0 && known.place_id == enrichment.place_id) return known;
  known.place_id = enrichment.place_id;
  known.look = Intern(enrichment);
  known.place = &places_[Place{enrichment.walk.hook, known.look->netns, known.look->ifindex,
                               known.look->walk.cgroup_id}];
  return known;
}

HookLooks::Seen HookLooks::Add(uint32_t cpu, uint64_t time_ns, const Enrichment& enrichment) {
  Seen seen;
  if (enrichment.walk.hook == HookWalk::Hook::kNone) return seen;
  const Known& known = Find(enrichment);
  seen.look = known.look;
  OnePlace& place = *known.place;
  const uint64_t list = seen.look->list_id;
  if (place.list_id != list) BeginRow(time_ns, seen.look, &place);
  place.list_id = list;
  OnePlace::LastLook& before = place.by[{cpu, enrichment.context}];
  const bool settled = place.since_ns + kSettledNs <= time_ns;
  seen.confirmed = (before.row == place.row && enrichment.context != Context::kUnknown) || settled;
  // Of sockets many look alike from here: what changes is which one it was.
  const bool of_device = enrichment.walk.hook != HookWalk::Hook::kSocket &&
                         enrichment.walk.hook != HookWalk::Hook::kCgroupEgress &&
                         enrichment.walk.hook != HookWalk::Hook::kNetfilter;
  const bool restless = place.pace_ns != 0 && !settled &&
                        2 * (time_ns - before.time_ns) >= place.pace_ns &&
                        !RevisionTells(enrichment.walk);
  if (of_device && restless) {
    for (const auto& [begin_ns, look] : place.rows) {
      if (look->list_id != list) seen.of_late.push_back(look);
    }
  }
  if (!seen.confirmed && of_device) {
    seen.before = place.before;
    seen.before_ns = place.before_ns;
  }
  before = {place.row, time_ns};
  place.last = seen.look;
  place.last_ns = std::max(place.last_ns, time_ns);
  return seen;
}

}  // namespace correlate
