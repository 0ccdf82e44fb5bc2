// Which BPF programs events name, as blamed, on a callchain, or as what a call of bpf(2) or a load
// was about: their code goes into the trace. One thread.
#ifndef CLI_NAMED_PROGRAMS_H_
#define CLI_NAMED_PROGRAMS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class NamedPrograms : public TraceSink {
 public:
  void OnEvent(const CorrelatedEvent& event) override;
  // Ids of those that were named for the first time since the last call.
  std::vector<uint32_t> TakeNew() { return std::exchange(new_, {}); }

 private:
  void Name(uint32_t program_id);
  // Where an event of the group bpf has a program's id; null: it is about something else.
  const FormatField* IdField(const EventFormat& format);

  const void* last_attribution_ = nullptr;
  const void* last_stack_ = nullptr;
  absl::flat_hash_map<const EventFormat*, const FormatField*> id_fields_;
  absl::flat_hash_set<uint32_t> named_;
  std::vector<uint32_t> new_;
};

}  // namespace correlate

#endif  // CLI_NAMED_PROGRAMS_H_
