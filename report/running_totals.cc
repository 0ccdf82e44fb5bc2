#include "report/running_totals.h"

namespace correlate {

void RunningTotals::OnRecording() {
  // Where the beginning of a recording is damaged, its totals may come before it does.
  if (!std::exchange(begun_, true)) return;
  earlier_ = Counts();
  earlier_actions_ = XdpActions();
  counts_.clear();
  xdp_actions_.clear();
  names_.clear();
}

std::map<std::pair<std::string, uint32_t>, EventCounts> RunningTotals::Counts() const {
  auto sums = earlier_;
  for (const auto& [key, counts] : counts_) {
    const auto name = names_.find(key.first);
    EventCounts& sum = sums[{name == names_.end() ? "unknown" : name->second, key.second}];
    sum.cpu = counts.cpu;
    Add(counts, &sum);
  }
  return sums;
}

std::map<uint32_t, XdpActionCounts> RunningTotals::XdpActions() const {
  auto sums = earlier_actions_;
  for (const auto& [program_id, counts] : xdp_actions_) {
    sums[program_id].program_id = program_id;
    Add(counts, &sums[program_id]);
  }
  return sums;
}

}  // namespace correlate
