// The options of `record`, and what they ask for.
#ifndef CLI_RECORD_FLAGS_H_
#define CLI_RECORD_FLAGS_H_

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/record_request.h"
#include "collector/event_filter.h"

namespace correlate {

// As given, with the defaults of what is not.
struct RecordFlags {
  std::string output = "bpftrace-correlate.pb";
  std::vector<std::string> events;
  std::string stacks = "adaptive";
  uint32_t stack_rate = 2000;
  uint32_t snaplen = 0;
  uint32_t max_stack = 64;
  std::string images = "named";
  std::vector<std::string> snapshot_maps;
  uint32_t value_bytes = 64;
  std::optional<uint32_t> max_rate;
  double max_cpu = 0;
  std::string attribution = "auto";
  bool no_enrich = false;
  EventFilterText filter;
  std::string ring_size;
  std::string duration;
  std::string max_size;
  std::string rotate_size;
  std::string rotate_time;
  uint32_t max_files = 0;
  std::vector<std::string> snapshot_on;
  std::string snapshot_time = "30";
  std::string snapshot_size = "32M";
  int ready_fd = -1;
  std::vector<std::string> command;
};

// `flags` outlives the command.
void AddRecordFlags(CLI::App& command, RecordFlags* flags);

// InvalidArgument, which names the options, for what is not understood or does not go together.
absl::StatusOr<RecordRequest> ToRequest(const RecordFlags& flags);

}  // namespace correlate

#endif  // CLI_RECORD_FLAGS_H_
