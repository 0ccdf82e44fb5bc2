#include "cli/cpu_governor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace correlate {
namespace {

constexpr uint32_t kNone = Enricher::Limits::kNone;
// Below this a limit is as good as none at all.
constexpr uint32_t kLeastStacks = 8;
constexpr uint32_t kLeastWhole = 32;
// So much of what is allowed may stay unused before limits are raised.
constexpr double kRoom = 0.7;
constexpr int kCalmCalls = 4;
constexpr uint32_t kBackToNone = 1'000'000;

// One step leaves at least a twentieth: what was measured may have been a peak.
uint32_t Scaled(double value, double factor) {
  return static_cast<uint32_t>(value * std::clamp(factor, 0.05, 0.95));
}

}  // namespace

CpuGovernor::CpuGovernor(double most, const Enricher::Limits& asked)
    : most_(most), asked_(asked), limits_(asked), lowest_(asked) {}

bool CpuGovernor::Adjust(const Use& use) {
  const Enricher::Limits before = limits_;
  if (use.share > most_) {
    calm_ = 0;
    Lower(use);
  } else if (use.share < kRoom * most_ && ++calm_ >= kCalmCalls) {
    calm_ = 0;
    Raise();
  }
  lowest_.stacks = std::min(lowest_.stacks, limits_.stacks);
  lowest_.whole = std::min(lowest_.whole, limits_.whole);
  Note();
  return limits_.stacks != before.stacks || limits_.whole != before.whole;
}

bool CpuGovernor::Lower(const Use& use) {
  const double factor = most_ / use.share;
  if (limits_.stacks > 0) {
    // No more callchains were taken than events were written.
    const double now = std::min<double>(limits_.stacks, use.whole_a_second);
    const uint32_t lower = Scaled(now, factor);
    limits_.stacks = lower < kLeastStacks ? 0 : lower;
    return true;
  }
  if (limits_.whole == 0) return false;
  const double now = std::min<double>(limits_.whole, use.whole_a_second);
  const uint32_t lower = Scaled(now, factor);
  limits_.whole = lower < kLeastWhole ? 0 : lower;
  return true;
}

bool CpuGovernor::Raise() {
  const auto raise = [](uint32_t limit, uint32_t least, uint32_t asked) {
    const uint64_t higher = std::max<uint64_t>(least, uint64_t{limit} * 3 / 2);
    if (asked == kNone && higher >= kBackToNone) return kNone;
    return static_cast<uint32_t>(std::min<uint64_t>(higher, asked));
  };
  if (limits_.whole != asked_.whole) {
    limits_.whole = raise(limits_.whole, kLeastWhole, asked_.whole);
    return true;
  }
  if (limits_.stacks == asked_.stacks) return false;
  limits_.stacks = raise(limits_.stacks, kLeastStacks, asked_.stacks);
  return true;
}

void CpuGovernor::Note() {
  const Sparing now = limits_.whole == 0                ? Sparing::kAll
                      : limits_.whole != asked_.whole   ? Sparing::kWhole
                      : limits_.stacks != asked_.stacks ? Sparing::kStacks
                                                        : Sparing::kNothing;
  if (now == told_) return;
  const std::string limit = absl::StrFormat("--max-cpu %g", most_ * 100);
  switch (now) {
    case Sparing::kNothing:
      notes_.push_back(absl::StrCat(limit, ": everything asked for is recorded again"));
      break;
    case Sparing::kStacks:
      if (told_ == Sparing::kNothing) {
        notes_.push_back(absl::StrCat(limit, ": fewer callchains are taken, now ", limits_.stacks,
                                      " a second and CPU"));
      }
      break;
    case Sparing::kWhole:
      if (told_ != Sparing::kAll) {
        notes_.push_back(absl::StrCat(limit, ": not every event is written whole, now ",
                                      limits_.whole, " a second and CPU; the rest is counted"));
      }
      break;
    case Sparing::kAll:
      notes_.push_back(absl::StrCat(limit, ": events are only counted"));
      break;
  }
  told_ = now;
}

std::vector<std::string> CpuGovernor::TakeNotes() { return std::exchange(notes_, {}); }

}  // namespace correlate
