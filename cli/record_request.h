// What `record` is asked to do.
#ifndef CLI_RECORD_REQUEST_H_
#define CLI_RECORD_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/recording_options.h"
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

}  // namespace correlate

#endif  // CLI_RECORD_REQUEST_H_
