#include "query/event_view.h"

#include "render/json_event.h"

namespace correlate {
namespace {

// Ids of a trace are new in every chunk.
constexpr size_t kMostRemembered = 4096;

template <typename Make>
const Json& Remembered(absl::flat_hash_map<uint64_t, Json>& known, uint64_t id, const Make& make) {
  const auto found = known.find(id);
  if (found != known.end()) return found->second;
  if (known.size() >= kMostRemembered) known.clear();
  return known.emplace(id, make()).first->second;
}

}  // namespace

void EventView::OnRecording(const RecordingFacts& facts) {
  host_ = facts.hostname;
  // Another host's namespaces have other names, under the same numbers.
  if (facts.boot_id != boot_id_) netns_names_ = NetnsNames();
  boot_id_ = facts.boot_id;
}

void EventView::OnClocks(const ClockReading& clocks) {
  clock_.Add(clocks);
  if (start_ns_ == 0 || clocks.monotonic_ns < start_ns_) start_ns_ = clocks.monotonic_ns;
}

const Json& EventView::AttributionJson() const {
  return Remembered(attributions_, event_->attribution->id,
                    [&] { return AttributionToJson(*event_->attribution); });
}

const Json& EventView::StackJson() const {
  return Remembered(stacks_, event_->stack->id, [&] { return StackToJson(*event_->stack); });
}

void EventLabels::Append(const EventKey& key, const EventView& view, std::string* label) {
  if (key.label != nullptr) {
    key.label(view, label);
  } else {
    view.Visit(key, [&](const EventValue& value) {
      if (!label->empty()) *label += " or ";
      AppendValue(value, label);
    });
  }
  if (!label->empty()) return;
  const Attribution* attribution = view.event().attribution;
  const bool nobody = key.of == EventKey::Of::kAttribution && attribution != nullptr &&
                      attribution->programs.empty();
  *label = nobody ? "none" : "unknown";
}

const std::vector<std::string>& EventLabels::Of(const EventView& view) {
  labels_.resize(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) {
    const EventKey& key = keys_[i];
    const Attribution* attribution = view.event().attribution;
    const Stack* stack = view.event().stack;
    std::string& label = labels_[i];
    label.clear();
    const auto make = [&] {
      std::string made;
      Append(key, view, &made);
      return made;
    };
    if (key.of == EventKey::Of::kAttribution && attribution != nullptr) {
      label = by_id_[i].Get(attribution->id, make);
    } else if (key.of == EventKey::Of::kStack && stack != nullptr) {
      label = by_id_[i].Get(stack->id, make);
    } else {
      Append(key, view, &label);
    }
  }
  return labels_;
}

std::vector<std::string> KindLabels(const ValueSource& kind, const std::vector<EventKey>& keys) {
  std::vector<std::string> labels;
  for (const EventKey& key : keys) {
    std::string label;
    const bool told = kind.Visit(key, [&](const EventValue& value) {
      if (!label.empty()) label += " or ";
      AppendValue(value, &label);
      if (key.name == "program") absl::StrAppend(&label, " #", value.number);
    });
    labels.push_back(!told ? "only counted" : label.empty() ? "unknown" : std::move(label));
  }
  return labels;
}

}  // namespace correlate
