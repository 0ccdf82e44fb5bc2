// Any bytes as a trace file. The mutator also changes what is inside of chunks and signs them
// again: a checksum keeps damage out, but not those who can compute one.
#include <cstdint>
#include <cstring>
#include <string>

#include "proto/chunk.h"
#include "proto/trace_reader.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  correlate::TraceSink nobody;
  correlate::ReadTraceBytes({reinterpret_cast<const char*>(data), size}, nobody);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace correlate;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto chunk_bytes = ChunkBytes(bytes);
  ChunkHeader header;
  std::string payload;
  if (seed % 4 == 0 || !chunk_bytes.ok() || *chunk_bytes > size ||
      !DecodeChunk(bytes.substr(0, *chunk_bytes), &header, &payload).ok()) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const size_t payload_bytes = payload.size();
  payload.resize(payload_bytes + 64);
  payload.resize(
      LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(payload.data()), payload_bytes, payload.size()));
  header.sequence += seed % 3;
  const auto chunk = EncodeChunk(header, payload);
  if (!chunk.ok()) return size;
  const std::string rest(bytes.substr(*chunk_bytes));
  if (chunk->size() + rest.size() > max_size) return size;
  std::memcpy(data, chunk->data(), chunk->size());
  std::memcpy(data + chunk->size(), rest.data(), rest.size());
  return chunk->size() + rest.size();
}
