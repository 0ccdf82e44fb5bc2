#include "report/kind_source.h"

#include "absl/strings/str_cat.h"

namespace correlate {

KindSource::KindSource(const KindTotals::Rest& rest, const Attribution* blame,
                       const EventView& view, const DeviceNames& devices, std::string host)
    : rest_(rest), view_(view), devices_(devices), host_(std::move(host)) {
  blamed_.format = &format_;
  blamed_.attribution = blame;
  blamed_view_.OnEvent(blamed_);
}

bool KindSource::VisitDevice(const std::string& key, ValueVisitor visitor) const {
  const EventKind& kind = rest_.kind;
  const std::string netns(view_.netns_names().Find(kind.netns));
  if (key == "netns" || key == "packet.netns") {
    if (kind.netns.inode == 0) return true;
    visitor(netns.empty() || key != "netns" ? EventValue::Number(kind.netns.inode)
                                            : EventValue::Named(netns, kind.netns.inode));
    return true;
  }
  if (kind.ifindex == 0) return true;
  if (key == "packet.ifindex") {
    visitor(EventValue::Number(kind.ifindex));
    return true;
  }
  const std::string name = devices_.Find(kind.netns, kind.ifindex);
  if (key == "device") {
    const std::string text =
        absl::StrCat(name.empty() ? absl::StrCat("ifindex ", kind.ifindex) : name, " (netns ",
                     netns.empty() ? absl::StrCat(kind.netns.inode) : netns, ")");
    visitor(EventValue::Text(text));
    return true;
  }
  if (name.empty()) return false;
  visitor(EventValue::Text(name));
  return true;
}

bool KindSource::Visit(const EventKey& key, ValueVisitor visitor) const {
  if (key.name == "event") {
    visitor(EventValue::Text(rest_.event));
    return true;
  }
  if (key.name == "host") {
    if (!host_.empty()) visitor(EventValue::Text(host_));
    return true;
  }
  if (key.of == EventKey::Of::kAttribution) {
    return blamed_.attribution != nullptr && blamed_view_.Visit(key, visitor);
  }
  if (rest_.other) return false;  // many kinds together
  if (key.name == "reason" || (key.name == "fields.reason" && rest_.event == "skb:kfree_skb")) {
    visitor(EventValue::Named(rest_.reason, rest_.kind.reason));
    return true;
  }
  if (key.name == "location") {
    if (!rest_.location.empty()) visitor(EventValue::Text(rest_.location));
    return true;
  }
  for (const char* known :
       {"device", "ifname", "netns", "packet.ifindex", "packet.ifname", "packet.netns"}) {
    if (key.name == known) return VisitDevice(key.name, visitor);
  }
  return false;
}

}  // namespace correlate
