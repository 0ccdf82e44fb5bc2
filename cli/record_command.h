// `record`: events into a trace file, until the command ends, the time is up or a signal comes.
#ifndef CLI_RECORD_COMMAND_H_
#define CLI_RECORD_COMMAND_H_

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/recording.h"
#include "cli/snapshot_trigger.h"

namespace correlate {

struct RecordRequest {
  RecordingOptions recording;
  std::string output;  // "-": stdout
  // A ring of files, where any of these is set.
  uint64_t rotate_bytes = 0;
  uint64_t rotate_ns = 0;
  // A flight recorder, where there are any.
  std::vector<SnapshotTrigger> snapshot_triggers;
  uint64_t snapshot_ns = 0;
  uint64_t snapshot_bytes = 0;
  uint32_t most_files = 0;           // of both; 0: no limit
  uint64_t duration_ns = 0;          // 0: no limit
  uint64_t max_bytes = 0;            // of the trace; 0: no limit
  int ready_fd = -1;                 // -1: none; owned
  std::vector<std::string> command;  // empty: none
};

// The process's exit status. Reports what it does, and how it ended, on stderr.
int RunRecord(const RecordRequest& request);

void AddRecordCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_RECORD_COMMAND_H_
