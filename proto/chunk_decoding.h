// From the chunks of a trace, in their order, to calls of a sink: keeps what is known of each
// recording from chunk to chunk. One thread.
#ifndef PROTO_CHUNK_DECODING_H_
#define PROTO_CHUNK_DECODING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/chunks_ahead.h"
#include "proto/payload_decoder.h"
#include "symbolize/trace_sink.h"

namespace correlate {

// A second pass over the same bytes, to look for tables ahead; null where there is none (a pipe).
using Reopen = std::function<std::unique_ptr<ByteSource>()>;

class ChunkDecoding {
 public:
  explicit ChunkDecoding(Reopen reopen) : reopen_(std::move(reopen)) {}

  void Decode(const ParsedChunk& chunk, TraceSink& sink);
  // Only what later chunks may need of this one, and running totals.
  void DecodeTables(const ParsedChunk& chunk, TraceSink& sink);

  uint64_t missing_chunks() const { return missing_chunks_; }
  size_t recordings() const { return recordings_.size(); }
  bool ended() const;  // every recording seen has its last chunk

 private:
  struct Recording {
    uint64_t next_sequence = 0;
    bool ended = false;
    RecordingTables tables;
  };
  Recording& Note(const ChunkHeader& header);
  void FindFormatsAhead(const ParsedChunk& wanted, Recording* recording, TraceSink& sink);

  const Reopen reopen_;
  std::map<std::string, Recording> recordings_;  // by id; nodes do not move
  PayloadDecoder decoder_;
  uint64_t missing_chunks_ = 0;
  int looks_ahead_ = 0;
};

}  // namespace correlate

#endif  // PROTO_CHUNK_DECODING_H_
