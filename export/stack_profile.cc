#include "export/stack_profile.h"

#include "render/event_fields.h"
#include "render/text.h"

namespace correlate {

StackProfile::StackProfile()
    : label_texts_(*ParseEventKeys("event,reason,program,device,evidence")) {
  view_.HideAddresses();
}

uint32_t StackProfile::FrameNumber(const correlate::Frame& frame) {
  // Ids of a trace are new in every chunk, so the table is emptied before it grows large.
  constexpr size_t kMostRemembered = 65536;
  if (frame_numbers_.size() >= kMostRemembered) frame_numbers_.clear();
  const auto [number, is_new] = frame_numbers_.try_emplace(frame.id);
  if (is_new) {
    Frame named{.file = ValidUtf8(frame.file), .line = frame.line, .kind = frame.kind};
    AppendFrameName(frame, &named.name);
    named.name = ValidUtf8(named.name);
    number->second = frames_.Of(named);
  }
  return number->second;
}

uint32_t StackProfile::StackNumber(const Stack* stack) {
  uint32_t node = kNoStack;
  if (stack == nullptr) return node;
  for (auto frame = stack->frames.rbegin(); frame != stack->frames.rend(); ++frame) {
    const uint32_t frame_number = FrameNumber(**frame);
    const auto [called, is_new] = node_numbers_.try_emplace(std::pair(node, frame_number),
                                                            static_cast<uint32_t>(nodes_.size()));
    if (is_new) nodes_.push_back({.caller = node, .frame = frame_number});
    node = called->second;
  }
  return node;
}

const std::vector<uint32_t>& StackProfile::FramesOf(uint32_t stack) const {
  path_.clear();
  for (; stack != kNoStack; stack = nodes_[stack].caller) path_.push_back(nodes_[stack].frame);
  return path_;
}

size_t StackProfile::SampleOf(const CorrelatedEvent& event) {
  const std::vector<std::string>& texts = label_texts_.Of(view_);
  Labels labels{texts[0], texts[1], texts[2], texts[3], texts[4]};
  for (std::string Labels::*label :
       {&Labels::event, &Labels::reason, &Labels::program, &Labels::device, &Labels::evidence}) {
    labels.*label = ValidUtf8(labels.*label);
  }
  const uint32_t stack = StackNumber(event.stack);
  const uint32_t label = labels_.Of(labels);
  const auto [sample, is_new] =
      sample_numbers_.try_emplace(std::pair(stack, label), samples_.size());
  if (is_new) samples_.push_back({.stack = stack, .labels = label});
  return sample->second;
}

void StackProfile::OnEvent(const CorrelatedEvent& event) {
  view_.OnEvent(event);
  ++samples_[memo_.Get(event, [&] { return SampleOf(event); })].events;
}

}  // namespace correlate
