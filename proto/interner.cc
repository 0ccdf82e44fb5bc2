#include "proto/interner.h"

#include "proto/packet_values.h"
#include "proto/values.h"

namespace correlate {

void Interner::Restart(pb::Interned* interned) {
  interned_ = interned;
  bytes_ = 0;
  strings_.clear();
  frames_.clear();
  stacks_.clear();
  attributions_.clear();
  looks_.clear();
  interned_->add_strings();
  interned_->add_frames();
  interned_->add_stacks();
  interned_->add_attributions();
  interned_->add_looks();
}

uint32_t Interner::String(absl::string_view text) {
  if (text.empty()) return 0;
  const auto known = strings_.find(text);
  if (known != strings_.end()) return known->second;
  const auto number = static_cast<uint32_t>(interned_->strings_size());
  interned_->add_strings(text.data(), text.size());
  strings_.emplace(text, number);
  bytes_ += text.size() + 3;
  return number;
}

uint32_t Interner::FrameNumber(const Frame* frame) {
  if (frame == nullptr) return 0;
  const auto known = frames_.find(frame->id);
  if (known != frames_.end()) return known->second;
  const auto number = static_cast<uint32_t>(interned_->frames_size());
  pb::Frame* written = interned_->add_frames();
  written->set_address(frame->address);
  written->set_symbol(String(frame->symbol));
  written->set_offset(frame->offset);
  written->set_kind(ToProto(frame->kind));
  written->set_module(String(frame->module));
  written->set_program_id(frame->program_id);
  written->set_function(String(frame->function));
  written->set_file(String(frame->file));
  written->set_line(frame->line);
  frames_.emplace(frame->id, number);
  bytes_ += 24;
  return number;
}

uint32_t Interner::StackNumber(const Stack* stack) {
  if (stack == nullptr) return 0;
  const auto known = stacks_.find(stack->id);
  if (known != stacks_.end()) return known->second;
  const auto number = static_cast<uint32_t>(interned_->stacks_size());
  pb::Stack* written = interned_->add_stacks();
  for (const Frame* frame : stack->frames) written->add_frames(FrameNumber(frame));
  stacks_.emplace(stack->id, number);
  bytes_ += 4 + 2 * stack->frames.size();
  return number;
}

uint32_t Interner::AttributionNumber(const Attribution* attribution) {
  if (attribution == nullptr) return 0;
  const auto known = attributions_.find(attribution->id);
  if (known != attributions_.end()) return known->second;
  const auto number = static_cast<uint32_t>(interned_->attributions_size());
  pb::Attribution* written = interned_->add_attributions();
  written->set_evidence(ToProto(attribution->evidence));
  written->set_verdict(String(attribution->verdict));
  written->set_why(String(attribution->why));
  written->set_follows_exception(attribution->follows_exception);
  for (const BlamedProgram& program : attribution->programs) {
    ToProto(program, written->add_programs());
  }
  attributions_.emplace(attribution->id, number);
  bytes_ += written->ByteSizeLong();
  return number;
}

uint32_t Interner::LookNumber(const HookLook* look) {
  if (look == nullptr) return 0;
  const auto known = looks_.find(look->id);
  if (known != looks_.end()) return known->second;
  const auto number = static_cast<uint32_t>(interned_->looks_size());
  pb::HookLook* written = interned_->add_looks();
  ToProto(
      *look, [this](absl::string_view text) { return String(text); }, written);
  looks_.emplace(look->id, number);
  bytes_ += written->ByteSizeLong();
  return number;
}

}  // namespace correlate
