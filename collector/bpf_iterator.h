// What the classes around BPF iterators (iter/bpf_link, iter/bpf_prog) have in common. No state.
#ifndef COLLECTOR_BPF_ITERATOR_H_
#define COLLECTOR_BPF_ITERATOR_H_

#include <vector>

#include "absl/status/statusor.h"

namespace correlate {

// Runs the iterator that this link is of, from beginning to end: all that its program wrote.
absl::StatusOr<std::vector<char>> ReadBpfIterator(int link_fd);

}  // namespace correlate

#endif  // COLLECTOR_BPF_ITERATOR_H_
