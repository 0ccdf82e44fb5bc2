#include "cli/following_export.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/fd_stream.h"
#include "base/files.h"
#include "base/output_file.h"
#include "base/reader_sandbox.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "base/whole_file.h"
#include "cli/blocked_signals.h"
#include "cli/exit_codes.h"
#include "cli/numbered_files.h"
#include "proto/trace_reader.h"
#include "render/event_fields.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {
namespace {

constexpr int kWaitMs = 100;
constexpr auto kStateEvery = std::chrono::seconds(1);
// A ring's next file is there, and this one has no end: its recorder is given this long to write
// it.
constexpr int kGraceMs = 2000;

void Say(const std::string& text) { std::cerr << "bpftrace-correlate export: " << text << "\n"; }

// Everything, but events only while it is open.
class EventGate : public ForwardingSink {
 public:
  explicit EventGate(TraceSink* next) : ForwardingSink({next}) {}
  void OnEvent(const CorrelatedEvent& event) override {
    if (open) ForwardingSink::OnEvent(event);
  }
  void OnLoss(const Loss& loss) override {
    if (open) ForwardingSink::OnLoss(loss);
  }
  bool open = true;
};

// What has been written for good.
struct State {
  uint64_t number = 0;       // of the ring's file; 0: it is no ring
  std::string recording_id;  // of the file in hand; empty: none yet
  uint64_t next = 0;         // number of the first chunk that is not written
  bool ended = false;        // its last one is
  uint64_t output_bytes = 0;
};

absl::StatusOr<std::optional<State>> ReadState(const std::string& path) {
  if (path.empty() || access(path.c_str(), F_OK) != 0) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto number = [&json](const char* key) -> std::optional<uint64_t> {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<uint64_t>();
  };
  State state;
  bool whole = json.is_object();
  if (whole) {
    const auto id = json.find("recording_id");
    const auto ended = json.find("ended");
    whole = number("file") && number("next_chunk") && number("output_bytes") && id != json.end() &&
            id->is_string() && ended != json.end() && ended->is_boolean();
    if (whole) {
      state = {*number("file"), absl::HexStringToBytes(id->get<std::string>()),
               *number("next_chunk"), ended->get<bool>(), *number("output_bytes")};
    }
  }
  if (!whole) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no state of `export --follow`; remove it to begin anew"));
  }
  return state;
}

class FollowingExport {
 public:
  FollowingExport(const FollowRequest& request, const BlockedSignals& signals)
      : request_(request), signals_(signals) {
    state_path_ =
        request.state.empty() && request.output != "-" ? request.output + ".state" : request.state;
  }

  absl::Status Open();
  bool resumes() const { return resumes_; }
  std::ostream& out() { return *out_; }
  // Each file stands alone: `rows` makes a sink for it.
  using MakeRows = std::function<std::unique_ptr<TraceSink>()>;
  absl::Status Run(const MakeRows& rows);
  bool gaps() const { return gaps_; }

 private:
  // Waits, if for nothing else than a signal to stop.
  void LookForStop(int wait_ms) {
    pollfd fd = {signals_.fd(), POLLIN, 0};
    stopped_ = stopped_ || poll(&fd, 1, wait_ms) > 0;
  }
  // Waits, and says whether to go on.
  bool WaitALittle() {
    LookForStop(kWaitMs);
    return !stopped_ && out_->good();
  }
  // What is written so far is written for good.
  absl::Status Save();
  absl::Status RunFile(const std::string& path, const MakeRows& make_rows);
  absl::Status RunRing(const MakeRows& rows);
  // The ring's next file after state_.number; nullopt: it was stopped before there was one.
  absl::StatusOr<std::optional<uint64_t>> NextNumber();
  void SayDeleted(uint64_t next);

  const FollowRequest& request_;
  const BlockedSignals& signals_;
  std::string state_path_;
  ScopedFd file_;
  std::optional<FdStream> out_;
  bool resumes_ = false;
  State state_;
  std::chrono::steady_clock::time_point saved_;
  bool stopped_ = false;
  bool gaps_ = false;
};

absl::Status FollowingExport::Open() {
  EnterReaderSandbox().IgnoreError();  // where there is none, it is read without
  ASSIGN_OR_RETURN(const auto state, ReadState(state_path_));
  resumes_ = state.has_value();
  if (resumes_) state_ = *state;
  if (request_.output == "-") {
    out_.emplace(STDOUT_FILENO);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(
      file_,
      OpenOutputFile(request_.output, resumes_ ? Existing::kContinue : Existing::kReplace, 0666));
  struct stat info = {};
  if (fstat(file_.get(), &info) != 0) return ErrnoStatus(errno, request_.output);
  if (!S_ISREG(info.st_mode) && state_path_ == request_.output + ".state") {
    return absl::InvalidArgumentError(
        absl::StrCat(request_.output, " is no file: say where to keep the state with --state"));
  }
  if (S_ISREG(info.st_mode)) {
    if (static_cast<uint64_t>(info.st_size) < state_.output_bytes) {
      return absl::FailedPreconditionError(
          absl::StrCat(request_.output, " has ", info.st_size, " bytes, but ", state_.output_bytes,
                       " were written; remove ", state_path_, " to begin anew"));
    }
    if (ftruncate(file_.get(), static_cast<off_t>(state_.output_bytes)) != 0 ||
        lseek(file_.get(), 0, SEEK_END) < 0) {
      return ErrnoStatus(errno, request_.output);
    }
  }
  out_.emplace(file_.get());
  return absl::OkStatus();
}

absl::Status FollowingExport::Save() {
  out_->flush();
  if (out_->error() == EPIPE) return absl::CancelledError("nobody reads it any more");
  if (out_->error() != 0) return ErrnoStatus(out_->error(), "cannot write " + request_.output);
  if (state_path_.empty()) return absl::OkStatus();
  if (file_.valid()) {
    const off_t bytes = lseek(file_.get(), 0, SEEK_CUR);
    state_.output_bytes = bytes < 0 ? 0 : static_cast<uint64_t>(bytes);
    fdatasync(file_.get());  // a pipe has nothing to be kept
  }
  const Json json = {{"file", state_.number},
                     {"recording_id", absl::BytesToHexString(state_.recording_id)},
                     {"next_chunk", state_.next},
                     {"ended", state_.ended},
                     {"output_bytes", state_.output_bytes}};
  RETURN_IF_ERROR(WriteWholeFile(state_path_, json.dump() + "\n"));
  saved_ = std::chrono::steady_clock::now();
  return absl::OkStatus();
}

absl::Status FollowingExport::RunFile(const std::string& path, const MakeRows& make_rows) {
  const std::unique_ptr<TraceSink> rows = make_rows();
  EventGate gate(rows.get());
  absl::Status written = absl::OkStatus();
  bool unsaved = false;
  int ended_for_ms = 0;
  const auto save = [&] {
    written = Save();
    unsaved = false;
    return written.ok();
  };
  using Wait = FollowHooks::Wait;
  FollowHooks hooks;
  hooks.wait = [&] {
    // Nothing comes just now: a good moment.
    if (unsaved && std::chrono::steady_clock::now() - saved_ >= kStateEvery && !save()) {
      return Wait::kStop;
    }
    if (state_.number != 0) {
      const auto numbers = NumberedFiles::NumbersAt(request_.path);
      const bool has_next = numbers.ok() && !numbers->empty() && numbers->back() > state_.number;
      if (has_next && (ended_for_ms += kWaitMs) > kGraceMs) return Wait::kEnd;
    }
    return WaitALittle() ? Wait::kMore : Wait::kStop;
  };
  hooks.before = [&](const ChunkHeader& header) {
    ended_for_ms = 0;
    if (header.recording_id != state_.recording_id) {
      if (state_.next > 0 && !state_.ended) {
        Say(absl::StrCat(path,
                         " is another recording than before: what of that one was not read "
                         "is lost"));
        gaps_ = true;
      }
      state_.recording_id = header.recording_id;
      state_.next = 0;
      state_.ended = false;
    }
    gate.open = header.sequence >= state_.next;
  };
  hooks.after = [&](const ChunkHeader& header) {
    if (!gate.open) return;
    state_.next = header.sequence + 1;
    state_.ended = header.last;
    unsaved = true;
    out_->flush();
    if (std::chrono::steady_clock::now() - saved_ >= kStateEvery && written.ok()) save();
    LookForStop(0);
  };
  class Stoppable : public ForwardingSink {
   public:
    Stoppable(TraceSink* next, const bool* stopped) : ForwardingSink({next}), stopped_(stopped) {}
    bool WantsMore() const override { return !*stopped_ && ForwardingSink::WantsMore(); }

   private:
    const bool* const stopped_;
  } stoppable(&gate, &stopped_);
  const auto summary = FollowTraceFile(path, stoppable, hooks);
  RETURN_IF_ERROR(written);
  RETURN_IF_ERROR(Save());
  RETURN_IF_ERROR(summary.status());
  const bool cut_short = !summary->ended && !summary->stopped_early;
  if (summary->skipped_bytes > 0 || summary->missing_chunks > 0 || cut_short) {
    Say(absl::StrCat(path, ": ", summary->Describe()));
    gaps_ = true;
  }
  return absl::OkStatus();
}

void FollowingExport::SayDeleted(uint64_t next) {
  const bool rest = !state_.ended && state_.number != 0 &&
                    access(NumberedFiles::NameAt(request_.path, state_.number).c_str(), F_OK) != 0;
  const bool whole_files = state_.number != 0 && next > state_.number + 1;
  if (!rest && !whole_files) return;
  gaps_ = true;
  Say(absl::StrCat("files before ", NumberedFiles::NameAt(request_.path, next),
                   " were deleted before they were read: what they held is lost; keep more of them "
                   "(--max-files)"));
}

absl::StatusOr<std::optional<uint64_t>> FollowingExport::NextNumber() {
  do {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, NumberedFiles::NumbersAt(request_.path));
    const auto next = std::upper_bound(numbers.begin(), numbers.end(), state_.number);
    if (next != numbers.end()) return *next;
  } while (WaitALittle());
  return std::nullopt;
}

absl::Status FollowingExport::RunRing(const MakeRows& rows) {
  // The file of before, if something of it is left to be read.
  bool same = state_.number != 0 && !state_.ended &&
              access(NumberedFiles::NameAt(request_.path, state_.number).c_str(), F_OK) == 0;
  while (!stopped_ && out_->good()) {
    if (!std::exchange(same, false)) {
      ASSIGN_OR_RETURN(const std::optional<uint64_t> next, NextNumber());
      if (!next.has_value()) break;
      SayDeleted(*next);
      state_.number = *next;
      state_.recording_id.clear();
      state_.next = 0;
      state_.ended = false;
    }
    const absl::Status status = RunFile(NumberedFiles::NameAt(request_.path, state_.number), rows);
    if (absl::IsNotFound(status)) continue;  // deleted in this very moment: told with the next one
    RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::Status FollowingExport::Run(const MakeRows& rows) {
  bool is_file = false;
  for (;;) {
    is_file = access(request_.path.c_str(), F_OK) == 0;
    if (is_file || state_.number != 0) break;
    ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, NumberedFiles::NumbersAt(request_.path));
    if (!numbers.empty()) break;
    if (!WaitALittle()) return absl::OkStatus();
  }
  if (!is_file || state_.number != 0) return RunRing(rows);
  return RunFile(request_.path, rows);
}

}  // namespace

int RunFollowingExport(const FollowRequest& request, const ExportFormat& format,
                       const ExportOptions& options, const Selection& selection) {
  const auto signals = BlockedSignals::ThatStop();
  const auto fail = [](const absl::Status& status) {
    Say(std::string(status.message()));
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailure;
  };
  if (!signals.ok()) return fail(signals.status());
  FollowingExport following(request, *signals);
  if (const absl::Status opened = following.Open(); !opened.ok()) return fail(opened);
  if (format.begin != nullptr && !following.resumes()) format.begin(options, following.out());
  const absl::Status status =
      following.Run([&] { return Selected(selection, format.rows(options, following.out())); });
  // Whoever reads a pipe may have seen enough.
  if (!status.ok() && !absl::IsCancelled(status)) return fail(status);
  return following.gaps() ? kExitDamaged : kExitSuccess;
}

}  // namespace correlate
