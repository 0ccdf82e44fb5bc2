// Changes what is inside of a trace's chunks and signs them again: a checksum keeps damage out, but
// not those who can compute one. Chunks come and go whole, too. To be included once in a target.
#ifndef TESTS_FUZZ_TRACE_MUTATOR_H_
#define TESTS_FUZZ_TRACE_MUTATOR_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/chunk.h"
#include "proto/test_chunks.h"
#include "proto/trace.pb.h"
#include "tests/fuzz/message_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace correlate {

// Empty: it cannot be read, or not be made.
inline std::string ChangedChunk(absl::string_view chunk, unsigned int seed) {
  ChunkHeader header;
  std::string payload;
  if (!DecodeChunk(chunk, &header, &payload).ok()) return "";
  pb::Payload message;
  if (seed % 4 != 0 && message.ParseFromString(payload)) {
    for (unsigned int i = 0; i <= seed / 4 % 3; ++i) MutateMessage(&message, seed + i);
    payload = message.SerializeAsString();
  } else {
    const size_t payload_bytes = payload.size();
    payload.resize(payload_bytes + 64);
    payload.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(payload.data()), payload_bytes,
                                    payload.size()));
  }
  if (seed / 16 % 4 == 0) header.sequence += seed % 3;
  return EncodeChunk(header, payload).value_or("");
}

}  // namespace correlate

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace correlate;
  const absl::string_view trace(reinterpret_cast<const char*>(data), size);
  const std::vector<absl::string_view> chunks = ChunksOf(trace);
  if (seed % 8 == 0 || chunks.empty()) return LLVMFuzzerMutate(data, size, max_size);
  const absl::string_view chunk = chunks[seed / 8 % chunks.size()];
  std::string with;
  if (seed % 8 == 1) {  // gone, twice, or another one instead
    const absl::string_view other = chunks[seed / 64 % chunks.size()];
    if (seed / 4096 % 3 > 0) absl::StrAppend(&with, other);
    if (seed / 4096 % 3 > 1) absl::StrAppend(&with, chunk);
  } else {
    with = ChangedChunk(chunk, seed / 64);
    if (with.empty()) return LLVMFuzzerMutate(data, size, max_size);
  }
  const auto begin = static_cast<size_t>(chunk.data() - trace.data());
  const std::string changed =
      absl::StrCat(trace.substr(0, begin), with, trace.substr(begin + chunk.size()));
  if (changed.size() > max_size) return size;
  std::memcpy(data, changed.data(), changed.size());
  return changed.size();
}

#endif  // TESTS_FUZZ_TRACE_MUTATOR_H_
