// Loads each of this tool's companion BPF objects as a recording would, one after the other, and
// lets it go again: what this kernel's verifier says of them. Nothing is attached but
// what follows a program that is attached to nothing. Takes some seconds. One call at a time on a
// thread.
#ifndef COLLECTOR_LOAD_TRIALS_H_
#define COLLECTOR_LOAD_TRIALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace correlate {

struct LoadTrial {
  std::string object;  // "links", "enrich, typed, verdict": of collector/*.bpf.c, and in which form
  absl::Status status;
  uint32_t programs = 0;      // that were loaded
  uint64_t instructions = 0;  // that the verifier looked at (bpf_prog_info.verified_insns, Linux
                              // 5.16); 0: it does not tell
  std::string log;            // libbpf's and the verifier's words; empty where all went well
};

std::vector<LoadTrial> TryLoads();

}  // namespace correlate

#endif  // COLLECTOR_LOAD_TRIALS_H_
