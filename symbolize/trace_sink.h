// The stream that a recording is: first what was asked for, then tables, events, losses and counts
// as they come, and at the end that it is the end. The live correlator feeds one; the trace writer
// is one; the trace reader feeds one; script, report and info are such sinks. So anything that
// works from a file works live, and the other way round.
//
// Calls come on one thread. Arguments are borrowed until the call returns. A table entry (program,
// attachment, device, namespace, counts) may come again with more known: the later one replaces the
// earlier one with the same identity.
#ifndef SYMBOLIZE_TRACE_SINK_H_
#define SYMBOLIZE_TRACE_SINK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "collector/event.h"
#include "collector/program_image.h"
#include "symbolize/correlated_event.h"

namespace correlate {

// The host and the request: one a recording.
struct RecordingFacts {
  std::string hostname;
  std::string kernel_release;  // uname -r
  std::string kernel_version;  // uname -v
  std::string machine;         // uname -m
  std::string boot_id;
  uint32_t online_cpus = 0;
  uint64_t memory_bytes = 0;
  std::string tool_version;
  std::vector<std::string> command_line;
  std::vector<std::string> requested_events;  // as asked: "skb:*"
  std::vector<std::string> enabled_events;    // as attached: "skb:kfree_skb"
  std::vector<std::string> synthetic_events;  // made from side-band records
  std::vector<std::string> call_events;       // made from calls of bpf(2)
  uint32_t value_bytes = 0;                   // of those: most of a key, a value, a path
  std::vector<std::string> enriched_events;   // recorded by a companion BPF program
  std::vector<std::string> filters;           // as asked: "--ifname eth0"
  std::string stacks;                         // "all", "adaptive", "none"
  uint32_t max_stack = 0;
  uint32_t stack_rate = 0;       // "adaptive": callchains a second and CPU
  uint64_t max_rate = kForever;  // events a second and CPU that are written whole; kForever: all
  uint32_t snaplen = 0;          // bytes of each dropped packet that were kept
  uint32_t part = 0;             // of a recording in several files, from 1: the number of this one
  uint64_t ring_bytes_per_cpu = 0;
  uint64_t side_band_ring_bytes_per_cpu = 0;
};

// Something that is missing on this host and what it costs, or that happened: one plain sentence.
struct Note {
  uint64_t time_ns = 0;
  std::string text;
};

// The last word of a recording. A trace without it was cut short.
struct RecordingEnd {
  uint64_t time_ns = 0;
  uint64_t events = 0;
  uint64_t lost = 0;
  uint64_t missed = 0;
  uint64_t out_of_order = 0;  // events that came too late to be put in order
  std::string reason;         // "command ended", "signal", "duration", "write error: ..."
  uint64_t cpu_time_ns = 0;   // of this tool's own process, user and system
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void OnRecording(const RecordingFacts&) {}
  virtual void OnClocks(const ClockReading&) {}
  virtual void OnFormat(const EventFormat&) {}
  virtual void OnProgram(const ProgramInfo&) {}      // identity: id, load_time_ns
  virtual void OnMap(const MapInfo&) {}              // identity: id
  virtual void OnMapSnapshot(const MapSnapshot&) {}  // of a map that was told before
  // Of a program that was told before; once.
  virtual void OnProgramImage(const ProgramImage&) {}
  virtual void OnBtf(const BtfImage&) {}           // identity: id; once
  virtual void OnAttachment(const Attachment&) {}  // identity: place (SamePlace), from_ns
  virtual void OnNetns(const Netns&) {}            // identity: id, from_ns
  virtual void OnDevice(const Device&) {}          // identity: netns, ifindex, from_ns
  virtual void OnEvent(const CorrelatedEvent&) {}
  virtual void OnLoss(const Loss&) {}
  virtual void OnCounts(const EventCounts&) {}  // identity: format_id, cpu; running totals
  // Identity: everything but time and count; running totals.
  virtual void OnKindCount(const KindCount&) {}
  virtual void OnXdpActions(const XdpActionCounts&) {}  // identity: program_id; running totals
  virtual void OnHostCounters(const HostCounters&) {}   // identity: all but time and counters
  virtual void OnNote(const Note&) {}
  virtual void OnEnd(const RecordingEnd&) {}
  // False once nothing more can change what this sink does (its output was closed): producers stop.
  virtual bool WantsMore() const { return true; }
};

}  // namespace correlate

#endif  // SYMBOLIZE_TRACE_SINK_H_
