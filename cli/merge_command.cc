#include "cli/merge_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/fd_stream.h"
#include "base/output_file.h"
#include "base/scoped_fd.h"
#include "cli/exit_codes.h"
#include "cli/trace_input.h"
#include "proto/trace_merge.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

struct Flags {
  std::vector<std::string> inputs;
  std::string output;
};

// Whose a trace is and when it began: no more of it is read.
class Beginning : public TraceSink {
 public:
  void OnRecording(const RecordingFacts& facts) override {
    if (!host_.empty()) return;
    host_ = facts.hostname.empty() ? "?" : facts.hostname;
    boot_id_ = facts.boot_id;
    part_ = facts.part;
  }
  void OnClocks(const ClockReading& clocks) override {
    if (realtime_ns_ != 0) return;
    realtime_ns_ = clocks.realtime_ns;
    monotonic_ns_ = clocks.monotonic_ns;
  }
  bool WantsMore() const override { return realtime_ns_ == 0; }

  const std::string& host() const { return host_; }
  // Of the clock: a boot has one.
  const std::string& clock_id() const { return boot_id_.empty() ? host_ : boot_id_; }
  bool has_clocks() const { return realtime_ns_ != 0; }
  // When its CLOCK_MONOTONIC was 0, nanoseconds of the wall clock.
  int64_t ZeroNs() const {
    return static_cast<int64_t>(realtime_ns_) - static_cast<int64_t>(monotonic_ns_);
  }
  bool Before(const Beginning& other) const {
    return std::tie(realtime_ns_, part_) < std::tie(other.realtime_ns_, other.part_);
  }

 private:
  std::string host_;
  std::string boot_id_;
  uint32_t part_ = 0;
  uint64_t realtime_ns_ = 0;
  uint64_t monotonic_ns_ = 0;
};

// How the clock of `other`, another boot, stands to that of `first`, which readers show times on.
std::string ClockText(const Beginning& first, const Beginning& other) {
  if (!first.has_clocks() || !other.has_clocks()) {
    return absl::StrCat("no reading of the clocks of ", Printable(other.host()),
                        " is there: its times cannot be compared with others");
  }
  const int64_t behind_ns = other.ZeroNs() - first.ZeroNs();
  return absl::StrFormat(
      "the clock of %s (CLOCK_MONOTONIC) is %.3f s %s that of %s; times are shown on the latter, "
      "by "
      "the hosts' wall clocks",
      Printable(other.host()), std::abs(static_cast<double>(behind_ns)) / 1e9,
      behind_ns < 0 ? "ahead of" : "behind", Printable(first.host()));
}

int Fail(const absl::Status& status) {
  std::cerr << "bpftrace-correlate merge: " << status.message() << "\n";
  return kExitFailure;
}

bool SameFile(const std::string& a, const std::string& b) {
  struct stat first;
  struct stat second;
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int RunMerge(const Flags& flags) {
  struct Input {
    std::string path;
    Beginning beginning;
  };
  std::vector<Input> inputs;
  for (const std::string& path : flags.inputs) {
    if (path == "-") {
      std::cerr << "bpftrace-correlate merge: files are read twice: stdin will not do\n";
      return kExitUsage;
    }
    if (SameFile(path, flags.output)) {
      std::cerr << "bpftrace-correlate merge: " << path << " is the output too\n";
      return kExitUsage;
    }
    inputs.push_back({path, {}});
    if (ReadTraceInput({path}, "merge", inputs.back().beginning) == kExitFailure)
      return kExitFailure;
  }
  // In the order in which they began, on the hosts' wall clocks.
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input& a, const Input& b) { return a.beginning.Before(b.beginning); });
  if (flags.output == "-" && isatty(STDOUT_FILENO) != 0) {
    std::cerr << "bpftrace-correlate merge: a trace is not for a terminal: -o FILE\n";
    return kExitUsage;
  }
  absl::StatusOr<ScopedFd> opened = ScopedFd(dup(STDOUT_FILENO));
  if (flags.output != "-") opened = OpenOutputFile(flags.output, Existing::kReplace, 0600);
  if (!opened.ok()) return Fail(opened.status());
  const ScopedFd fd = *std::move(opened);
  FdStream out(fd.get());
  TraceMerge merge(&out);
  std::set<std::string> hosts;
  std::set<std::string> clocks = {inputs.front().beginning.clock_id()};
  uint64_t chunks = 0;
  uint64_t doubles = 0;
  int status = kExitSuccess;
  for (const Input& input : inputs) {
    const auto appended = merge.Append(input.path);
    if (!appended.ok()) return Fail(appended.status());
    hosts.insert(input.beginning.host());
    if (clocks.insert(input.beginning.clock_id()).second) {
      std::cerr << "bpftrace-correlate merge: "
                << ClockText(inputs.front().beginning, input.beginning) << "\n";
    }
    chunks += appended->chunks;
    doubles += appended->doubles;
    if (appended->skipped_bytes > 0) {
      std::cerr << "bpftrace-correlate merge: " << input.path << ": " << appended->skipped_bytes
                << " damaged bytes were left out\n";
      status = kExitDamaged;
    }
  }
  out.flush();
  if (out.error() != 0) return Fail(ErrnoStatus(out.error(), "cannot write " + flags.output));
  std::cerr << "[ bpftrace-correlate merge: " << inputs.size() << " files of " << hosts.size()
            << (hosts.size() == 1 ? " host, " : " hosts, ") << chunks << " chunks"
            << (doubles > 0 ? " (" + FormatCount(doubles) + " doubles left out)" : "") << " -> "
            << flags.output << " ]\n";
  return status;
}

}  // namespace

void AddMergeCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("merge", "Several hosts, or several files of one recording, as one trace");
  command->add_option("TRACE", flags->inputs, "Traces, in any order")->required();
  command->add_option("-o,--output", flags->output, "The trace; - is stdout")->required();
  command->callback([flags, exit_code] { *exit_code = RunMerge(*flags); });
}

}  // namespace correlate
