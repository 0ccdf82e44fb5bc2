// How many hold each BPF program, as the kernel counts them (holders.bpf.c): with it, somebody who
// holds one himself tells when he is the last. One thread at a time.
#ifndef COLLECTOR_PROGRAM_HOLDERS_H_
#define COLLECTOR_PROGRAM_HOLDERS_H_

#include <cstdint>
#include <map>
#include <memory>

#include "absl/status/statusor.h"

struct holders_bpf;

namespace correlate {

class ProgramHolders {
 public:
  // Fails where BPF iterators over programs (Linux 5.9) or the rights for them are missing.
  static absl::StatusOr<std::unique_ptr<ProgramHolders>> Load();
  ~ProgramHolders();

  // By the program's id, as of this moment. Costs some 0.1 µs a program of the host.
  absl::StatusOr<std::map<uint32_t, int32_t>> Read() const;
  uint32_t program_id() const { return program_id_; }

 private:
  struct Destroy {
    void operator()(holders_bpf* skeleton) const;
  };
  ProgramHolders() = default;

  std::unique_ptr<holders_bpf, Destroy> skeleton_;
  uint32_t program_id_ = 0;
};

}  // namespace correlate

#endif  // COLLECTOR_PROGRAM_HOLDERS_H_
