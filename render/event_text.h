// The one line that the kernel's print fmt makes of an event, as `perf script` shows it.
// Conversions come from the trace and are not trusted: one that is unknown prints its field in the
// plain way. One thread.
#ifndef RENDER_EVENT_TEXT_H_
#define RENDER_EVENT_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class EventTexts {
 public:
  // To be called whenever a format is told: one of before may have stood where it stands.
  void OnFormat(const EventFormat& format) { plans_.erase(&format); }

  // "skbaddr=0xffff888106875700 rx_sk=(nil) protocol=2048 location=__udp4_lib_rcv+0x4bc reason:
  // ...". Where the format has no usable print fmt, every field as NAME=VALUE; where there is no
  // format, the bytes in hexadecimal. Not escaped: see Printable. Valid until the next call.
  const std::string& Of(const CorrelatedEvent& event);

 private:
  // A printf conversion of an integer or a string, taken apart.
  struct Conversion {
    bool left = false;
    bool zeros = false;
    bool alternate = false;
    int width = 0;
    char kind = 0;
  };
  struct Piece {
    std::string literal;
    bool is_literal = false;
    const FormatField* field = nullptr;  // null, and no literal: it is not there
    std::optional<Conversion> conversion;
    bool hex_bytes = false;  // "%*ph", of our own formats (symbolize/synthetic_format.h)
    const FormatField* length = nullptr;   // of those bytes, before they were cut; or null
    const FormatField* is_null = nullptr;  // they are NULL; or null
  };
  using Plan = std::vector<Piece>;
  static std::optional<Conversion> ParseConversion(absl::string_view text);
  static Plan MakePlan(const EventFormat& format);
  void AppendPiece(const CorrelatedEvent& event, const Piece& piece);
  void AppendHexBytes(const CorrelatedEvent& event, const Piece& piece);
  bool AppendInteger(uint64_t value, const Conversion& conversion);
  // What stands behind `begin` gets as wide as the conversion wants.
  void Pad(size_t begin, const Conversion& conversion, bool number);

  absl::flat_hash_map<const EventFormat*, Plan> plans_;
  std::string text_;
};

}  // namespace correlate

#endif  // RENDER_EVENT_TEXT_H_
