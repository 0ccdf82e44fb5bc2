// How often each kind of drop and exception happened in all, beside how many of its events were
// written whole, and whom those name: so that a report can lay the rest to somebody, or say that it
// cannot. Kinds: see collector/drop_kind.h. Memory grows with distinct kinds. One thread.
#ifndef CLI_KIND_TOTALS_H_
#define CLI_KIND_TOTALS_H_

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class KindTotals {
 public:
  struct Kind {
    uint32_t format_id = 0;
    uint64_t location = 0;
    uint64_t reason = 0;
    NetnsId netns;
    uint32_t ifindex = 0;
    uint64_t program_id = 0;
    friend bool operator==(const Kind&, const Kind&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Kind& k) {
      return H::combine(std::move(h), k.format_id, k.location, k.reason, k.netns.inode,
                        k.netns.cookie, k.ifindex, k.program_id);
    }
  };
  static Kind KindOf(const CorrelatedEvent& event);

  // An event that was written whole. `blame`: equal for events that are blamed on the same, and
  // never empty.
  void OnEvent(const CorrelatedEvent& event, const std::string& blame);
  void OnKindCount(const KindCount& count);

  // What was not written whole of one kind.
  struct Rest {
    std::string event;     // "skb:kfree_skb"
    std::string location;  // symbol+0xoffset; empty: unknown
    std::string reason;    // name, or number
    Kind kind;
    bool other = false;  // all kinds that found no room in the kernel's table
    uint64_t events = 0;
    uint64_t written = 0;          // of the same kind
    std::set<std::string> blames;  // of those
  };
  // Most events first.
  std::vector<Rest> Rests() const;
  bool empty() const { return !counted_; }  // the recording counted no kinds

 private:
  struct Total {
    uint64_t counted = 0;
    uint64_t written = 0;
    std::set<std::string> blames;
    std::string event;
    std::string location;
    std::string reason;
  };
  bool counted_ = false;
  absl::flat_hash_map<Kind, Total> totals_;
  absl::flat_hash_map<std::string, uint64_t> others_;  // by event
};

}  // namespace correlate

#endif  // CLI_KIND_TOTALS_H_
