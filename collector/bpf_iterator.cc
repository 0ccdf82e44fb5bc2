#include "collector/bpf_iterator.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>

#include "base/errno_status.h"
#include "base/scoped_fd.h"

namespace correlate {

absl::StatusOr<std::vector<char>> ReadBpfIterator(int link_fd) {
  constexpr size_t kReadBytes = 64 * 1024;
  const ScopedFd walk(bpf_iter_create(link_fd));
  if (!walk.valid()) return ErrnoStatus(errno, "running a BPF iterator");
  std::vector<char> bytes;
  for (;;) {
    const size_t filled = bytes.size();
    bytes.resize(filled + kReadBytes);
    const ssize_t count = read(walk.get(), bytes.data() + filled, kReadBytes);
    bytes.resize(filled + static_cast<size_t>(count > 0 ? count : 0));
    if (count == 0) return bytes;
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
      return ErrnoStatus(errno, "reading from a BPF iterator");
    }
  }
}

}  // namespace correlate
