// What the classes around BPF iterators (iter/bpf_link, iter/bpf_prog) have in common. No state.
#ifndef COLLECTOR_BPF_ITERATOR_H_
#define COLLECTOR_BPF_ITERATOR_H_

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace correlate {

// While it lives, libbpf prints nothing: what fails is a Status.
class QuietLibbpf {
 public:
  QuietLibbpf() : before_(libbpf_set_print(nullptr)) {}
  ~QuietLibbpf() { libbpf_set_print(before_); }
  QuietLibbpf(const QuietLibbpf&) = delete;
  QuietLibbpf& operator=(const QuietLibbpf&) = delete;

 private:
  const libbpf_print_fn_t before_;
};

// Runs the iterator that this link is of, from beginning to end: all that its program wrote.
absl::StatusOr<std::vector<char>> ReadBpfIterator(int link_fd);

uint32_t ProgramIdOf(int program_fd);  // 0: the kernel does not tell

}  // namespace correlate

#endif  // COLLECTOR_BPF_ITERATOR_H_
