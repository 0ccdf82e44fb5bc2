#include "collector/attachment_scanner.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "collector/cgroup_scanner.h"
#include "collector/host_facts.h"
#include "collector/link_places.h"

namespace correlate {
namespace {

std::string Name(const Netns& netns) {
  return netns.name.empty() ? absl::StrCat("network namespace ", netns.id.inode)
                            : absl::StrCat("network namespace ", netns.name);
}

bool SawTheSame(const AttachmentLook& a, const AttachmentLook& b) {
  return a.complete && b.complete && a.netns.heard == b.netns.heard &&
         a.netns.name == b.netns.name && a.unseen_hooks == b.unseen_hooks &&
         a.devices == b.devices && a.attachments == b.attachments;
}

uint64_t NowNs() { return ReadClocks().monotonic_ns; }

}  // namespace

AttachmentScanner::AttachmentScanner() {
  if (auto home = NetlinkSocket::Open(); home.ok()) home_.emplace(std::move(home).value());
}

void AttachmentScanner::LoadIterator() {
  if (iterator_ != nullptr || iterator_refused_) return;
  auto iterator = LinkIterator::Load();
  if (iterator.ok()) {
    iterator_ = std::move(iterator).value();
  } else {
    iterator_refused_ = true;
    Note(absl::StrCat(
        "which link holds an XDP program, and programs in network namespaces that only links lead "
        "to, cannot be seen: ",
        iterator.status().message()));
  }
}

void AttachmentScanner::Note(std::string text) {
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) {
    notes_.push_back(std::move(text));
  }
}

void AttachmentScanner::ReadLinks() {
  if (iterator_ != nullptr) {
    if (auto links = iterator_->Read(); links.ok()) {
      links_ = std::move(links).value();
      links_whole_ = true;
      return;
    }
  }
  links_ = ReadLinksById();
  links_whole_ = iterator_refused_;
}

void AttachmentScanner::Finish(AttachmentLook look, Last& last, Tell tell) {
  AttachmentLook told;
  if (last.look.has_value() && !last.tell_anew && SawTheSame(*last.look, look)) {
    told.part = look.part;
    told.netns = look.netns;
    told.begin_ns = look.begin_ns;
    told.end_ns = look.end_ns;
    told.unseen_hooks = look.unseen_hooks;
    told.unchanged = true;
  } else {
    told = look;
  }
  last.look = std::move(look);
  last.tell_anew = false;
  tell(std::move(told));
}

absl::Status AttachmentScanner::Visit(std::vector<NetnsPlace> places, Tell tell, NetnsWalk* walk,
                                      std::set<NetnsId>* visited) {
  std::map<uint64_t, NetnsPlace> by_inode;
  for (const NetnsPlace& place : places) by_inode[place.inode] = place;
  const auto look_inside = [&](const Netns& netns) {
    AttachmentLook look;
    if (const absl::Status status = looker_.Look(netns, look); !status.ok()) {
      Note(absl::StrCat(Name(netns), ": could not be looked at: ", status.message()));
    }
    NameLinks(links_, look.attachments);
    AddBehindDispatchers(links_, look.attachments);
    Known& known = known_[netns.id];
    known.place = by_inode[netns.id.inode];
    known.netns = netns;
    visited->insert(netns.id);
    Finish(std::move(look), known.last, tell);
  };
  ASSIGN_OR_RETURN(*walk, VisitNamespaces(std::move(places), look_inside,
                                          home_.has_value() ? &*home_ : nullptr));
  if (looker_.query_refused()) {
    Note("programs attached by tcx could not be seen: that needs CAP_NET_ADMIN; run as root");
  }
  return absl::OkStatus();
}

absl::Status AttachmentScanner::LookAtAll(Tell tell) {
  ReadLinks();
  if (!links_whole_ && std::any_of(links_.begin(), links_.end(), IsOfNetfilter)) {
    LoadIterator();
    ReadLinks();
  }
  ASSIGN_OR_RETURN(NetnsDiscovery discovery, DiscoverNamespaces());
  NetnsWalk walk;
  std::set<NetnsId> visited;
  RETURN_IF_ERROR(Visit(discovery.places, tell, &walk, &visited));
  for (std::string& note : NetnsNotes(discovery, walk)) Note(std::move(note));
  std::map<int32_t, NetnsId> heard;
  for (auto known = known_.begin(); known != known_.end();) {
    if (!visited.contains(known->first)) {
      // Nobody leads to it any more; a socket or a descriptor may still hold it.
      tell(NetnsLost{known->first, NowNs(), /*ended=*/false});
      known = known_.erase(known);
      continue;
    }
    const Netns& netns = known->second.netns;
    if (netns.heard) heard[netns.own ? -1 : netns.nsid] = netns.id;
    ++known;
  }
  // Of those out of sight the end is still to be heard.
  heard.insert(heard_.begin(), heard_.end());
  heard_ = std::move(heard);
  LookAtCgroups(tell);
  LookAtLinks(tell);
  return absl::OkStatus();
}

absl::Status AttachmentScanner::LookAt(const std::set<NetnsId>& namespaces, Tell tell) {
  std::vector<NetnsPlace> places;
  for (const NetnsId& id : namespaces) {
    const auto known = known_.find(id);
    if (known != known_.end()) places.push_back(known->second.place);
  }
  if (places.empty()) return absl::OkStatus();
  ReadLinks();
  NetnsWalk walk;
  std::set<NetnsId> visited;
  return Visit(std::move(places), tell, &walk, &visited);
}

std::set<NetnsId> AttachmentScanner::NamespacesOfChangedLinks() {
  const std::vector<BpfLink> before = std::move(links_);
  ReadLinks();
  std::set<NetnsId> changed;
  // Both are in order of their ids.
  auto a = before.begin();
  auto b = links_.begin();
  while (a != before.end() || b != links_.end()) {
    if (a != before.end() && b != links_.end() && *a == *b) {
      ++a;
      ++b;
    } else if (b == links_.end() || (a != before.end() && a->link_id < b->link_id)) {
      changed.insert((a++)->netns);
    } else if (a == before.end() || b->link_id < a->link_id) {
      changed.insert((b++)->netns);
    } else {
      changed.insert({a->netns, b->netns});
      ++a;
      ++b;
    }
  }
  return changed;
}

void AttachmentScanner::LookAtCgroups(Tell tell) {
  AttachmentLook look;
  look.part = AttachmentLook::Part::kCgroups;
  look.begin_ns = NowNs();
  CgroupScan scan = ScanCgroups();
  look.end_ns = NowNs();
  NameLinks(links_, scan.attachments);
  look.attachments = std::move(scan.attachments);
  cgroup_ids_ = std::move(scan.cgroup_ids);
  if (scan.refused == EPERM) {
    look.complete = false;
    Note("programs attached to cgroups could not be seen: that needs CAP_NET_ADMIN; run as root");
  }
  Finish(std::move(look), cgroups_, tell);
}

void AttachmentScanner::LookAtLinks(Tell tell) {
  AttachmentLook look;
  look.part = AttachmentLook::Part::kLinks;
  look.begin_ns = NowNs();
  ReadLinks();
  look.end_ns = NowNs();
  // A place without its namespace would seem another one, gone as soon as the iterator tells.
  if (!links_whole_) return;
  std::map<NetnsId, Netns> namespaces;
  for (const auto& [id, known] : known_) namespaces[id] = known.netns;
  LinkOnlyPlaces places = PlacesOnlyLinksTell(links_, namespaces, cgroup_ids_);
  look.attachments = std::move(places.attachments);
  look.devices = std::move(places.devices);
  Finish(std::move(look), link_places_, tell);
}

void AttachmentScanner::Forget(const NetnsId& netns) {
  known_.erase(netns);
  std::erase_if(heard_, [&](const auto& entry) { return entry.second == netns; });
}

void AttachmentScanner::TellAnew(const NetnsId& netns) {
  const auto known = known_.find(netns);
  if (known != known_.end()) known->second.last.tell_anew = true;
}

std::optional<Attachment> AttachmentScanner::PlaceOnDevice(const NetnsId& netns,
                                                           uint32_t ifindex) const {
  const auto known = known_.find(netns);
  if (known == known_.end() || !known->second.last.look.has_value()) return std::nullopt;
  for (const Device& device : known->second.last.look->devices) {
    if (device.ifindex != ifindex) continue;
    Attachment place;
    place.netns = netns;
    place.netns_name = known->second.netns.name;
    place.own_netns = known->second.netns.own;
    place.ifindex = ifindex;
    place.ifname = device.ifname;
    return place;
  }
  return std::nullopt;
}

absl::StatusOr<AttachmentScan> ScanAttachments() {
  AttachmentScanner scanner;
  scanner.LoadIterator();
  AttachmentScan scan;
  RETURN_IF_ERROR(scanner.LookAtAll([&](AttachmentNews news) {
    auto* look = std::get_if<AttachmentLook>(&news);
    if (look == nullptr) return;
    if (look->part == AttachmentLook::Part::kNetns) scan.namespaces.push_back(look->netns);
    for (Device& device : look->devices) {
      device.from_ns = device.to_ns = look->end_ns;
      scan.devices.push_back(std::move(device));
    }
    for (Attachment& attachment : look->attachments) {
      attachment.from_ns = attachment.to_ns = look->end_ns;
      scan.attachments.push_back(std::move(attachment));
    }
    if (!look->complete && look->part == AttachmentLook::Part::kNetns) {
      scan.notes.push_back(absl::StrCat(
          Name(look->netns), ": it changed during every look; the list may be incomplete"));
    }
  }));
  for (const std::string& note : scanner.notes()) scan.notes.push_back(note);
  return scan;
}

}  // namespace correlate
