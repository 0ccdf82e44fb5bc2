// What the kernel and its drivers counted by themselves during a recording, beside the drops that
// were recorded at the same place: so that losses that no tracepoint tells (a NIC without room, a
// native XDP_DROP) do not go unnoticed. Memory grows with distinct counters and places. One thread.
//
// A counter is compared with all drops of its device (of its namespace, of the host), which may
// have other causes: what it counted beyond them was certainly not recorded, how much of the rest
// was is not known. Drops whose place is unknown stand for any.
#ifndef REPORT_COUNTER_COMPARISON_H_
#define REPORT_COUNTER_COMPARISON_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "render/event_fields.h"
#include "report/host_tables.h"
#include "report/kind_totals.h"
#include "symbolize/netns_names.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class CounterComparison : public TraceSink {
 public:
  void OnRecording(const RecordingFacts& facts) override;
  void OnFormat(const EventFormat&) override { kinds_.OnFormat(); }
  void OnNetns(const Netns& netns) override { host_->names.Add(netns); }
  void OnAttachment(const Attachment& attachment) override {
    host_->tables.OnAttachment(attachment);
  }
  void OnProgram(const ProgramInfo& program) override { host_->tables.OnProgram(program); }
  void OnEvent(const CorrelatedEvent& event) override;
  void OnKindCount(const KindCount& count) override;
  void OnHostCounters(const HostCounters& counters) override;

  std::string Text() const;
  Json ToJson() const;
  // One line on losses of which no event can be, for whoever did not ask; empty: there are none.
  // Needs no events.
  std::string Hint() const;

 private:
  using Place = std::pair<NetnsId, uint32_t>;  // ifindex 0: of the namespace; inode 0: anywhere
  using Drops = std::map<Place, uint64_t>;
  using Subject = std::tuple<std::string, NetnsId, uint32_t, std::string>;
  // The earliest reading and the latest one of a counter.
  struct Range {
    uint64_t first = 0;
    uint64_t last = 0;
  };
  struct Readings {
    std::string ifname;
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
    std::map<std::string, Range> counters;
  };
  struct Host {
    std::string name;
    NetnsNames names;
    HostTables tables;
    std::map<Subject, Readings> subjects;
    Drops written;  // whole
    Drops counted;  // by kind: all of them
  };
  struct Line {
    const Host* host = nullptr;
    std::string source;
    std::string netns;
    std::string ifname;
    std::string label;
    std::string name;
    uint64_t increase = 0;
    uint64_t seen = 0;    // drops at its place
    uint64_t unseen = 0;  // that were certainly not recorded
    bool loss = false;    // else it says nothing of losses
    bool untold = false;  // no tracepoint tells of any of it
    std::string why;
  };
  bool HasSeveralHosts() const;
  std::vector<Line> Lines() const;
  uint64_t SeenAt(const Host& host, const NetnsId& netns, uint32_t ifindex) const;
  void AddLine(const Host& host, const Subject& subject, const Readings& readings,
               const std::string& name, const Range& range, std::vector<Line>* lines) const;
  static std::string XdpProgramsOn(const Host& host, const NetnsId& netns, uint32_t ifindex);

  std::map<std::string, Host> hosts_;  // by boot
  Host* host_ = &hosts_[""];           // of the recording in hand
  KindTotals kinds_;
  bool filtered_ = false;
};

}  // namespace correlate

#endif  // REPORT_COUNTER_COMPARISON_H_
