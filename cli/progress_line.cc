#include "cli/progress_line.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr uint64_t kQuietNs = 500'000'000;
constexpr uint64_t kDrawEveryNs = 100'000'000;
constexpr uint64_t kBarWidth = 20;
constexpr char kEraseLine[] = "\r\x1b[K";

uint64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)),
      visible_(isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)),
      begun_ns_(NowNs()) {}

void ProgressLine::Show(uint64_t done_bytes, uint64_t all_bytes) {
  if (!visible_) return;
  const uint64_t now_ns = NowNs();
  if (now_ns < begun_ns_ + kQuietNs || now_ns < drawn_ns_ + kDrawEveryNs) return;
  drawn_ns_ = now_ns;
  std::cerr << kEraseLine << ProgressText(what_, done_bytes, all_bytes, now_ns - begun_ns_)
            << std::flush;
}

void ProgressLine::Clear() {
  if (std::exchange(drawn_ns_, 0) != 0) std::cerr << kEraseLine << std::flush;
}

std::string ProgressText(const std::string& what, uint64_t done_bytes, uint64_t all_bytes,
                         uint64_t passed_ns) {
  const std::string name = Printable(what);
  if (all_bytes == 0) return absl::StrCat(name, "  ", FormatMegabytes(done_bytes));
  // A file that still grows may have been read further than it was long.
  const double share =
      std::min(1.0, static_cast<double>(done_bytes) / static_cast<double>(all_bytes));
  const auto filled = static_cast<size_t>(share * kBarWidth);
  std::string left;
  if (share > 0) {
    const double seconds = static_cast<double>(passed_ns) / 1e9 * (1 - share) / share;
    left = absl::StrCat(", ", std::llround(seconds), " s left");
  }
  return absl::StrCat(name, "  ", static_cast<int>(share * 100), " % [", std::string(filled, '#'),
                      std::string(kBarWidth - filled, ' '), "] ", FormatMegabytes(done_bytes),
                      left);
}

}  // namespace correlate
