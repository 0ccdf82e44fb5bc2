// The BPF programs that record beside the perf rings: those that read drops and XDP exceptions in
// the kernel, those that follow what programs return, those that make events of calls of bpf(2).
// Which of them load, what goes without those that do not, what they cost, and how that is held to
// a share of the host's CPU time. One thread.
#ifndef CLI_COMPANIONS_H_
#define CLI_COMPANIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/scoped_fd.h"
#include "cli/cpu_governor.h"
#include "cli/exact_counts.h"
#include "cli/recording_options.h"
#include "collector/bpf_call_tracer.h"
#include "collector/enricher.h"
#include "collector/event_spec.h"
#include "collector/exit_tracer.h"
#include "collector/perf_source.h"
#include "collector/tracefs.h"
#include "symbolize/kernel_symbols.h"

namespace correlate {

class Companions {
 public:
  explicit Companions(const RecordingOptions& options) : options_(options) {}

  // Loads those that what is selected and asked for needs. Where the host refuses one, a note says
  // what goes without it; an error where what was asked for cannot hold then. `formats`: of the
  // selected tracepoints. Of `selection` changes who makes which event.
  absl::Status Load(const Tracefs& tracefs, const std::vector<EventFormat>& formats,
                    const KernelSymbols& symbols, EventSelection* selection);
  // Has the source of these tracepoints hand them its events. `formats` and this outlive it.
  void Connect(const std::vector<EventFormat>& formats, PerfSourceSpec* spec);
  // Begins with events made of calls of bpf(2).
  absl::Status AttachCalls();

  // Null: plain tracepoints only.
  Enricher* enricher() const { return enricher_.get(); }
  ExactCounts* counts() const { return counts_.get(); }  // null as enricher() is
  ExitTracer* exits() const { return exits_.get(); }     // null: not asked for, or refused
  BpfCallTracer* calls() const { return calls_.get(); }  // null: no event is made of calls
  // Tracepoints whose events come through the enricher.
  const std::vector<std::string>& enriched_events() const { return enriched_events_; }
  // Nothing but counts is wanted, and no filter, so that the programs that record need not run.
  bool OnlyCounts() const { return options_.max_rate == 0 && options_.filter_text.empty(); }
  // Where the kernel's own text frees packets.
  void SetFreeingRanges(const KernelSymbols& symbols);

  // Programs of ours, which are no part of what is recorded.
  bool IsOurs(uint32_t program_id) const;
  void AddOurs(uint32_t program_id) { our_programs_.push_back(program_id); }
  // CPU time of the programs so far.
  uint64_t RunTimeNs() const;

  // Call often: lowers and raises limits where there is a share to keep to. Answers with what the
  // user is to know.
  std::vector<std::string> Govern(uint64_t now_ns, uint32_t online_cpus);

  std::vector<std::string> TakeNotes();

 private:
  absl::Status LoadEnricher(const std::vector<EventFormat>& formats, const KernelSymbols& symbols,
                            const EventSelection& selection);
  absl::Status LoadCallTracer(const Tracefs& tracefs, EventSelection* selection);
  void FollowExits();

  const RecordingOptions& options_;
  std::unique_ptr<Enricher> enricher_;
  std::unique_ptr<ExactCounts> counts_;
  std::unique_ptr<ExitTracer> exits_;
  std::unique_ptr<BpfCallTracer> calls_;
  uint64_t call_tracepoints_[2] = {};  // of the beginning and the end of bpf(2)
  std::vector<std::string> enriched_events_;
  std::vector<uint32_t> our_programs_;
  std::vector<std::string> notes_;
  std::optional<CpuGovernor> governor_;  // nullopt: there is no share to keep to
  ScopedFd run_statistics_;
  uint64_t governed_ns_ = 0;  // 0: the first time is yet to come
  uint64_t governed_used_ns_ = 0;
  std::vector<uint64_t> governed_handed_over_;  // by CPU
};

}  // namespace correlate

#endif  // CLI_COMPANIONS_H_
