// What this host is, read once when a recording starts: its names, its size, its clocks, the names
// of the tasks that already run, and the kernel's symbol table as text. Plain reads of /proc and a
// few system calls; nothing is kept open. Thread-safe.
#ifndef COLLECTOR_HOST_FACTS_H_
#define COLLECTOR_HOST_FACTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

struct HostFacts {
  std::string hostname;
  std::string kernel_release;  // uname -r
  std::string kernel_version;  // uname -v
  std::string machine;         // uname -m
  std::string boot_id;         // empty where /proc does not tell
  uint32_t online_cpus = 0;
  uint64_t memory_bytes = 0;
};

HostFacts ReadHostFacts();

// The three clocks as close to one instant as a process can read them: the reading with the
// shortest way from the first clock to the last one, of a few.
ClockReading ReadClocks();

// Thread id and name (bytes as the kernel has them) of every task that runs now. Tasks that end
// meanwhile are left out.
std::vector<std::pair<int32_t, std::string>> ReadTaskNames();

// Of one task; empty: it ended.
std::string ReadTaskName(int32_t tid);
// The cgroup (version 2) of a process, as a path below the mount; empty: it ended, or is in none.
std::string ReadCgroupOf(int32_t pid);

// /proc/kallsyms whole. Where the kernel hides addresses (KallsymsHidesAddresses) it still reads.
absl::StatusOr<std::string> ReadKallsyms();

// True if not one symbol of the text has an address: kernel.kptr_restrict, or no CAP_SYSLOG
// (kernel/kallsyms.c, kallsyms_show_value).
bool KallsymsHidesAddresses(absl::string_view kallsyms);

// Booted with lockdown=confidentiality, or put into it since (kernel_lockdown(7)): tracefs and much
// of BPF are refused to root too. False where securityfs does not tell.
bool IsLockedDown();

}  // namespace correlate

#endif  // COLLECTOR_HOST_FACTS_H_
