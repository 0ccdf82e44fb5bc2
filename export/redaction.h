// A trace without what must not leave the house, its structure kept: the same thing has the same
// stand-in throughout one trace, and nothing tells what it stood for. Stand-ins are numbered as
// things come.
//
//   addresses  of hosts (IP) and of the kernel (KASLR); symbols and offsets stay; machine code goes
//   names      of hosts, devices, namespaces, commands, cgroups, paths, programs, functions, files,
//   and
//              whatever is free text: notes, reasons in words, command lines, source lines
//   keys       and values of maps
//
// Numbers that say who (ids, ports, pids, uids, reasons) stay. One thread.
#ifndef EXPORT_REDACTION_H_
#define EXPORT_REDACTION_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "symbolize/forwarding_sink.h"

namespace correlate {

struct Redaction {
  // "addresses,names,keys", or some of them.
  static absl::StatusOr<Redaction> Parse(absl::string_view list);
  bool addresses = false;
  bool names = false;
  bool keys = false;
};

class RedactingSink : public ForwardingSink {
 public:
  RedactingSink(const Redaction& redaction, TraceSink* next)
      : ForwardingSink({next}), redaction_(redaction) {}

  void OnRecording(const RecordingFacts& facts) override;
  void OnProgram(const ProgramInfo& program) override;
  void OnMap(const MapInfo& map) override;
  void OnMapSnapshot(const MapSnapshot& snapshot) override;
  void OnProgramImage(const ProgramImage& image) override;
  void OnBtf(const BtfImage& btf) override;
  void OnAttachment(const Attachment& attachment) override;
  void OnNetns(const Netns& netns) override;
  void OnDevice(const Device& device) override;
  void OnEvent(const CorrelatedEvent& event) override;
  void OnKindCount(const KindCount& count) override;
  void OnHostCounters(const HostCounters& counters) override;
  void OnNote(const Note& note) override;

 private:
  // A stand-in for `name`; empty stays empty.
  std::string Name(const char* kind, const std::string& name);
  uint64_t Code(uint64_t address, uint64_t offset);  // of the symbol `offset` before it
  uint64_t Pointer(uint64_t address);
  void Hide(PacketHeaders* headers);
  Attachment Hidden(Attachment attachment);
  const Frame* Hidden(const Frame* frame);
  const Stack* Hidden(const Stack* stack);
  const Attribution* Hidden(const Attribution* attribution);
  // In the bytes of an event: `field` is one.
  void HideAddress(const CorrelatedEvent& event, const FormatField& field,
                   std::vector<uint8_t>* raw);
  std::vector<uint8_t> HiddenRaw(const CorrelatedEvent& event);

  const Redaction redaction_;
  std::map<std::pair<std::string, std::string>, std::string> names_;  // by kind and name
  std::map<std::string, uint32_t> name_counts_;                       // by kind
  absl::flat_hash_map<uint64_t, uint64_t> code_;                      // first addresses of symbols
  absl::flat_hash_map<uint64_t, uint64_t> pointers_;
  std::map<std::pair<IpFamily, std::array<uint8_t, 16>>, uint32_t> hosts_;
  // By id; nodes do not move. Ids are new in every chunk: emptied between events before they grow
  // large.
  absl::node_hash_map<uint64_t, Frame> frames_;
  absl::node_hash_map<uint64_t, Stack> stacks_;
  absl::node_hash_map<uint64_t, Attribution> attributions_;
};

}  // namespace correlate

#endif  // EXPORT_REDACTION_H_
