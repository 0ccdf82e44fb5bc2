// A small recording as values for the tests of this package, the bytes it comes to, and a sink that
// writes down what it is told.
#ifndef PROTO_TEST_RECORDING_H_
#define PROTO_TEST_RECORDING_H_

#include <functional>
#include <string>
#include <vector>

#include "proto/trace_reader.h"
#include "proto/trace_writer.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// One line a call; without the ids of frames, stacks and attributions, which a reader makes anew.
class CallLog : public TraceSink {
 public:
  void OnRecording(const RecordingFacts& facts) override;
  void OnClocks(const ClockReading& clocks) override;
  void OnFormat(const EventFormat& format) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnLoss(const Loss& loss) override;
  void OnCounts(const EventCounts& counts) override;
  void OnNote(const Note& note) override;
  void OnEnd(const RecordingEnd& end) override;
  std::vector<std::string> lines;
};

// The lines that `bytes` read as.
std::vector<std::string> LinesOf(absl::string_view bytes, ReadSummary* summary = nullptr);

// What a writer with a fixed recording id makes of what `feed` gives it, closed.
std::string WriteTrace(const std::function<void(TraceWriter&)>& feed,
                       const std::string& recording_id = "recording-id-16b");

// Formats 0 and 1, three events with stacks and attributions, every kind of table, and an end;
// hostile names. `flush` is called where a chunk may end: four times.
void FeedRecording(
    TraceSink& sink, const std::function<void()>& flush = [] {});

// FeedRecording in five chunks, and where each begins; the last entry is the size.
std::string FiveChunks(std::vector<size_t>* begins = nullptr,
                       const std::string& recording_id = "recording-id-16b");
std::vector<size_t> ChunkBegins(absl::string_view trace);

}  // namespace correlate

#endif  // PROTO_TEST_RECORDING_H_
