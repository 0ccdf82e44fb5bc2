// Reads a trace as a stream into a TraceSink: memory grows with one chunk, not with the file.
// Damage never stops it: a chunk that does not check out is skipped, counted and described.
#ifndef PROTO_TRACE_READER_H_
#define PROTO_TRACE_READER_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/chunk.h"
#include "proto/printing_lanes.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct ReadSummary {
  uint64_t bytes = 0;                 // of the file, as far as it was read
  uint64_t chunks = 0;                // read whole
  uint64_t skipped_bytes = 0;         // belonged to no whole chunk
  uint64_t missing_chunks = 0;        // gaps in the sequence numbers of one recording
  uint64_t recordings = 0;            // distinct recording ids seen
  uint64_t unknown_entries = 0;       // left out: this version does not know their kinds
  bool saw_chunk = false;             // something of a trace is there, if only a damaged chunk
  bool ended = false;                 // every recording seen has its last chunk
  bool stopped_early = false;         // the sink wanted no more
  std::vector<std::string> problems;  // at most 16 sentences: offset, what is wrong

  bool damaged() const {
    return !stopped_early && (skipped_bytes > 0 || missing_chunks > 0 || !ended);
  }
  // What a newer version wrote and this one left out, one sentence; "": nothing. No damage.
  std::string DescribeUnknown() const;
  // "" if whole; else one sentence for stderr: what was skipped and whether the end is missing.
  std::string Describe() const;
};

// `path` "-" is stdin. Errors: the file cannot be opened or read, or holds nothing that
// looks like a chunk (the message says so). Damage is no error: see ReadSummary.
// Chunks are read and parsed on a thread of its own; `sink` is called on this one, and so is
// `progress`, now and then: bytes that were handed over, and of how many (0: a pipe, that is not
// known).
absl::StatusOr<ReadSummary> ReadTraceFile(
    const std::string& path, TraceSink& sink,
    const std::function<void(uint64_t done, uint64_t all)>& progress = nullptr);

// Prints a trace to `out`, in order, on as many threads as there are CPUs to take them: `make`
// gives a printer for each. Ends early once `out` takes no more.
absl::StatusOr<ReadSummary> PrintTraceFile(
    const std::string& path, const PrintingLanes::MakePrinter& make, std::ostream& out,
    const std::function<void(uint64_t done, uint64_t all)>& progress = nullptr);

// How a trace is read that is still being written. Each is called on the caller's thread.
struct FollowHooks {
  // At the end of what is there: waits a little, and says how to go on. kEnd: no more will come, so
  // that what is there of a chunk is damage; kStop: no more is wanted.
  enum class Wait { kMore, kEnd, kStop };
  std::function<Wait()> wait;
  // Around each chunk that is handed over.
  std::function<void(const ChunkHeader& header)> before;
  std::function<void(const ChunkHeader& header)> after;
};
// Reads until the last chunk of the recording has come, or `wait` says so. An error: the file
// cannot be opened or read.
absl::StatusOr<ReadSummary> FollowTraceFile(const std::string& path, TraceSink& sink,
                                            const FollowHooks& hooks);

// ReadTraceFile over bytes in memory: what tests and fuzzers call.
ReadSummary ReadTraceBytes(absl::string_view bytes, TraceSink& sink);

}  // namespace correlate

#endif  // PROTO_TRACE_READER_H_
