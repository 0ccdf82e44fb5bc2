#include "cli/perf_data_import.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "collector/perf_data_features.h"
#include "collector/perf_data_source.h"
#include "collector/tracepoint_format.h"
#include "symbolize/correlator.h"
#include "symbolize/kernel_symbols.h"

namespace correlate {
namespace {

// Where `_text` stands in kallsyms; 0: nowhere.
uint64_t TextAddress(absl::string_view kallsyms) {
  const size_t name = kallsyms.find(" T _text\n");
  if (name == absl::string_view::npos) return 0;
  const size_t line = kallsyms.rfind('\n', name) + 1;  // npos + 1 is 0
  uint64_t address = 0;
  (void)absl::SimpleHexAtoi(kallsyms.substr(line, name - line), &address);
  return address;
}

// The formats come from a foreign file and go to libtraceevent, which trusts what it reads. So they
// have to look as the kernel's do; and zeros stand behind, where it may read on.
absl::StatusOr<EventFormat> ParseForeignFormat(const PerfDataFormat& format) {
  constexpr size_t kMostBytes = 64 * 1024;
  constexpr size_t kZeros = 4096;
  const absl::string_view text = format.text;
  bool plain = text.size() <= kMostBytes && absl::StartsWith(text, "name: ") &&
               absl::StrContains(text, "\nformat:\n") && absl::StrContains(text, "\nprint fmt: ");
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size() && plain; ++i) {
    const char c = text[i];
    plain = c == '\n' || c == '\t' || absl::ascii_isprint(static_cast<unsigned char>(c));
    if (c == '\\' && quoted) {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '(' || c == '{' || c == '[')) {
      plain = plain && ++depth < 64;
    } else if (!quoted && (c == ')' || c == '}' || c == ']')) {
      plain = plain && --depth >= 0;
    }
  }
  if (!plain || depth != 0 || quoted) {
    return absl::DataLossError(
        absl::StrCat("the format of ", format.system, " is none that a kernel writes"));
  }
  std::string padded(text);
  padded.append(kZeros, '\0');
  return ParseEventFormat(format.system, absl::string_view(padded).substr(0, text.size()));
}

std::string KeyOf(const PerfDataFormat& format) {
  return absl::StrCat(format.system, "\n", format.text);
}

// libtraceevent 1.7 crashes on some texts that look well enough. So a child parses them first, and
// what ends the child is not parsed here.
absl::Status TryFormats(const std::vector<PerfDataFormat>& formats, SurvivedFormats* survived) {
  constexpr unsigned kMostSeconds = 10;
  const bool known = std::all_of(formats.begin(), formats.end(), [&](const PerfDataFormat& format) {
    return survived != nullptr && survived->contains(KeyOf(format));
  });
  if (known) return absl::OkStatus();
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "cannot start a process to try the formats in");
  if (child == 0) {
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM}) {
      std::signal(number, SIG_DFL);
    }
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nothing, STDERR_FILENO);
    alarm(kMostSeconds);
    for (const PerfDataFormat& format : formats) (void)ParseForeignFormat(format);
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    if (survived != nullptr) {
      for (const PerfDataFormat& format : formats) survived->insert(KeyOf(format));
    }
    return absl::OkStatus();
  }
  return DamagedPerfData(
      "its tracepoint formats are none that a kernel writes: they end libtraceevent");
}

RecordingFacts FactsOf(const PerfDataSource& source, const PerfDataHost& host) {
  RecordingFacts facts;
  facts.hostname = host.hostname;
  facts.kernel_release = host.kernel_release;
  facts.machine = host.machine;
  facts.online_cpus = host.online_cpus;
  facts.memory_bytes = host.memory_bytes;
  facts.tool_version = absl::StrCat(kVersion, ", imported from perf ", host.perf_version);
  facts.command_line = host.command_line;
  for (const PerfDataEvent& event : source.file().events) {
    for (const PerfDataFormat& format : source.formats()) {
      if (format.tracepoint_id != event.config) continue;
      const size_t end = format.text.find('\n');
      facts.enabled_events.push_back(absl::StrCat(
          format.system, ":", format.text.substr(6, end == std::string::npos ? 0 : end - 6)));
    }
  }
  facts.requested_events = facts.enabled_events;
  facts.stacks = "all";
  return facts;
}

class Notes {
 public:
  explicit Notes(TraceSink& sink) : sink_(sink) {}
  void Add(std::string text) { sink_.OnNote({.time_ns = 0, .text = std::move(text)}); }

 private:
  TraceSink& sink_;
};

}  // namespace

absl::StatusOr<PerfDataImport> ImportPerfData(absl::string_view perf_data,
                                              absl::string_view kallsyms, TraceSink& sink,
                                              SurvivedFormats* survived) {
  ASSIGN_OR_RETURN(const auto source, PerfDataSource::Parse(perf_data));
  RETURN_IF_ERROR(TryFormats(source->formats(), survived));
  const PerfDataHost host = ParsePerfDataHost(source->file());
  sink.OnRecording(FactsOf(*source, host));
  if (host.clocks.has_value()) sink.OnClocks(*host.clocks);

  Correlator correlator(&sink);
  for (size_t i = 0; i < source->formats().size(); ++i) {
    ASSIGN_OR_RETURN(EventFormat format, ParseForeignFormat(source->formats()[i]));
    if (source->file().foreign) source->SetFormat(static_cast<uint32_t>(i), format);
    correlator.AddFormat(std::move(format));
  }
  const PerfDataPrograms programs = ParsePerfDataPrograms(source->file());
  for (const BtfImage& btf : programs.btf) sink.OnBtf(btf);
  for (const ProgramInfo& program : programs.programs) correlator.AddProgram(program);

  PerfDataImport result;
  Notes notes(sink);
  const uint64_t there = source->FindKernelText();
  const uint64_t here = TextAddress(kallsyms);
  if (kallsyms.empty()) {
    notes.Add(
        "kernel addresses have no names: no kallsyms was given (import --kallsyms FILE, a copy of "
        "/proc/kallsyms of the recording host, of the same boot)");
  } else if (there != 0 && here != there) {
    notes.Add(
        "kernel addresses have no names: the kallsyms that was given is of another boot or host, "
        "where the kernel lies elsewhere (import --kallsyms FILE)");
  } else if (auto symbols = KernelSymbols::Parse(kallsyms); symbols.ok()) {
    correlator.SetKernelSymbols(*std::move(symbols));
    result.kernel_symbols = true;
  } else {
    notes.Add(absl::StrCat("kernel addresses have no names: ", symbols.status().message()));
  }
  notes.Add(
      "imported from a file of perf record: where programs were attached, and the devices and "
      "packets "
      "of events, are not in it and are unknown");
  if (source->clock_id() != CLOCK_MONOTONIC) {
    notes.Add(
        "times are those of perf's own clock, which no wall clock is known for (perf record -k "
        "CLOCK_MONOTONIC)");
  }

  result.damage = source->Finish(correlator);
  for (const ProgramInfo* program : correlator.programs()) sink.OnProgram(*program);
  result.events = correlator.events();
  result.lost = correlator.lost();
  result.malformed = source->malformed();
  result.out_of_order = source->out_of_order();
  result.foreign_samples = source->foreign_samples();
  if (result.foreign_samples > 0) {
    notes.Add(absl::StrCat(result.foreign_samples,
                           " samples of events that are no tracepoints were left out"));
  }
  if (result.malformed > 0) {
    notes.Add(absl::StrCat(result.malformed, " records made no sense and were left out"));
  }
  if (!result.damage.ok()) notes.Add(std::string(result.damage.message()));

  RecordingEnd end;
  end.events = result.events;
  end.lost = result.lost;
  end.out_of_order = result.out_of_order;
  end.reason =
      result.damage.ok() ? "end of the perf.data file" : "the perf.data file was cut short";
  sink.OnEnd(end);
  return result;
}

}  // namespace correlate
