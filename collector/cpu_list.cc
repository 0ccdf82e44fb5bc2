#include "collector/cpu_list.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/status_macros.h"

namespace correlate {
namespace {

constexpr uint32_t kMaxCpus = 1 << 16;  // far above any kernel's NR_CPUS

}  // namespace

absl::StatusOr<std::vector<uint32_t>> ParseCpuList(absl::string_view text) {
  std::vector<uint32_t> cpus;
  for (absl::string_view part :
       absl::StrSplit(absl::StripAsciiWhitespace(text), ',', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    uint32_t first = 0;
    uint32_t last = 0;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &first) ||
        !absl::SimpleAtoi(ends.back(), &last) || last < first || last >= kMaxCpus) {
      return absl::InvalidArgumentError(absl::StrCat("not a list of CPUs: '", text, "'"));
    }
    for (uint32_t cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

absl::StatusOr<std::vector<uint32_t>> OnlineCpus() {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/sys/devices/system/cpu/online"));
  return ParseCpuList(text);
}

absl::StatusOr<std::vector<uint32_t>> PossibleCpus() {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/sys/devices/system/cpu/possible"));
  return ParseCpuList(text);
}

}  // namespace correlate
