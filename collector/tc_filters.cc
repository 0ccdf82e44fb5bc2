#include "collector/tc_filters.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

constexpr char kBpf[] = "bpf";

void AddActions(const Attachment& filter_place, const FilterMessage& filter,
                std::vector<Attachment>& attachments) {
  for (const std::string& action : filter.actions) {
    Attachment obstacle = filter_place;
    obstacle.program_id = 0;
    obstacle.kind =
        action == "gact" && filter.goes_to_chain ? "goto chain" : absl::StrCat("action ", action);
    attachments.push_back(std::move(obstacle));
  }
}

}  // namespace

Attachment FilterAttachment(const Attachment& hook, const FilterMessage& filter) {
  Attachment attachment = hook;
  attachment.program_id = filter.program_id;
  attachment.chain = filter.chain;
  attachment.pref = filter.pref;
  attachment.handle = filter.handle;
  attachment.block = filter.block;
  if (filter.program_id == 0) attachment.kind = filter.classic ? "classic BPF" : filter.kind;
  return attachment;
}

std::vector<Attachment> FilterAttachments(const Attachment& hook,
                                          absl::Span<const FilterMessage> filters) {
  std::vector<FilterMessage> in_order(filters.begin(), filters.end());
  std::stable_sort(
      in_order.begin(), in_order.end(),
      [](const FilterMessage& a, const FilterMessage& b) { return a.chain < b.chain; });
  std::vector<Attachment> attachments;
  std::set<uint32_t> blocks;
  std::set<std::tuple<uint32_t, uint32_t, std::string>> classifiers;
  for (const FilterMessage& filter : in_order) {
    if (filter.block != 0 && blocks.insert(filter.block).second) {
      Attachment shared = hook;
      shared.kind = "shared block";
      shared.block = filter.block;
      attachments.push_back(std::move(shared));
    }
    if (filter.kind == kBpf) {
      if (filter.program_id == 0 && !filter.classic) continue;  // the classifier's own line
      const Attachment place = FilterAttachment(hook, filter);
      attachments.push_back(place);
      AddActions(place, filter, attachments);
    } else if (classifiers.insert({filter.chain, filter.pref, filter.kind}).second) {
      attachments.push_back(FilterAttachment(hook, filter));
      attachments.back().handle = 0;
    }
  }
  return attachments;
}

}  // namespace correlate
