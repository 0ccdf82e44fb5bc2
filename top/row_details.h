// What is known of a row's last event, as text: who did it and by what evidence, the packet, the
// stack, and the code of the program that is blamed. Keeps the code of few programs. One thread.
#ifndef TOP_ROW_DETAILS_H_
#define TOP_ROW_DETAILS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "disassembly/machine_code.h"
#include "disassembly/program_listing.h"
#include "symbolize/trace_sink.h"
#include "top/live_table.h"

namespace correlate {

class RowDetails : public TraceSink {
 public:
  static constexpr size_t kMostImages = 100;

  void OnRecording(const RecordingFacts& facts) override { machine_ = facts.machine; }
  void OnProgramImage(const ProgramImage& image) override;
  void OnEvent(const CorrelatedEvent& event) override;

  // Lines for people, harmless on a terminal.
  std::string TextOf(const LiveTable::Row& row);

 private:
  std::string CodeOf(uint32_t program_id);

  std::string machine_;
  std::map<uint32_t, ProgramImage> images_;     // by the program's id
  std::map<uint32_t, EventsByAddress> events_;  // of those
  std::unique_ptr<MachineCode> disassembler_;   // null: not yet, or none for this machine
};

}  // namespace correlate

#endif  // TOP_ROW_DETAILS_H_
