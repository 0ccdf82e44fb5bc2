#include "symbolize/correlated_event.h"

namespace correlate {
namespace {

constexpr std::pair<FrameKind, absl::string_view> kFrameKinds[] = {
    {FrameKind::kUnknown, "unknown"},
    {FrameKind::kKernel, "kernel"},
    {FrameKind::kModule, "module"},
    {FrameKind::kBpf, "bpf"},
    {FrameKind::kBpfTrampoline, "bpf_trampoline"},
    {FrameKind::kBpfDispatcher, "bpf_dispatcher"},
    {FrameKind::kUser, "user"},
};

constexpr std::pair<Evidence, absl::string_view> kEvidences[] = {
    {Evidence::kEvent, "event"},     {Evidence::kVerdict, "verdict"},
    {Evidence::kStack, "stack"},     {Evidence::kSole, "sole"},
    {Evidence::kSampled, "sampled"}, {Evidence::kCandidates, "candidates"},
    {Evidence::kNone, "none"},
};

template <typename Enum, size_t N>
absl::string_view NameOf(const std::pair<Enum, absl::string_view> (&table)[N], Enum value) {
  for (const auto& [each, name] : table) {
    if (each == value) return name;
  }
  return "unknown";
}

}  // namespace

absl::string_view FrameKindName(FrameKind kind) { return NameOf(kFrameKinds, kind); }
absl::string_view EvidenceName(Evidence evidence) { return NameOf(kEvidences, evidence); }

}  // namespace correlate
