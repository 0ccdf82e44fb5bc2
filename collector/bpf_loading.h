// What the classes that load companion BPF programs have in common. No state.
#ifndef COLLECTOR_BPF_LOADING_H_
#define COLLECTOR_BPF_LOADING_H_

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstdarg>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"

namespace correlate {

// The events that have companion programs.
inline constexpr absl::string_view kDropEvent = "skb:kfree_skb";
inline constexpr absl::string_view kExceptionEvent = "xdp:xdp_exception";
uint32_t CompanionNumber(absl::string_view event);  // COMPANION_... (drop_kind.h)

// From here on libbpf prints nothing in this process: what fails is a Status, and a LibbpfLog's
// text. Any thread, any number of times.
void QuietenLibbpf();

// Keeps what libbpf would print on this thread while it lives: above all the verifier's words on a
// program that it refused. One at a time on a thread.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  void Append(const char* format, va_list arguments);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using ScopedLink = std::unique_ptr<bpf_link, DestroyLink>;

// What mends a load that failed with this errno; empty: nothing that is known.
absl::string_view LoadingAdvice(int error);
absl::Status NoKernelBtf();
// Of loading a BPF iterator, with a positive errno; `since`: the kernel that has it first.
absl::Status IteratorStatus(int error, absl::string_view what, absl::string_view since);
// How many arguments this kernel's skb:kfree_skb has.
absl::StatusOr<uint32_t> DropArguments(const btf* kernel);
// Runs the program that finds `netns_ops` (packet_place.bpf.h).
absl::Status LearnNetnsOps(const bpf_program* learner, const void* const& netns_ops);

absl::StatusOr<bpf_prog_info> ProgramInfoOf(int program_fd);  // numbers alone, no lists
uint32_t ProgramIdOf(int program_fd);                         // 0: the kernel does not tell
std::vector<uint32_t> LoadedProgramIds(const bpf_object* object);
// How long the object's programs ran so far, all CPUs together, while somebody held run statistics
// on: they cost every BPF program of the host some 20 to 200 ns a run (bpf(2), BPF_ENABLE_STATS).
uint64_t RunTimeNs(const bpf_object* object);
absl::StatusOr<ScopedFd> EnableRunStatistics();  // on while the descriptor is open

}  // namespace correlate

#endif  // COLLECTOR_BPF_LOADING_H_
