// Reading integers out of a tracepoint's raw bytes as its format lays them out. Formats and bytes
// may come from a foreign trace: whatever does not fit is "not there", never read.
#ifndef SYMBOLIZE_RAW_FIELDS_H_
#define SYMBOLIZE_RAW_FIELDS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

const FormatField* FindField(const EventFormat& format, absl::string_view name);
// The integer or pointer in `field`, sign-extended where the field is signed; nullopt for arrays,
// odd sizes, and fields beyond the end of `raw`.
std::optional<uint64_t> ReadInteger(const FormatField& field, absl::Span<const uint8_t> raw);
// The name that the recording host gives a value of this field; empty: none.
absl::string_view EnumName(const FormatField& field, int64_t value);

}  // namespace correlate

#endif  // SYMBOLIZE_RAW_FIELDS_H_
