#include "symbolize/stack_resolver.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"

namespace correlate {
namespace {

bool IsVolatile(const Frame& frame) {
  return frame.kind != FrameKind::kKernel && frame.kind != FrameKind::kModule;
}

bool InKernelHalf(uint64_t address) { return address >> 63; }

}  // namespace

void StackResolver::SetKernelSymbols(KernelSymbols symbols) {
  kernel_ = std::move(symbols);
  DropVolatile();
}

void StackResolver::DropVolatile() {
  last_frame_ = nullptr;
  for (auto it = stacks_.begin(); it != stacks_.end();) {
    auto& chains = it->second;
    std::erase_if(chains, [](const auto& cached) { return cached->volatile_frames; });
    if (chains.empty()) {
      stacks_.erase(it++);
    } else {
      ++it;
    }
  }
  absl::erase_if(frames_, [](const auto& entry) { return IsVolatile(*entry.second); });
}

void StackResolver::Forget() {
  constexpr size_t kMostKept = 10'000;
  if (stacks_.size() + frames_.size() < kMostKept) return;
  last_frame_ = nullptr;
  stacks_.clear();
  frames_.clear();
}

void StackResolver::FollowChanges() {
  if (seen_generation_ == programs_->generation()) return;
  seen_generation_ = programs_->generation();
  DropVolatile();
}

std::unique_ptr<Frame> StackResolver::MakeFrame(uint64_t address, uint64_t time_ns,
                                                bool return_address) {
  auto frame = std::make_unique<Frame>();
  frame->id = next_id_++;
  frame->address = address;
  ProgramTable::Place place;
  if (programs_->Lookup(address, time_ns, return_address, &place)) {
    frame->kind = place.kind;
    frame->symbol = std::move(place.symbol);
    frame->offset = place.offset;
    frame->program_id = place.program != nullptr ? place.program->id : 0;
    frame->function = std::move(place.function);
    frame->file = std::move(place.file);
    frame->line = place.line;
    return frame;
  }
  // A call can be the last instruction of a function, so a return address may stand at the next
  // symbol's start: look one byte before it, and count the offset from there as perf does.
  const uint64_t inside = return_address && address > 0 ? address - 1 : address;
  const auto symbol = kernel_.Lookup(inside);
  if (!symbol.has_value()) {
    if (InKernelHalf(address)) ++unknown_addresses_;
    return frame;
  }
  frame->kind = symbol->kind;
  frame->symbol = std::string(symbol->name);
  frame->module = std::string(symbol->module);
  frame->offset = symbol->offset + (address - inside);
  return frame;
}

const Frame* StackResolver::ResolveAddress(uint64_t address, uint64_t time_ns,
                                           bool return_address) {
  FollowChanges();
  const FrameKey key = {address, return_address};
  if (last_frame_ != nullptr && key == last_key_) return last_frame_;
  auto& frame = frames_[key];
  if (frame == nullptr) frame = MakeFrame(address, time_ns, return_address);
  last_key_ = key;
  last_frame_ = frame.get();
  return last_frame_;
}

size_t StackResolver::TracerFrames(absl::Span<const uint64_t> callchain, uint64_t time_ns) {
  for (size_t i = 0; i < callchain.size(); ++i) {
    const Frame* frame = ResolveAddress(callchain[i], time_ns, /*return_address=*/i > 0);
    if (frame->kind == FrameKind::kBpf) {
      const ProgramInfo* program = programs_->Find(frame->program_id, time_ns);
      if (program != nullptr && program->ours) continue;
    }
    // kernel/trace/bpf_trace.c, include/trace/bpf_probe.h, include/linux/tracepoint.h
    const bool caller = absl::StartsWith(frame->symbol, "bpf_trace_run") ||
                        absl::StartsWith(frame->symbol, "__bpf_trace_") ||
                        absl::StartsWith(frame->symbol, "__traceiter_");
    if (!caller) return i;
  }
  return callchain.size();
}

const Stack* StackResolver::Resolve(absl::Span<const uint64_t> callchain, uint64_t time_ns) {
  if (callchain.empty()) return nullptr;
  FollowChanges();
  auto& chains = stacks_[absl::HashOf(callchain)];
  for (const auto& cached : chains) {
    if (absl::MakeConstSpan(cached->callchain) == callchain) return &cached->stack;
  }
  auto cached = std::make_unique<CachedStack>();
  cached->callchain.assign(callchain.begin(), callchain.end());
  cached->stack.id = next_id_++;
  const size_t begin = TracerFrames(callchain, time_ns);
  const size_t end =
      max_frames_ > 0 ? std::min(callchain.size(), begin + max_frames_) : callchain.size();
  for (size_t i = begin; i < end; ++i) {
    // The leaf of a tracepoint's callchain is where the tracepoint sits; the others are returned
    // to.
    const Frame* frame = ResolveAddress(callchain[i], time_ns, /*return_address=*/i > 0);
    cached->volatile_frames |= IsVolatile(*frame);
    cached->stack.frames.push_back(frame);
  }
  chains.push_back(std::move(cached));
  return &chains.back()->stack;
}

}  // namespace correlate
