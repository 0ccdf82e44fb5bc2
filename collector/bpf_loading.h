// What the classes that load companion BPF programs have in common. No state.
#ifndef COLLECTOR_BPF_LOADING_H_
#define COLLECTOR_BPF_LOADING_H_

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstdint>
#include <memory>
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

struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using ScopedLink = std::unique_ptr<bpf_link, DestroyLink>;

// What mends a load that failed with this errno; empty: nothing that is known.
absl::string_view LoadingAdvice(int error);
absl::Status NoKernelBtf();
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
