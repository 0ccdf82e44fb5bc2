#include "cli/foreign_formats.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "collector/perf_data_file.h"
#include "collector/tracepoint_format.h"
#include "proto/trace.pb.h"
#include "proto/values.h"

namespace correlate {
namespace {

// They have to look as the kernel's do; and zeros stand behind, where libtraceevent may read on.
absl::StatusOr<EventFormat> Parse(const PerfDataFormat& format) {
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

// What the child does: never returns. The formats go back, and a note where one is not understood.
[[noreturn]] void ParseAll(const std::vector<const PerfDataFormat*>& formats, int result_fd) {
  constexpr unsigned kMostSeconds = 10;
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGPIPE}) {
    std::signal(number, SIG_DFL);
  }
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nothing, STDERR_FILENO);
  alarm(kMostSeconds);
  pb::Payload payload;
  for (const PerfDataFormat* format : formats) {
    const auto parsed = Parse(*format);
    if (!parsed.ok()) {
      payload.add_notes()->set_text(std::string(parsed.status().message()));
      break;
    }
    ToProto(*parsed, payload.add_formats());
  }
  _exit(payload.SerializeToFileDescriptor(result_fd) ? 0 : 1);
}

// In order.
absl::StatusOr<pb::Payload> ParseApart(const std::vector<const PerfDataFormat*>& formats) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "a pipe for tracepoint formats");
  const ScopedFd from(ends[0]);
  ScopedFd to(ends[1]);
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, "cannot start a process for tracepoint formats");
  if (child == 0) ParseAll(formats, to.get());
  to = ScopedFd();
  pb::Payload payload;
  const bool read = payload.ParseFromFileDescriptor(from.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!read || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return DamagedPerfData(
        "its tracepoint formats are none that a kernel writes: they end libtraceevent");
  }
  if (payload.notes_size() > 0) return absl::DataLossError(payload.notes(0).text());
  return payload;
}

}  // namespace

absl::StatusOr<std::vector<EventFormat>> ParseForeignFormats(
    const std::vector<PerfDataFormat>& formats, KnownFormats* known) {
  KnownFormats own;
  if (known == nullptr) known = &own;
  std::vector<const PerfDataFormat*> missing;
  for (const PerfDataFormat& format : formats) {
    if (!known->contains(KeyOf(format))) missing.push_back(&format);
  }
  if (!missing.empty()) {
    ASSIGN_OR_RETURN(const pb::Payload parsed, ParseApart(missing));
    if (static_cast<size_t>(parsed.formats_size()) != missing.size()) {
      return DamagedPerfData("its tracepoint formats could not be taken apart");
    }
    for (size_t i = 0; i < missing.size(); ++i) {
      known->insert_or_assign(KeyOf(*missing[i]), FromProto(parsed.formats(static_cast<int>(i))));
    }
  }
  std::vector<EventFormat> all;
  all.reserve(formats.size());
  for (const PerfDataFormat& format : formats) all.push_back(known->at(KeyOf(format)));
  return all;
}

}  // namespace correlate
