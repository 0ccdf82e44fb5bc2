#include "collector/host_facts.h"

#include <dirent.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clocks.h"
#include "base/files.h"

namespace correlate {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using ScopedDirectory = std::unique_ptr<DIR, CloseDirectory>;

// The entries of a directory of /proc whose names are numbers.
std::vector<int32_t> NumberedEntries(const std::string& path) {
  std::vector<int32_t> numbers;
  ScopedDirectory directory(opendir(path.c_str()));
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory.get())) {
    int32_t number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

HostFacts ReadHostFacts() {
  HostFacts facts;
  utsname name = {};
  if (uname(&name) == 0) {
    facts.hostname = name.nodename;
    facts.kernel_release = name.release;
    facts.kernel_version = name.version;
    facts.machine = name.machine;
  }
  if (absl::StatusOr<std::string> boot_id = ReadFile("/proc/sys/kernel/random/boot_id");
      boot_id.ok()) {
    facts.boot_id = std::string(absl::StripSuffix(*boot_id, "\n"));
  }
  facts.online_cpus = static_cast<uint32_t>(std::max(0L, sysconf(_SC_NPROCESSORS_ONLN)));
  facts.memory_bytes = static_cast<uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES))) *
                       static_cast<uint64_t>(std::max(0L, sysconf(_SC_PAGESIZE)));
  return facts;
}

ClockReading ReadClocks() {
  ClockReading best;
  uint64_t best_width_ns = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    ClockReading reading;
    // Monotonic in the middle: everything else is timed by it, and so is at most half a width off.
    const uint64_t before_ns = ClockNs(CLOCK_MONOTONIC);
    reading.realtime_ns = ClockNs(CLOCK_REALTIME);
    reading.monotonic_ns = ClockNs(CLOCK_MONOTONIC);
    reading.boottime_ns = ClockNs(CLOCK_BOOTTIME);
    const uint64_t width_ns = ClockNs(CLOCK_MONOTONIC) - before_ns;
    if (width_ns < best_width_ns) {
      best = reading;
      best_width_ns = width_ns;
    }
  }
  return best;
}

std::vector<std::pair<int32_t, std::string>> ReadTaskNames() {
  std::vector<std::pair<int32_t, std::string>> names;
  for (const int32_t pid : NumberedEntries("/proc")) {
    const std::string tasks = absl::StrCat("/proc/", pid, "/task");
    for (const int32_t tid : NumberedEntries(tasks)) {
      absl::StatusOr<std::string> comm = ReadFile(absl::StrCat(tasks, "/", tid, "/comm"));
      if (!comm.ok()) continue;  // it ended
      // The kernel ends the name with one newline of its own; any other belongs to the name.
      names.emplace_back(tid, std::string(absl::StripSuffix(*comm, "\n")));
    }
  }
  return names;
}

std::string ReadTaskName(int32_t tid) {
  const auto comm = ReadFile(absl::StrCat("/proc/", tid, "/comm"));
  return comm.ok() ? std::string(absl::StripSuffix(*comm, "\n")) : "";
}

std::string ReadCgroupOf(int32_t pid) {
  const auto cgroups = ReadFile(absl::StrCat("/proc/", pid, "/cgroup"));
  if (!cgroups.ok()) return "";
  // cgroups(7): "0::PATH" is that of version 2.
  for (absl::string_view line : absl::StrSplit(*cgroups, '\n')) {
    if (absl::ConsumePrefix(&line, "0::")) return std::string(line);
  }
  return "";
}

absl::StatusOr<std::string> ReadKallsyms() { return ReadFile("/proc/kallsyms"); }

bool KallsymsHidesAddresses(absl::string_view kallsyms) {
  // A few symbols really are at 0 (x86's start of the per-CPU area), so one that is not decides.
  while (!kallsyms.empty()) {
    const absl::string_view address = kallsyms.substr(0, kallsyms.find(' '));
    if (address.find_first_not_of('0') != absl::string_view::npos) return false;
    const size_t end = kallsyms.find('\n');
    if (end == absl::string_view::npos) break;
    kallsyms.remove_prefix(end + 1);
  }
  return true;
}

bool IsLockedDown() {
  const absl::StatusOr<std::string> modes = ReadFile("/sys/kernel/security/lockdown");
  return modes.ok() && absl::StrContains(*modes, "[confidentiality]");
}

}  // namespace correlate
