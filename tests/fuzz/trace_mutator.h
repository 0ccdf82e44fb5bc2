// Changes what is inside of a trace's chunks and signs them again: a checksum keeps damage out, but
// not those who can compute one. To be included once in a target.
#ifndef TESTS_FUZZ_TRACE_MUTATOR_H_
#define TESTS_FUZZ_TRACE_MUTATOR_H_

#include <cstdint>
#include <cstring>
#include <string>

#include "proto/chunk.h"
#include "proto/trace.pb.h"
#include "tests/fuzz/message_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

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
  pb::Payload message;
  if (seed % 4 != 1 && message.ParseFromString(payload)) {
    for (unsigned int i = 0; i <= seed / 4 % 3; ++i) MutateMessage(&message, seed + i);
    payload = message.SerializeAsString();
  } else {
    const size_t payload_bytes = payload.size();
    payload.resize(payload_bytes + 64);
    payload.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(payload.data()), payload_bytes,
                                    payload.size()));
  }
  header.sequence += seed % 3;
  const auto chunk = EncodeChunk(header, payload);
  if (!chunk.ok()) return size;
  const std::string rest(bytes.substr(*chunk_bytes));
  if (chunk->size() + rest.size() > max_size) return size;
  std::memcpy(data, chunk->data(), chunk->size());
  std::memcpy(data + chunk->size(), rest.data(), rest.size());
  return chunk->size() + rest.size();
}

#endif  // TESTS_FUZZ_TRACE_MUTATOR_H_
