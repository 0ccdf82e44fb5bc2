// Which BPF program an event is to be blamed on, and by which evidence. Pure: looks at the event's
// own fields, its resolved callchain and the tables. Blames only where the evidence is complete;
// everything else is `none` with a reason in plain words.
#ifndef SYMBOLIZE_ATTRIBUTION_H_
#define SYMBOLIZE_ATTRIBUTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/types/span.h"
#include "collector/event.h"
#include "symbolize/attachment_table.h"
#include "symbolize/correlated_event.h"
#include "symbolize/hook_looks.h"
#include "symbolize/netns_names.h"
#include "symbolize/program_table.h"
#include "symbolize/sampled_stacks.h"

namespace correlate {

// True where the unwinder went from an interrupt's own frames into whatever it interrupted: frames
// beyond such a frame belong to another piece of work, and perhaps to another packet.
bool IsContextBoundary(absl::string_view symbol);
// True for program types that watch and cannot drop a packet (tracing, kprobe, raw_tracepoint,
// ...).
bool IsObserverType(absl::string_view program_type_name);

// What an attribution is made of. Borrowed; the format must outlive the Attributor.
struct AttributionRequest {
  const EventFormat* format = nullptr;
  absl::Span<const uint8_t> raw;
  uint64_t time_ns = 0;
  const Stack* stack = nullptr;    // null: no callchain was taken
  const Packet* packet = nullptr;  // null: a plain tracepoint
  HookLooks::Seen seen;            // the hook where the packet was freed, if it was walked
  // The event before this one on this CPU, where that was an XDP exception on the same device: its
  // packet is freed next (drivers/net/veth.c, net/core/dev.c).
  const Attribution* exception = nullptr;
  bool exceptions_recorded = false;  // there would have been one
  bool stack_omitted = false;  // no callchain was taken, though others of its kind may have one
  // Of an XDP exception: the part of the program, behind a dispatcher, that returned the same.
  uint32_t part_id = 0;
};

// Borrows the tables. One thread.
class Attributor {
 public:
  Attributor(const ProgramTable* programs, const AttachmentTable* attachments,
             const NetnsNames* names)
      : programs_(programs), attachments_(attachments), names_(names) {}

  // Null for events that nobody is blamed for. Interned by content: the pointer lives as long as
  // this object, and the id names this content.
  const Attribution* Attribute(const AttributionRequest& request);
  // Drops all answers once they are many. Those that were handed out end.
  void Forget();

 private:
  // What attribution reads of an event: fields of its format, found once a format.
  struct Roles {
    bool xdp = false;       // names its program
    bool xdp_send = false;  // frames that XDP programs sent, or could not send
    bool drop = false;
    bool printed = false;  // a line that a program printed
    const FormatField* program_id = nullptr;
    const FormatField* act = nullptr;
    const FormatField* ifindex = nullptr;
    const FormatField* reason = nullptr;
    const FormatField* location = nullptr;
    const FormatField* drops = nullptr;
  };
  // Their values in one event, and its stack: equal inputs have equal answers until a table
  // changes.
  struct Inputs {
    uint32_t format_id = 0;
    std::optional<uint64_t> program_id;
    std::optional<uint64_t> act;
    std::optional<uint64_t> ifindex;
    std::optional<uint64_t> reason;
    uint32_t part_id = 0;
    uint64_t stack_id = 0;
    uint64_t look_id = 0;
    bool confirmed = false;
    bool just_changed = false;
    uint64_t of_late = 0;  // hash of HookLooks::Seen::of_late
    bool exceptions_recorded = false;
    uint64_t exception_id = 0;
    NetnsId netns;
    friend bool operator==(const Inputs&, const Inputs&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Inputs& in) {
      return H::combine(std::move(h), in.format_id, in.program_id.value_or(0), in.act.value_or(0),
                        in.ifindex.value_or(0), in.reason.value_or(0), in.part_id, in.stack_id,
                        in.look_id, in.confirmed, in.just_changed, in.of_late, in.exception_id,
                        in.netns.inode);
    }
  };
  // Of a drop that was attributed by its callchain, or lacks one, rather than by a look.
  const Attribution* JoinSamples(const Roles& roles, const Inputs& inputs,
                                 const AttributionRequest& request, const Attribution* answer);
  const Roles& RolesOf(const EventFormat& format);
  Attribution OfXdpEvent(const Roles& roles, const Inputs& inputs,
                         const AttributionRequest& request) const;
  Attribution OfPrint(const Stack* stack, uint64_t time_ns) const;
  Attribution OfFailedSend(const Inputs& inputs, uint64_t time_ns) const;
  Attribution OfDrop(const Roles& roles, const Inputs& inputs,
                     const AttributionRequest& request) const;
  // True: the callchain settles it, or at least that nobody can be blamed.
  bool BlameCaller(const Stack& stack, uint64_t time_ns, Attribution* attribution) const;
  void BlameHook(const AttributionRequest& request, const Inputs& inputs, absl::string_view reason,
                 Attribution* attribution) const;
  // A dispatcher drops nothing by itself: names the programs behind it in its place, as far as they
  // are known. Where they are several, each may have been it.
  void LookBehindDispatchers(uint64_t time_ns, Attribution* attribution) const;
  // Puts what the tables know in the place of netkit links, which a look knows by id alone, and of
  // programs behind a dispatcher.
  void CompletePlaces(uint64_t time_ns, std::vector<Attachment>* attachments) const;
  // Every program among these, as candidates.
  void NameCandidates(const std::vector<AttachmentTable::OnHook>& on_hooks, uint64_t time_ns,
                      Attribution* attribution) const;
  BlamedProgram Describe(uint32_t program_id, uint64_t time_ns) const;
  const Attribution* Intern(Attribution attribution);

  const ProgramTable* const programs_;
  const AttachmentTable* const attachments_;
  const NetnsNames* const names_;
  // The answer to `inputs`, where it was asked for of late; null: it is to be put there.
  const Attribution*& RecentAnswer(const Inputs& inputs);
  absl::node_hash_map<uint32_t, Roles> roles_;  // by format id
  const EventFormat* last_format_ = nullptr;
  const Roles* last_roles_ = nullptr;                        // of last_format_
  absl::flat_hash_map<Inputs, const Attribution*> answers_;  // as of the generations below
  // A few of these, found without hashing all of an event's inputs.
  struct Recent {
    Inputs inputs;
    const Attribution* answer = nullptr;
  };
  std::vector<Recent> recent_ = std::vector<Recent>(4096);
  uint64_t programs_generation_ = 0;
  uint64_t attachments_generation_ = 0;
  uint64_t names_generation_ = 0;
  absl::flat_hash_map<size_t, std::vector<std::unique_ptr<Attribution>>> interned_;  // by hash
  uint64_t interned_count_ = 0;
  uint64_t forgotten_count_ = 0;  // of these
  SampledStacks sampled_;
  struct SampledAnswer {
    uint64_t version = 0;
    const Attribution* alone = nullptr;
    const Attribution* answer = nullptr;
  };
  absl::flat_hash_map<EventKind, SampledAnswer> sampled_answers_;
};

}  // namespace correlate

#endif  // SYMBOLIZE_ATTRIBUTION_H_
