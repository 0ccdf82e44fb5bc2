#include "proto/chunk_decoding.h"

#include <algorithm>
#include <set>

#include "proto/trace.pb.h"
#include "proto/values.h"

namespace correlate {
namespace {

// Each recording in a file is looked for once in all that follows, so a hostile file of many
// recordings would cost the square of its size.
constexpr int kMostLooksAhead = 16;

std::set<uint32_t> UnknownFormats(const pb::Payload& payload, const RecordingTables& tables) {
  std::set<uint32_t> unknown;
  for (const pb::EventShape& shape : payload.events().shapes()) {
    if (!tables.formats.contains(shape.format())) unknown.insert(shape.format());
  }
  for (const pb::Format& format : payload.formats()) unknown.erase(format.id());
  return unknown;
}

}  // namespace

bool ChunkDecoding::ended() const {
  return !recordings_.empty() &&
         std::all_of(recordings_.begin(), recordings_.end(),
                     [](const auto& recording) { return recording.second.ended; });
}

ChunkDecoding::Recording& ChunkDecoding::Note(const ChunkHeader& header) {
  Recording& recording = recordings_[header.recording_id];
  if (header.sequence > recording.next_sequence) {
    const uint64_t missing = header.sequence - recording.next_sequence;
    // Only hostile numbers get there; the sum must not come round to 0.
    missing_chunks_ += std::min(missing, UINT64_MAX - missing_chunks_);
  }
  recording.next_sequence = std::max(recording.next_sequence, header.sequence + 1);
  recording.ended |= header.last;
  return recording;
}

void ChunkDecoding::Decode(const ParsedChunk& chunk, TraceSink& sink) {
  Recording& recording = Note(chunk.header);
  FindFormatsAhead(chunk, &recording, sink);
  decoder_.Decode(chunk.payload, &recording.tables, sink);
}

void ChunkDecoding::DecodeTables(const ParsedChunk& chunk, TraceSink& sink) {
  PayloadDecoder::DecodeTables(chunk.payload, &Note(chunk.header).tables, sink);
  for (const pb::EventCounts& counts : chunk.payload.counts()) sink.OnCounts(FromProto(counts));
}

// When the chunk that held an event's format is gone, a later one holds it again. The first with
// tables need not: it holds what there was by then.
void ChunkDecoding::FindFormatsAhead(const ParsedChunk& wanted, Recording* recording,
                                     TraceSink& sink) {
  if (!reopen_ || looks_ahead_ >= kMostLooksAhead) return;
  std::set<uint32_t> unknown = UnknownFormats(wanted.payload, recording->tables);
  if (unknown.empty()) return;
  ++looks_ahead_;
  std::unique_ptr<ByteSource> source = reopen_();
  if (source == nullptr) return;
  ChunksAhead chunks(std::move(source), ChunksAhead::Threads::kNone);
  for (auto chunk = chunks.Next(); chunk.ok() && *chunk != nullptr && !unknown.empty();
       chunk = chunks.Next()) {
    const ChunkHeader& header = (*chunk)->header;
    if (header.recording_id != wanted.header.recording_id ||
        header.sequence <= wanted.header.sequence) {
      continue;
    }
    PayloadDecoder::DecodeFormats((*chunk)->payload, &recording->tables, sink);
    for (const pb::Format& format : (*chunk)->payload.formats()) unknown.erase(format.id());
  }
}

}  // namespace correlate
