// Follows what attached programs return, by an fexit program for each (exits.bpf.c), so that a drop
// can be laid to the one that had the last word on it. Needs trampolines, which some kernels
// refuse.
//
// The fexit program holds the one that it follows, so that this lets go of whatever nobody else
// holds any more; see LetGoOfUnheld. Owns programs, maps
// and links, none of which is pinned. One thread. Privileges: CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN.
#ifndef COLLECTOR_EXIT_TRACER_H_
#define COLLECTOR_EXIT_TRACER_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/exit_note.h"
#include "collector/program_holders.h"

namespace correlate {

class ExitTracer {
 public:
  // How often an XDP program returned each action, as exit_count_of tells them apart.
  using XdpCounts = std::array<uint64_t, EXIT_COUNTS>;
  // So many are followed at once.
  static constexpr size_t kMostPrograms = 1000;

  // Fails where the kernel refuses trampolines. `notes_fd`: Enricher's exit_notes_fd(), borrowed.
  static absl::StatusOr<std::unique_ptr<ExitTracer>> Open(int notes_fd);
  ~ExitTracer();

  // Follows these programs, by id, and no others. What cannot be followed is in notes(), once.
  void Follow(const std::set<uint32_t>& program_ids);
  // Follows none of those any more that are in the kernel for this object's sake alone: detached
  // and closed by all others. To be called often (every kLetGoEveryNs); does nothing before it is
  // time.
  void LetGoOfUnheld(uint64_t now_ns);
  static constexpr uint64_t kLetGoEveryNs = 20'000'000;
  bool Follows(uint32_t program_id) const { return followed_.contains(program_id); }

  // Ids of what this has loaded now: observers.
  std::vector<uint32_t> program_ids() const;
  uint64_t RunTimeNs() const;  // of those that follow now; see bpf_loading.h
  // Of every XDP program that is or was followed, by id.
  std::map<uint32_t, XdpCounts> Counts() const;
  absl::Span<const std::string> notes() const { return notes_; }

 private:
  struct Offsets {
    uint32_t skb_dev = 0;
    uint32_t xdp_data_hard_start = 0;
    uint32_t xdp_rxq = 0;
    uint32_t rxq_dev = 0;
    uint32_t netfilter_skb = 0;
  };
  struct Follower;
  ExitTracer(int notes_fd, const Offsets& offsets);
  absl::StatusOr<std::unique_ptr<Follower>> Load(uint32_t program_id) const;
  using Followers = std::map<uint32_t, std::unique_ptr<Follower>>;
  Followers::iterator LetGo(Followers::iterator at);  // the next one

  const int notes_fd_;
  const Offsets offsets_;
  std::unique_ptr<ProgramHolders> holders_;  // null: the kernel does not tell
  uint64_t next_let_go_ns_ = 0;
  Followers followed_;
  std::set<uint32_t> refused_;             // not tried again while they are attached
  std::map<uint32_t, XdpCounts> earlier_;  // of those that are followed no more
  std::vector<std::string> notes_;
};

}  // namespace correlate

#endif  // COLLECTOR_EXIT_TRACER_H_
