// What is known of events that were only counted: their kind, and whom those of their kind that
// were written whole name. All else cannot be told of them.
#ifndef REPORT_KIND_SOURCE_H_
#define REPORT_KIND_SOURCE_H_

#include <map>
#include <string>
#include <utility>

#include "query/event_view.h"
#include "report/kind_totals.h"

namespace correlate {

// The names of devices over a recording, the latest of each number. One thread.
class DeviceNames {
 public:
  void Add(const Device& device) { names_[{device.netns, device.ifindex}] = device.ifname; }
  // Empty: not known.
  std::string Find(const NetnsId& netns, uint32_t ifindex) const {
    const auto found = names_.find({netns, ifindex});
    return found == names_.end() ? "" : found->second;
  }

 private:
  std::map<std::pair<NetnsId, uint32_t>, std::string> names_;
};

class KindSource : public ValueSource {
 public:
  // Borrows all of them. `blame`: nullptr where that cannot be said.
  // `view`: for names of namespaces.
  KindSource(const KindTotals::Rest& rest, const Attribution* blame, const EventView& view,
             const DeviceNames& devices, std::string host);
  bool Visit(const EventKey& key, ValueVisitor visitor) const override;

 private:
  bool VisitDevice(const std::string& key, ValueVisitor visitor) const;

  const KindTotals::Rest& rest_;
  const EventView& view_;
  const DeviceNames& devices_;
  const std::string host_;
  EventFormat format_;
  CorrelatedEvent blamed_;  // has an attribution and nothing else
  EventView blamed_view_;
};

}  // namespace correlate

#endif  // REPORT_KIND_SOURCE_H_
