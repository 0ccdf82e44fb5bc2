// The twelve events bpf:* that the kernel had until 4.17 (include/trace/events/bpf.h), with their
// names, fields and text, made of calls of bpf(2); and bpf:bpf_link_create and bpf:bpf_prog_attach
// beside them. Behind the old fields stand those that they lacked: id, name, what the call
// returned, who called from which cgroup. A call that failed is an event too.
#ifndef SYMBOLIZE_BPF_CALL_EVENTS_H_
#define SYMBOLIZE_BPF_CALL_EVENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collector/event.h"
#include "symbolize/synthetic_format.h"

namespace correlate {

class BpfCallEvents {
 public:
  using Receiver = absl::FunctionRef<void(size_t event, absl::Span<const uint8_t> raw)>;

  // `events`: full names, of which those that are made of calls count, "bpf:bpf_map_create".
  explicit BpfCallEvents(absl::Span<const std::string> events);
  ~BpfCallEvents();

  size_t size() const;                       // how many of those wanted
  std::vector<EventFormat> formats() const;  // of each wanted; places in it are what Make() tells
  // The events that a call makes, of those wanted: none, one or two. `raw` lives until the receiver
  // returns.
  void Make(const BpfCallRecord& call, Receiver receiver);

 private:
  struct Event;
  void Make(absl::string_view name, const BpfCallRecord& call, Receiver receiver);

  std::vector<Event> events_;
  std::vector<SyntheticFormat::Value> values_;  // these two of the last event
  std::vector<uint8_t> raw_;
};

}  // namespace correlate

#endif  // SYMBOLIZE_BPF_CALL_EVENTS_H_
