#include "query/selection.h"

#include "absl/strings/str_cat.h"

namespace correlate {

absl::StatusOr<Selection> Selection::Parse(const std::string& time, const std::string& filter) {
  Selection selection;
  if (!time.empty()) {
    auto range = TimeRange::Parse(time);
    if (!range.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--time: ", range.status().message()));
    }
    selection.time = *std::move(range);
  }
  if (!filter.empty()) {
    auto parsed = Filter::Parse(filter);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--filter: ", parsed.status().message()));
    }
    selection.filter = *std::move(parsed);
  }
  return selection;
}

TimeRange::Place Selection::PlaceOf(uint64_t time_ns, const EventView& view) const {
  if (!time.has_value()) return TimeRange::Place::kWithin;
  return time->Of(time_ns, view.clock(), view.start_ns());
}

bool Selection::Takes(const EventView& view) const {
  return PlaceOf(view.event().time_ns, view) == TimeRange::Place::kWithin &&
         (!filter.has_value() || filter->Matches(view));
}

std::string Selection::Describe() const {
  std::string text;
  if (time.has_value()) absl::StrAppend(&text, "--time ", time->text());
  if (filter.has_value()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", "--filter '", filter->text(), "'");
  }
  return text;
}

namespace {

class OwningSelectingSink : public SelectingSink {
 public:
  OwningSelectingSink(const Selection& selection, std::unique_ptr<TraceSink> sink)
      : SelectingSink(selection, sink.get()), sink_(std::move(sink)) {}

 private:
  const std::unique_ptr<TraceSink> sink_;
};

}  // namespace

std::unique_ptr<TraceSink> Selected(const Selection& selection, std::unique_ptr<TraceSink> sink) {
  if (selection.everything()) return sink;
  return std::make_unique<OwningSelectingSink>(selection, std::move(sink));
}

void SelectingSink::OnRecording(const RecordingFacts& facts) {
  view_.OnRecording(facts);
  ForwardingSink::OnRecording(facts);
}

void SelectingSink::OnClocks(const ClockReading& clocks) {
  view_.OnClocks(clocks);
  ForwardingSink::OnClocks(clocks);
}

void SelectingSink::OnNetns(const Netns& netns) {
  view_.OnNetns(netns);
  ForwardingSink::OnNetns(netns);
}

void SelectingSink::OnEvent(const CorrelatedEvent& event) {
  view_.OnEvent(event);
  if (selection_.Takes(view_)) ForwardingSink::OnEvent(event);
}

void SelectingSink::OnLoss(const Loss& loss) {
  // Whatever overlaps: what was lost may have been asked for.
  if (selection_.PlaceOf(loss.to_ns, view_) == TimeRange::Place::kBefore ||
      selection_.PlaceOf(loss.from_ns, view_) == TimeRange::Place::kAfter) {
    return;
  }
  ForwardingSink::OnLoss(loss);
}

}  // namespace correlate
