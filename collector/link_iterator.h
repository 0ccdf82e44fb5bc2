// The kernel's own walk over all bpf_links (links.bpf.c), loaded once and run as often as wanted.
// The program is one of this tool's own. One thread at a time.
#ifndef COLLECTOR_LINK_ITERATOR_H_
#define COLLECTOR_LINK_ITERATOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/bpf_links.h"

struct links_bpf;

namespace correlate {

class LinkIterator {
 public:
  // Fails where BPF iterators over links (Linux 5.19) or the rights for them are missing.
  static absl::StatusOr<std::unique_ptr<LinkIterator>> Load();
  ~LinkIterator();

  // By id. The kernel keeps hold of none of them afterwards.
  absl::StatusOr<std::vector<BpfLink>> Read() const;
  uint32_t program_id() const { return program_id_; }

 private:
  struct Destroy {
    void operator()(links_bpf* skeleton) const;
  };
  LinkIterator() = default;

  std::unique_ptr<links_bpf, Destroy> skeleton_;
  uint32_t program_id_ = 0;
};

// What the iterator wrote, taken apart. A record that is cut off is left out.
std::vector<BpfLink> ParseLinkRecords(absl::Span<const char> bytes);

}  // namespace correlate

#endif  // COLLECTOR_LINK_ITERATOR_H_
