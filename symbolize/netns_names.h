// What the network namespaces of the recording host are called (/run/netns). One thread.
#ifndef SYMBOLIZE_NETNS_NAMES_H_
#define SYMBOLIZE_NETNS_NAMES_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

class NetnsNames {
 public:
  // A later look replaces an earlier one.
  void Add(const Netns& netns) {
    std::string& name = names_[netns.id];
    if (name == netns.name) return;
    name = netns.name;
    ++generation_;
  }
  // Empty: it has no name, or was never seen.
  absl::string_view Find(const NetnsId& id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? absl::string_view() : absl::string_view(found->second);
  }
  // Changes whenever Find might answer otherwise.
  uint64_t generation() const { return generation_; }

 private:
  std::map<NetnsId, std::string> names_;
  uint64_t generation_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_NETNS_NAMES_H_
