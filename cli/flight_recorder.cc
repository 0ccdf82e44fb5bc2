#include "cli/flight_recorder.h"

#include <string.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr uint64_t kCutEveryNs = 1'000'000'000;

}  // namespace

// What the inner writer makes of events, kept instead of written.
class FlightRecorder::Memory : public ChunkOutput {
 public:
  explicit Memory(std::vector<Chunk>* chunks) : chunks_(chunks) {}
  absl::Status Write(const ChunkHeader& header, PackedPayload payload) override {
    payload.bytes.shrink_to_fit();
    chunks_->push_back({header.has_tables, std::move(payload)});
    return absl::OkStatus();
  }
  absl::Status Close() override { return absl::OkStatus(); }
  uint64_t bytes_written() const override { return 0; }

 private:
  std::vector<Chunk>* const chunks_;
};

FlightRecorder::FlightRecorder(const Options& options, NumberedFiles files)
    : options_(options), files_(std::move(files)) {
  writer_ = TraceWriter::To(std::make_unique<Memory>(&fresh_));
  set_stream(writer_.get());
}

absl::StatusOr<std::unique_ptr<FlightRecorder>> FlightRecorder::Create(const Options& options) {
  ASSIGN_OR_RETURN(NumberedFiles files, NumberedFiles::Open(options.path, options.most_files));
  return std::unique_ptr<FlightRecorder>(new FlightRecorder(options, std::move(files)));
}

void FlightRecorder::Tick(uint64_t now_ns) {
  if (last_cut_ns_ == 0) last_cut_ns_ = now_ns;
  writer_->Tick(now_ns);
}

std::vector<int> FlightRecorder::signals() const {
  std::vector<int> numbers;
  for (const SnapshotTrigger& trigger : options_.triggers) {
    if (trigger.signal != 0) numbers.push_back(trigger.signal);
  }
  return numbers;
}

void FlightRecorder::OnSignal(int number) {
  asked_ = absl::StrCat("SIG", sigabbrev_np(number), " came");
}

std::string FlightRecorder::Ask(std::string why, uint64_t now_ns) {
  const bool young = last_rule_ns_ != 0 && now_ns < last_rule_ns_ + options_.keep_ns;
  if (asked_.empty() && young) return files_.made() > 0 ? files_.Last() : "";
  if (asked_.empty()) asked_ = std::move(why);
  last_rule_ns_ = now_ns;
  return files_.Upcoming();
}

bool FlightRecorder::WantsCut(uint64_t now_ns) const {
  return status_.ok() && (!asked_.empty() || now_ns >= last_cut_ns_ + kCutEveryNs);
}

void FlightRecorder::EndSegment(uint64_t now_ns) {
  status_ = writer_->Flush();
  Segment segment;
  segment.begin_ns = std::exchange(last_cut_ns_, now_ns);
  segment.end_ns = now_ns;
  segment.chunks = std::exchange(fresh_, {});
  for (const Chunk& chunk : segment.chunks) segment.bytes += chunk.payload.bytes.size();
  segment.part = totals().Cut();
  bytes_ += segment.bytes;
  segments_.push_back(std::move(segment));
}

void FlightRecorder::DropOld(uint64_t now_ns) {
  // The youngest stays, whatever it takes: it is what a snapshot is about.
  while (segments_.size() > 1) {
    const bool old = segments_.front().end_ns + options_.keep_ns < now_ns;
    if (!old && bytes_ <= options_.keep_bytes) break;
    short_of_memory_ = !old;
    bytes_ -= segments_.front().bytes;
    segments_.pop_front();
  }
  tables().Forget(segments_.front().begin_ns);
}

std::string FlightRecorder::RuleThatHolds(const Segment& segment, uint64_t now_ns) const {
  // One snapshot holds a whole stretch of what lasts.
  if (last_rule_ns_ != 0 && now_ns < last_rule_ns_ + options_.keep_ns) return "";
  const double seconds = static_cast<double>(segment.end_ns - segment.begin_ns) / 1e9;
  for (const SnapshotTrigger& trigger : options_.triggers) {
    if (trigger.signal != 0) continue;
    for (const auto& [id, format] : tables().formats()) {
      if (format.FullName() != trigger.event) continue;
      const uint64_t counted = segment.part.Counted(id);
      if (counted == 0 ||
          static_cast<double>(counted) <= static_cast<double>(trigger.rate) * seconds)
        continue;
      return absl::StrCat(FormatCount(counted), " ", trigger.event, " in ",
                          FormatSeconds(segment.end_ns - segment.begin_ns));
    }
  }
  return "";
}

bool FlightRecorder::Cut(uint64_t now_ns, const RecordingEnd& so_far) {
  EndSegment(now_ns);
  if (!status_.ok()) return false;
  std::string why = std::exchange(asked_, "");
  if (why.empty()) {
    why = RuleThatHolds(segments_.back(), now_ns);
    if (!why.empty()) last_rule_ns_ = now_ns;
  }
  DropOld(now_ns);
  if (why.empty()) return false;
  status_ = Write(why, now_ns, so_far);
  return true;
}

absl::Status FlightRecorder::Write(const std::string& why, uint64_t now_ns,
                                   const RecordingEnd& so_far) {
  ASSIGN_OR_RETURN(const auto file, files_.Next());
  BeginFile(*file, files_.made());
  const uint64_t kept_ns = now_ns - segments_.front().begin_ns;
  if (short_of_memory_) {
    file->OnNote({now_ns, absl::StrCat("the memory for the last ", FormatSeconds(options_.keep_ns),
                                       " held ", FormatSeconds(kept_ns), " of them")});
  }
  PartTotals::Part sum;
  for (Segment& segment : segments_) {
    for (Chunk& chunk : segment.chunks) {
      file->AppendChunk(chunk.has_tables, std::move(chunk.payload));
    }
    sum.Add(segment.part);
  }
  segments_.clear();
  bytes_ = 0;
  short_of_memory_ = false;
  EndFile(*file, sum, so_far, absl::StrCat("snapshot: ", why), now_ns);
  RETURN_IF_ERROR(file->Close());
  bytes_written_ += file->bytes_written();
  notes_.push_back(absl::StrCat(why, ": the last ", FormatSeconds(kept_ns), ", ",
                                FormatMegabytes(file->bytes_written()), " -> ", files_.Last()));
  return absl::OkStatus();
}

std::string FlightRecorder::Describe() const {
  if (files_.made() == 0) return "no snapshot was asked for";
  return absl::StrCat(
      files_.made() == 1 ? "1 snapshot: " : absl::StrCat(files_.made(), " snapshots: "),
      files_.Describe());
}

}  // namespace correlate
