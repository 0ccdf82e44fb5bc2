#include "cli/export_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errno_status.h"
#include "base/fd_stream.h"
#include "base/output_file.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "cli/exit_codes.h"
#include "cli/following_export.h"
#include "cli/trace_input.h"
#include "export/export_format.h"
#include "export/protobuf_tables.h"
#include "export/redaction.h"
#include "export/schemas.h"
#include "proto/trace_writer.h"
#include "query/selection.h"
#include "report/running_totals.h"
#include "symbolize/aligned_clocks.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {
namespace {

struct Flags {
  TraceInput input;
  SelectionFlags selection;
  std::string format;
  std::string output = "-";
  std::string columns;
  std::string table = "events";
  std::string print_schema;
  std::string redact;
  bool follow = false;
  std::string state;
  bool addresses = false;
  bool keys = false;
};

int Refuse(absl::string_view why) {
  std::cerr << "bpftrace-correlate export: " << why << "\n";
  return kExitUsage;
}

std::string FormatNames() {
  return absl::StrJoin(ExportFormats(), ", ", [](std::string* out, const ExportFormat& format) {
    absl::StrAppend(out, format.name);
  });
}

int PrintSchema(const std::string& language) {
  if (language == "proto") {
    std::cout << ProtobufSchema();
  } else if (language == "clickhouse") {
    std::cout << ClickHouseSchema();
  } else {
    return Refuse(absl::StrCat("--print-schema: '", language, "' is neither proto nor clickhouse"));
  }
  std::cout.flush();
  return kExitSuccess;
}

// Where it goes: a file, or stdout.
class Output {
 public:
  absl::Status Open(const std::string& path, bool binary) {
    name_ = path == "-" ? "stdout" : path;
    if (path == "-" && binary && isatty(STDOUT_FILENO) != 0) {
      return absl::InvalidArgumentError(
          "this format is not for a terminal: write it to a file with -o FILE, or into a pipe");
    }
    if (path != "-") {
      ASSIGN_OR_RETURN(file_, OpenOutputFile(path, Existing::kReplace, 0666));
    }
    stream_.emplace(path == "-" ? STDOUT_FILENO : file_.get());
    return absl::OkStatus();
  }
  std::ostream& stream() { return *stream_; }
  // After all was written. Whoever reads a pipe may have seen enough.
  absl::Status Close() {
    stream_->flush();
    const int error = stream_->error();
    if (error == 0 || error == EPIPE) return absl::OkStatus();
    return ErrnoStatus(error, "cannot write " + name_);
  }

 private:
  std::string name_;
  ScopedFd file_;
  std::optional<FdStream> stream_;
};

class Totals : public TraceSink {
 public:
  void OnRecording(const RecordingFacts&) override { totals_.OnRecording(); }
  void OnFormat(const EventFormat& format) override { totals_.OnFormat(format); }
  void OnCounts(const EventCounts& counts) override { totals_.OnCounts(counts); }

  // What of the recordings is in no row; empty: nothing.
  std::string NotExported() const {
    uint64_t only_counted = 0;
    uint64_t lost = 0;
    uint64_t missed = 0;
    for (const auto& [key, counts] : totals_.Counts()) {
      only_counted += counts.only_counted;
      lost += counts.lost;
      missed += counts.missed;
    }
    if (only_counted + lost + missed == 0) return "";
    return absl::StrCat(only_counted, " events were only counted, ", lost, " lost and ", missed,
                        " missed: they are in no row (but --table kinds and counts have them)");
  }

 private:
  RunningTotals totals_;
};

void SayNotExported(const Totals& totals) {
  if (const std::string text = totals.NotExported(); !text.empty()) {
    std::cerr << "bpftrace-correlate export: " << text << "\n";
  }
}

// One lane's printer, which learns the totals as well.
class RowsAndTotals : public ForwardingSink {
 public:
  RowsAndTotals(std::unique_ptr<TraceSink> rows, std::shared_ptr<Totals> totals)
      : ForwardingSink({rows.get(), totals.get()}),
        rows_(std::move(rows)),
        totals_(std::move(totals)) {}
  bool WantsMore() const override { return rows_->WantsMore(); }

 private:
  const std::unique_ptr<TraceSink> rows_;
  const std::shared_ptr<Totals> totals_;
};

int ExportRows(const Flags& flags, const ExportFormat& format, const ExportOptions& options,
               const Selection& selection, std::ostream& out) {
  if (format.begin != nullptr) format.begin(options, out);
  std::shared_ptr<Totals> totals;  // of the last one that was made: each is told all of them
  const int status = PrintTraceInput(
      flags.input, "export",
      [&](std::ostream& lane) {
        totals = std::make_shared<Totals>();
        return std::make_unique<RowsAndTotals>(Selected(selection, format.rows(options, lane)),
                                               totals);
      },
      out);
  if (status != kExitFailure) SayNotExported(*totals);
  return status;
}

int ExportSummary(const Flags& flags, const ExportFormat& format, const ExportOptions& options,
                  const Selection& selection, std::ostream& out) {
  const std::unique_ptr<SummaryExport> summary = format.summary(options, out);
  SelectingSink selecting(selection, summary.get());
  Totals totals;
  ForwardingSink both({&selecting, &totals});
  AlignedClocks aligned(&both);
  const int status = ReadTraceInput(flags.input, "export", aligned);
  if (status == kExitFailure) return status;
  summary->Finish();
  if (const std::string remark = summary->Remark(); !remark.empty()) {
    std::cerr << "bpftrace-correlate export: " << remark << "\n";
  }
  SayNotExported(totals);
  return status;
}

// A trace again: of a part, or without what must not leave the house.
int ExportTrace(const Flags& flags, const Selection& selection) {
  const auto redaction = Redaction::Parse(flags.redact);
  if (!redaction.ok()) return Refuse(absl::StrCat("--redact: ", redaction.status().message()));
  const auto writer = TraceWriter::Create(flags.output);
  if (!writer.ok()) {
    std::cerr << "bpftrace-correlate export: " << writer.status().message() << "\n";
    return kExitFailure;
  }
  RedactingSink redacting(*redaction, writer->get());
  SelectingSink selecting(selection, &redacting);
  const int status = ReadTraceInput(flags.input, "export", selecting);
  const absl::Status closed = (*writer)->Close();
  if (closed.ok() || status == kExitFailure) return status;
  std::cerr << "bpftrace-correlate export: " << closed.message() << "\n";
  return kExitFailure;
}

int RunExport(const Flags& flags) {
  if (!flags.print_schema.empty()) return PrintSchema(flags.print_schema);
  if (!flags.redact.empty() && flags.format != "trace")
    return Refuse("--redact: only with --format trace");
  const ExportFormat* format = FindExportFormat(flags.format);
  if (format == nullptr && flags.format != "trace") {
    return Refuse(absl::StrCat(flags.format.empty()
                                   ? "--format is missing"
                                   : "--format: there is no '" + flags.format + "'",
                               "; the formats are ", FormatNames(), ", trace"));
  }
  const auto selection = Selection::Parse(flags.selection.time, flags.selection.filter);
  if (!selection.ok()) return Refuse(selection.status().message());
  if (format == nullptr) {
    if (flags.follow) return Refuse("--follow: only with --format jsonl, csv or protobuf");
    return ExportTrace(flags, *selection);
  }
  ExportOptions options;
  options.disclosure = {.addresses = flags.addresses, .keys = flags.keys};
  const auto columns = ParseEventKeys(flags.columns);
  if (!columns.ok()) return Refuse(absl::StrCat("--columns: ", columns.status().message()));
  if (!columns->empty() && flags.format != "csv")
    return Refuse("--columns: only with --format csv");
  options.columns = *columns;
  options.table = flags.table;
  const std::vector<std::string> tables = ProtobufTables();
  if (std::find(tables.begin(), tables.end(), flags.table) == tables.end()) {
    return Refuse(absl::StrCat("--table: there is no '", flags.table, "'; the tables are ",
                               absl::StrJoin(tables, ", ")));
  }
  if (flags.table != "events" && flags.format != "protobuf") {
    return Refuse("--table: only with --format protobuf");
  }
  if (!flags.state.empty() && !flags.follow) return Refuse("--state: only with --follow");
  if (flags.follow) {
    if (format->rows == nullptr || options.table != "events" || flags.input.path == "-") {
      return Refuse("--follow: only with --format jsonl, csv or protobuf, and of a file");
    }
    return RunFollowingExport({flags.input.path, flags.output, flags.state}, *format, options,
                              *selection);
  }
  std::signal(SIGPIPE, SIG_IGN);
  Output output;
  absl::Status written = output.Open(flags.output, format->binary);
  if (written.code() == absl::StatusCode::kInvalidArgument) return Refuse(written.message());
  int status = kExitFailure;
  if (written.ok()) {
    status = format->rows != nullptr && options.table == "events"
                 ? ExportRows(flags, *format, options, *selection, output.stream())
                 : ExportSummary(flags, *format, options, *selection, output.stream());
    written = output.Close();
  }
  if (written.ok()) return status;
  std::cerr << "bpftrace-correlate export: " << written.message() << "\n";
  return kExitFailure;
}

}  // namespace

void AddExportCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("export", "A trace as other tools read it");
  AddTraceInput(command, &flags->input);
  std::string help;
  for (const ExportFormat& format : ExportFormats()) {
    absl::StrAppend(&help, help.empty() ? "" : "\n", format.name, ": ", format.help);
  }
  absl::StrAppend(&help,
                  "\ntrace: a trace again, of a part (--filter) or without secrets (--redact)");
  command->add_option("--format", flags->format, help)->type_name("FORMAT");
  command->add_option("-o,--output", flags->output, "Where to; - is stdout")
      ->type_name("FILE")
      ->capture_default_str();
  AddSelection(command, &flags->selection);
  command->add_option("--columns", flags->columns, "csv: which, as keys of --filter")
      ->type_name("KEY,...");
  command
      ->add_option("--table", flags->table,
                   absl::StrCat("protobuf: which, of ", absl::StrJoin(ProtobufTables(), ", ")))
      ->type_name("TABLE")
      ->capture_default_str();
  command
      ->add_option("--print-schema", flags->print_schema,
                   "What reads protobuf's rows: proto, clickhouse")
      ->type_name("proto|clickhouse");
  command
      ->add_option(
          "--redact", flags->redact,
          "trace: what to replace by stand-ins, the same ones throughout: addresses (IP and\n"
          "kernel), names (whatever has one, and free text), keys (and values of maps)")
      ->type_name("addresses,names,keys");
  command->add_flag(
      "--follow", flags->follow,
      "jsonl, csv, protobuf: go on as a recording goes on, of one file or of a ring of\n"
      "files (TRACE without the number). Started again it resumes where it stopped");
  command
      ->add_option("--state", flags->state,
                   "Of --follow: where it keeps how far it got (default: OUTPUT.state; of stdout\n"
                   "nothing is kept)")
      ->type_name("FILE");
  command->add_flag("--addresses", flags->addresses,
                    "Kernel addresses too, which tell where KASLR put the kernel");
  command->add_flag("--keys", flags->keys, "Keys and values of maps too");
  command->callback([flags, exit_code] { *exit_code = RunExport(*flags); });
}

}  // namespace correlate
