#include "cli/common_flags.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"

namespace correlate {

void AddDurationOption(CLI::App& command, std::string* duration) {
  command.add_option("--duration", *duration, "Stop after this time, like 60 or 500ms")
      ->type_name("TIME");
}

void AddReadyFdOption(CLI::App& command, absl::string_view done, int* fd) {
  command
      .add_option(
          "--ready-fd", *fd,
          absl::StrCat("Write a line to this descriptor, and close it, once events are ", done,
                       "\n(a service manager that set NOTIFY_SOCKET is told as well)"))
      ->type_name("FD")
      ->check(CLI::NonNegativeNumber);
}

void AddWatchFlags(CLI::App& command, WatchFlags* flags) {
  command.add_option("-e,--event", flags->events, "As for `record`; may be repeated")
      ->type_name("GROUP:NAME")
      ->allow_extra_args(false);
  command
      .add_option("--max-rate", flags->max_rate,
                  "Events a second and CPU that are looked at whole; all others count as well, by\n"
                  "what their kind tells")
      ->capture_default_str();
  AddDurationOption(command, &flags->duration);
}

RecordingOptions WatchedRecording(const WatchFlags& flags) {
  RecordingOptions options;
  options.events = flags.events;
  options.max_rate = flags.max_rate;
  options.others_without_limit = true;
  return options;
}

}  // namespace correlate
