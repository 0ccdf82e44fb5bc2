// Options that more than one command of a recording has: declared, and said, once.
#ifndef CLI_COMMON_FLAGS_H_
#define CLI_COMMON_FLAGS_H_

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/recording_options.h"

namespace correlate {

// What they are stored in outlives the command.

void AddDurationOption(CLI::App& command, std::string* duration);

// `done`: to events, as in "recorded". See ReadyNotice.
void AddReadyFdOption(CLI::App& command, absl::string_view done, int* fd);

// Of commands that look at events as they come, and keep none: `alert` and `top`.
struct WatchFlags {
  std::vector<std::string> events;
  uint32_t max_rate = 0;
  std::string duration;
};

void AddWatchFlags(CLI::App& command, WatchFlags* flags);
RecordingOptions WatchedRecording(const WatchFlags& flags);

}  // namespace correlate

#endif  // CLI_COMMON_FLAGS_H_
