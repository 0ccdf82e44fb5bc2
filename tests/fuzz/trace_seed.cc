// Makes a seed of trace_reader_fuzz and its like of a trace, by leaving out what is there many
// times over:
//
//     trace_seed TRACE SEED [HOSTS]
//
// HOSTS: the same again as of so many hosts.
#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "proto/chunk.h"
#include "proto/test_chunks.h"
#include "proto/trace.pb.h"

namespace {

using namespace correlate;

template <typename Elements>
void Keep(int most, Elements* elements) {
  if (elements->size() > most) {
    elements->erase(elements->begin() + most, elements->end());
  }
}

// In each chunk. Programs are those of `demo`.
void Shorten(pb::Payload* payload) {
  auto* programs = payload->mutable_programs();
  programs->erase(std::remove_if(programs->begin(), programs->end(),
                                 [](const pb::Program& program) {
                                   return program.name() != "tc_drop" &&
                                          program.name() != "xdp_abort" &&
                                          program.name() != "tc_mirror";
                                 }),
                  programs->end());
  Keep(3, programs);
  for (pb::Program& program : *programs) Keep(4, program.mutable_lines());
  Keep(2, payload->mutable_xdp_actions());
  Keep(4, payload->mutable_kinds());
  Keep(2, payload->mutable_maps());
  Keep(1, payload->mutable_images());
  for (pb::ProgramImage& image : *payload->mutable_images()) Keep(4, image.mutable_lines());
  Keep(1, payload->mutable_btf());
  Keep(3, payload->mutable_host_counters());
}

// A host is told by its recordings' ids and its boots.
std::string AsOfHost(int host, absl::string_view trace) {
  std::string seed;
  for (const absl::string_view chunk : ChunksOf(trace)) {
    ChunkHeader header;
    std::string bytes;
    pb::Payload payload;
    if (!DecodeChunk(chunk, &header, &bytes).ok() || !payload.ParseFromString(bytes)) return "";
    Shorten(&payload);
    header.recording_id[0] = static_cast<char>(header.recording_id[0] ^ host);
    if (host > 0 && payload.has_recording()) payload.mutable_recording()->set_boot_id("another");
    const auto shorter = EncodeChunk(header, payload.SerializeAsString());
    if (!shorter.ok()) return "";
    seed += *shorter;
  }
  return seed;
}

}  // namespace

int main(int argc, char** argv) {
  int hosts = 1;
  if (argc < 3 || argc > 4 || (argc == 4 && !absl::SimpleAtoi(argv[3], &hosts))) {
    std::cerr << "usage: trace_seed TRACE SEED [HOSTS]\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::string trace{std::istreambuf_iterator<char>(file), {}};
  std::ofstream out(argv[2], std::ios::binary);
  for (int host = 0; host < hosts; ++host) {
    const std::string seed = AsOfHost(host, trace);
    if (seed.empty()) {
      std::cerr << "trace_seed: " << argv[1] << " cannot be read as a trace\n";
      return 1;
    }
    out << seed;
  }
  return out.flush() ? 0 : 1;
}
