// Turns raw events into correlated ones: the step between the collector and everything that is
// written, printed or alerted on. Pure: what it knows, it was told.
//
// How to drive it: AddFormat for every event, SetKernelSymbols, AddTask, AddProgram,
// OnAttachmentNews as known at the start; then OnRawEvent in order of time. AddProgram may be
// called at any moment (a look at a program just loaded), also before the load's own record comes;
// so may OnAttachmentNews, the earlier the more is known of an event. One thread.
#ifndef SYMBOLIZE_CORRELATOR_H_
#define SYMBOLIZE_CORRELATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "collector/event.h"
#include "symbolize/attachment_table.h"
#include "symbolize/attribution.h"
#include "symbolize/bpf_call_events.h"
#include "symbolize/hook_looks.h"
#include "symbolize/kernel_symbols.h"
#include "symbolize/netns_names.h"
#include "symbolize/program_table.h"
#include "symbolize/stack_resolver.h"
#include "symbolize/synthetic_format.h"
#include "symbolize/task_names.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class Correlator : public EventSink {
 public:
  explicit Correlator(TraceSink* sink);  // borrowed

  // Formats are numbered from 0 without gaps; samples name them by that number.
  void AddFormat(EventFormat format);
  // Makes bpf:bpf_prog_load, bpf:bpf_prog_put_rcu of side-band records. The formats take the next
  // numbers.
  void EmitProgramLoads();
  void EmitProgramUnloads();
  // Makes those of these events that are made of calls of bpf(2), likewise.
  void EmitBpfCalls(absl::Span<const std::string> events);
  std::vector<std::pair<std::string, uint32_t>> call_formats() const;  // their names and ids
  // Events made of calls of bpf(2) so far: by format id, then CPU.
  using CallCounts = absl::flat_hash_map<uint32_t, std::vector<uint64_t>>;
  const CallCounts& call_counts() const { return call_counts_; }
  void SetKernelSymbols(KernelSymbols symbols) { stacks_.SetKernelSymbols(std::move(symbols)); }
  const KernelSymbols& kernel_symbols() const { return stacks_.kernel_symbols(); }
  void AddTask(int32_t tid, std::string comm) { tasks_.Add(tid, std::move(comm)); }
  void AddProgram(const ProgramInfo& program);
  // What looks and notifications told of attachments, in their order.
  void OnAttachmentNews(const AttachmentNews& news);
  // Hands on all that still holds, with the last look that saw it: at the end.
  void TellWhatStillHolds();
  // See StackResolver.
  void set_max_frames(size_t frames) { stacks_.set_max_frames(frames); }

  // For recordings of months: drops what ended before then, and what was kept to be quick, once it
  // is much. No event as old may come any more; what was handed to the sink ends.
  void Forget(uint64_t before_ns);

  void OnRawEvent(const RawEvent& event) override;

  // As of `time_ns`.
  void OnKindCount(const EventKindCount& count, uint64_t time_ns);

  uint64_t events() const { return events_; }
  uint64_t lost() const { return lost_; }
  // How often side-band records were lost: a reason to look at all programs again, since those
  // that are not looked at are believed no more.
  uint64_t side_band_losses() const { return side_band_losses_; }
  size_t attachments() const { return attachments_.size(); }
  // Those that may refuse a packet, as the last looks saw them, by id: tc, tcx, netkit, XDP and
  // what stands behind a dispatcher, packets of cgroups, netfilter.
  std::set<uint32_t> ProgramsThatPassPackets() const;
  std::vector<const ProgramInfo*> programs() const { return programs_.programs(); }
  size_t programs_ever() const { return programs_.ever(); }
  // See StackResolver: a reason to read /proc/kallsyms again.
  uint64_t unknown_addresses() const { return stacks_.unknown_addresses(); }

 private:
  struct Format {
    EventFormat format;
    std::vector<size_t> code_fields;  // indices of fields that hold addresses of code
    const FormatField* common_flags = nullptr;
    std::vector<CodePointer> code_pointers;  // of the last event, as many as code_fields
  };
  // The XDP exception that a CPU's last event was, but for those that interrupted it since.
  struct Exception {
    const Attribution* attribution = nullptr;  // null: it was another event
    NetnsId netns;
    uint32_t ifindex = 0;
    uint64_t time_ns = 0;
    Context context = Context::kUnknown;
  };
  void OnSample(const TracepointSample& sample);
  absl::Span<const CodePointer> CodePointersOf(const TracepointSample& sample, Format* format);
  const Attribution* Attribute(const Format& format, const TracepointSample& sample,
                               CorrelatedEvent* event);
  // An event that we made, with everything but its raw bytes and its format.
  void EmitSynthetic(CorrelatedEvent event, uint32_t format_id, absl::Span<const uint8_t> raw);
  void OnBpfProgram(const BpfProgramRecord& record);
  void OnBpfCall(const BpfCallRecord& call);
  void Tell(const AttachmentTable::Changes& changes);

  TraceSink* const sink_;
  std::vector<std::unique_ptr<Format>> formats_;
  // Of an event made of side-band records.
  struct SideBandEvent {
    uint32_t format_id;
    SyntheticFormat format;
  };
  std::optional<SideBandEvent> loads_;
  std::optional<SideBandEvent> unloads_;
  std::optional<BpfCallEvents> calls_;
  absl::flat_hash_map<uint32_t, uint32_t> types_by_calls_;  // of programs, until they are unloaded
  uint32_t first_call_format_ = 0;
  CallCounts call_counts_;
  ProgramTable programs_;
  AttachmentTable attachments_;
  NetnsNames netns_names_;
  HookLooks looks_;
  std::vector<Exception> exceptions_;  // by CPU
  bool exceptions_recorded_ = false;
  TaskNames tasks_;
  StackResolver stacks_;
  Attributor attributor_;
  std::vector<uint8_t> raw_;  // of a synthetic event
  uint64_t events_ = 0;
  uint64_t lost_ = 0;
  uint64_t side_band_losses_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_CORRELATOR_H_
