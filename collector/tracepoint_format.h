// A tracepoint's format, as its `format` file in tracefs or a trace tells it, through
// libtraceevent: which fields the raw bytes hold, what their numbers are called on the recording
// host, and the one-line text that the kernel's own `print fmt` makes of them.
#ifndef COLLECTOR_TRACEPOINT_FORMAT_H_
#define COLLECTOR_TRACEPOINT_FORMAT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

// `text` is the format file. Fields come even where libtraceevent cannot make sense of the print
// fmt; then `names` and `is_code` are empty. The id is left to the caller.
absl::StatusOr<EventFormat> ParseEventFormat(absl::string_view system, absl::string_view text);

// True if every field of `format` lies within `raw`, data of __data_loc fields included. Formats
// and raw bytes come from files: libtraceevent trusts them, so nothing is printed that is not
// checked.
bool FieldsWithin(const EventFormat& format, absl::Span<const uint8_t> raw);

// Prints events of one format as `perf script` does. Parses the text once. One thread.
class TracepointPrinter {
 public:
  // What an address of code is called: name and start of the symbol, or false.
  struct CodeName {
    std::string symbol;
    uint64_t start = 0;
  };
  using CodeNamer = absl::FunctionRef<bool(uint64_t address, CodeName* name)>;

  explicit TracepointPrinter(const EventFormat& format);
  ~TracepointPrinter();

  // "skbaddr=0xffff... reason: NO_SOCKET". Where the format cannot be used, or does not fit the
  // bytes, all bytes in hexadecimal. The text may hold anything: escape before printing.
  std::string Print(absl::Span<const uint8_t> raw, CodeNamer namer);

 private:
  class Parsed;
  std::unique_ptr<Parsed> parsed_;  // null: unusable
};

}  // namespace correlate

#endif  // COLLECTOR_TRACEPOINT_FORMAT_H_
