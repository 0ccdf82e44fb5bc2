// Writes a recording as a trace file: collects a chunk, interns what its events share, compresses,
// checksums, and appends with one write(2). Not thread-safe: one thread calls all of it.
//
// A chunk closes at kChunkBytes of payload, or kChunkAge_ns after its first entry (call Tick often
// enough), or at Close. So a crash costs at most that. The first error of the output (a full disk)
// is kept in status(); from then on nothing is written and every call is cheap.
#ifndef PROTO_TRACE_WRITER_H_
#define PROTO_TRACE_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/scoped_fd.h"
#include "proto/chunk_output.h"
#include "symbolize/trace_sink.h"

namespace correlate {

inline constexpr uint64_t kChunkBytes = 768 * 1024;
inline constexpr uint64_t kChunkAgeNs = 250'000'000;

class TraceWriter : public TraceSink {
 public:
  // Creates (or truncates) the file with mode 0600, or writes to stdout for "-", which must not be
  // a terminal.
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const std::string& path);
  // `recording_id` has 16 bytes; empty: random ones.
  static std::unique_ptr<TraceWriter> FromFd(ScopedFd fd, const std::string& name,
                                             std::string recording_id = "");
  static std::unique_ptr<TraceWriter> To(std::unique_ptr<ChunkOutput> output,
                                         std::string recording_id = "");
  ~TraceWriter() override;

  // A chunk that another writer made of events of the same recording, behind all that came so far.
  void AppendChunk(bool has_tables, PackedPayload payload);

  // Closes the chunk in hand if it is older than kChunkAgeNs at `now_ns` (CLOCK_MONOTONIC).
  void Tick(uint64_t now_ns);
  // Closes the chunk in hand.
  absl::Status Flush();
  // Writes the last chunk (OnEnd came before) and closes the file. The trace is whole after OK.
  absl::Status Close();

  const absl::Status& status() const;
  uint64_t bytes_written() const;

  // TraceSink
  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat& format) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override;
  void OnMapSnapshot(const MapSnapshot& snapshot) override;
  void OnProgramImage(const ProgramImage& image) override;
  void OnBtf(const BtfImage& btf) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override;
  void OnKindCount(const KindCount& named) override;
  void OnXdpActions(const XdpActionCounts& counts) override;
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;
  bool WantsMore() const override;

 private:
  class Impl;
  explicit TraceWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace correlate

#endif  // PROTO_TRACE_WRITER_H_
