#include "proto/trace_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/errno_status.h"
#include "base/output_file.h"
#include "base/status_macros.h"
#include "proto/chunk.h"
#include "proto/chunk_output.h"
#include "proto/event_columns.h"
#include "proto/interner.h"
#include "proto/packet_values.h"
#include "proto/program_values.h"
#include "proto/trace.pb.h"
#include "proto/values.h"

namespace correlate {
namespace {

// The tables stand in the first chunk, in every so many-th, and in the last one.
constexpr uint64_t kChunksBetweenTables = 64;

std::string RandomId() {
  std::string id(16, '\0');
  size_t filled = 0;
  while (filled < id.size()) {
    const ssize_t n = getrandom(id.data() + filled, id.size() - filled, 0);
    if (n > 0) filled += static_cast<size_t>(n);
  }
  return id;
}

}  // namespace

class TraceWriter::Impl {
 public:
  Impl(std::unique_ptr<ChunkOutput> output, std::string recording_id) : output_(std::move(output)) {
    header_.recording_id = recording_id.empty() ? RandomId() : std::move(recording_id);
    interner_.Restart(payload_.mutable_interned());
    columns_.Restart(payload_.mutable_events(), &interner_);
  }

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }
  uint64_t bytes_written() const { return output_->bytes_written(); }
  pb::Payload& payload() { return payload_; }
  Interner& interner() { return interner_; }
  EventColumnsWriter& columns() { return columns_; }

  // Something of about `bytes` was added to the payload at `time_ns`.
  void Added(size_t bytes, uint64_t time_ns) {
    if (!dirty_) oldest_ns_ = time_ns;
    dirty_ = true;
    payload_bytes_ += bytes;
    if (!ok()) return Restart();  // nobody will write it: it must not pile up
    if (payload_bytes_ + interner_.bytes() >= kChunkBytes) CloseChunk(false);
  }
  void Added(size_t bytes) { Added(bytes, last_tick_ns_); }

  void KeepTables(const RecordingFacts& facts) { ToProto(facts, &recording_); }
  void KeepTables(const EventFormat& format) { ToProto(format, &formats_.emplace_back()); }

  void Tick(uint64_t now_ns) {
    last_tick_ns_ = now_ns;
    if (dirty_ && now_ns >= oldest_ns_ + kChunkAgeNs) CloseChunk(false);
  }

  void CloseChunk(bool last) {
    if (!ok() || (!dirty_ && !last)) return Restart();
    header_.last = last;
    header_.has_tables = last || header_.sequence % kChunksBetweenTables == 0;
    if (header_.has_tables) {
      *payload_.mutable_recording() = recording_;
      payload_.mutable_formats()->Clear();
      for (const pb::Format& format : formats_) *payload_.add_formats() = format;
    }
    serialized_.clear();
    payload_.AppendToString(&serialized_);
    auto packed = packer_.Pack(serialized_);
    status_ = packed.ok() ? output_->Write(header_, std::move(packed).value()) : packed.status();
    ++header_.sequence;
    Restart();
  }

  void AppendChunk(bool has_tables, PackedPayload payload) {
    CloseChunk(/*last=*/false);
    if (!ok()) return;
    header_.last = false;
    header_.has_tables = has_tables;
    status_ = output_->Write(header_, std::move(payload));
    ++header_.sequence;
  }

  absl::Status Close() {
    CloseChunk(/*last=*/true);
    if (!ok()) return status_;
    status_ = output_->Close();
    return status_;
  }

 private:
  void Restart() {
    payload_.Clear();
    interner_.Restart(payload_.mutable_interned());
    columns_.Restart(payload_.mutable_events(), &interner_);
    payload_bytes_ = 0;
    dirty_ = false;
  }

  const std::unique_ptr<ChunkOutput> output_;
  absl::Status status_;
  ChunkHeader header_;
  pb::Recording recording_;
  std::vector<pb::Format> formats_;
  pb::Payload payload_;
  Interner interner_;
  EventColumnsWriter columns_;
  std::string serialized_;
  PayloadPacker packer_;
  size_t payload_bytes_ = 0;  // estimate of what is in payload_ besides interner_
  bool dirty_ = false;
  uint64_t oldest_ns_ = 0;
  uint64_t last_tick_ns_ = 0;
};

TraceWriter::TraceWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceWriter::~TraceWriter() = default;

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(const std::string& path) {
  ScopedFd fd;
  if (path == "-") {
    fd = ScopedFd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!fd.valid()) return ErrnoStatus(errno, "stdout");
  } else {
    ASSIGN_OR_RETURN(fd, OpenOutputFile(path, Existing::kReplace, 0600));
    struct stat info = {};
    // A trace holds addresses of the kernel and of other people's packets, also where an older
    // file of that name was open to everybody.
    if (fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode)) (void)fchmod(fd.get(), 0600);
  }
  if (isatty(fd.get())) {
    return absl::InvalidArgumentError(
        "a trace is not written to a terminal; redirect the output or name a file with --output");
  }
  return FromFd(std::move(fd), path == "-" ? "stdout" : path);
}

std::unique_ptr<TraceWriter> TraceWriter::FromFd(ScopedFd fd, const std::string& name,
                                                 std::string recording_id) {
  return To(FileOutput(std::move(fd), name), std::move(recording_id));
}

std::unique_ptr<TraceWriter> TraceWriter::To(std::unique_ptr<ChunkOutput> output,
                                             std::string recording_id) {
  return std::unique_ptr<TraceWriter>(
      new TraceWriter(std::make_unique<Impl>(std::move(output), std::move(recording_id))));
}

void TraceWriter::AppendChunk(bool has_tables, PackedPayload payload) {
  impl_->AppendChunk(has_tables, std::move(payload));
}

void TraceWriter::Tick(uint64_t now_ns) { impl_->Tick(now_ns); }

absl::Status TraceWriter::Flush() {
  impl_->CloseChunk(/*last=*/false);
  return status();
}

absl::Status TraceWriter::Close() { return impl_->Close(); }
const absl::Status& TraceWriter::status() const { return impl_->status(); }
uint64_t TraceWriter::bytes_written() const { return impl_->bytes_written(); }
bool TraceWriter::WantsMore() const { return impl_->ok(); }

void TraceWriter::OnRecording(const RecordingFacts& facts) {
  impl_->KeepTables(facts);
  impl_->Added(1);
}

void TraceWriter::OnFormat(const EventFormat& format) {
  impl_->KeepTables(format);
  // Chunks until the next one with all tables need this one too.
  ToProto(format, impl_->payload().add_formats());
  impl_->Added(format.text.size());
}

void TraceWriter::OnClocks(const ClockReading& clocks) {
  ToProto(clocks, impl_->payload().add_clocks());
  impl_->Added(24);
}

void TraceWriter::OnProgram(const ProgramInfo& program) {
  pb::Program* message = impl_->payload().add_programs();
  ToProto(program, message);
  impl_->Added(message->ByteSizeLong());
}

void TraceWriter::OnMap(const MapInfo& map) {
  ToProto(map, impl_->payload().add_maps());
  impl_->Added(64);
}

void TraceWriter::OnMapSnapshot(const MapSnapshot& snapshot) {
  pb::MapSnapshot* message = impl_->payload().add_map_snapshots();
  ToProto(snapshot, message);
  impl_->Added(message->ByteSizeLong());
}

void TraceWriter::OnProgramImage(const ProgramImage& image) {
  pb::ProgramImage* message = impl_->payload().add_images();
  ToProto(image, message);
  impl_->Added(message->ByteSizeLong());
}

void TraceWriter::OnBtf(const BtfImage& btf) {
  ToProto(btf, impl_->payload().add_btf());
  impl_->Added(btf.data.size());
}

void TraceWriter::OnAttachment(const Attachment& attachment) {
  ToProto(attachment, impl_->payload().add_attachments());
  impl_->Added(64);
}

void TraceWriter::OnNetns(const Netns& netns) {
  ToProto(netns, impl_->payload().add_netns());
  impl_->Added(32);
}

void TraceWriter::OnDevice(const Device& device) {
  ToProto(device, impl_->payload().add_devices());
  impl_->Added(48);
}

void TraceWriter::OnEvent(const CorrelatedEvent& event) {
  if (!impl_->ok()) return;
  impl_->Added(impl_->columns().Add(event), event.time_ns);
}

void TraceWriter::OnLoss(const Loss& loss) {
  ToProto(loss, impl_->payload().add_losses());
  impl_->Added(40);
}

void TraceWriter::OnCounts(const EventCounts& counts) {
  ToProto(counts, impl_->payload().add_counts());
  impl_->Added(24);
}

void TraceWriter::OnKindCount(const KindCount& named) {
  if (!impl_->ok()) return;
  const EventKind& kind = named.count.kind;
  pb::KindCount* message = impl_->payload().add_kinds();
  message->set_time_ns(named.time_ns);
  message->set_format(kind.format_id);
  message->set_location(impl_->interner().FrameNumber(named.location));
  message->set_reason(kind.reason);
  if (kind.netns.inode != 0) ToProto(kind.netns, message->mutable_netns());
  message->set_ifindex(kind.ifindex);
  message->set_program_id(kind.program_id);
  message->set_other(named.count.other);
  message->set_counted(named.count.counted);
  message->set_last(named.count.last);
  impl_->Added(40);
}

void TraceWriter::OnXdpActions(const XdpActionCounts& counts) {
  ToProto(counts, impl_->payload().add_xdp_actions());
  impl_->Added(24);
}

void TraceWriter::OnHostCounters(const HostCounters& counters) {
  ToProto(counters, impl_->payload().add_host_counters());
  impl_->Added(48 + counters.counters.size() * 20);
}

void TraceWriter::OnNote(const Note& note) {
  ToProto(note, impl_->payload().add_notes());
  impl_->Added(note.text.size());
}

void TraceWriter::OnEnd(const RecordingEnd& end) {
  ToProto(end, impl_->payload().mutable_end());
  impl_->Added(32);
}

}  // namespace correlate
