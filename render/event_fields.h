// Fields of an event decoded from its raw bytes by its format, for JSON and for grouping. What does
// not fit into the bytes is left out, never guessed.
#ifndef RENDER_EVENT_FIELDS_H_
#define RENDER_EVENT_FIELDS_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "symbolize/correlated_event.h"

namespace correlate {

using Json = nlohmann::ordered_json;

// 64-bit values are strings in JSON, which has only doubles.
std::string HexString(uint64_t value);  // "0xffffffff81e64b01"
void AppendHex(uint64_t value, std::string* text);
void AppendSymbol(const Frame& frame, std::string* text);
// A frame in a folded stack: the symbol alone, of a BPF program its name and function; never an
// address.
void AppendFrameName(const Frame& frame, std::string* text);
std::string SymbolText(const Frame& frame);  // "ip_rcv+0x1f3", or the address where it has no name

// What leaves the house. Kernel addresses tell where KASLR put the kernel; keys and values of maps
// are other people's data.
struct Disclosure {
  bool addresses = true;  // else symbols and offsets stand instead, where there are any
  bool keys = true;       // else they are left out
};

// Every field of the tracepoint under its own name, common_* left out.
Json FieldsToJson(const CorrelatedEvent& event, const Disclosure& disclosure = {});
// A field's value as text, enumerations by name; nullopt where it is not there.
std::optional<std::string> FieldText(const CorrelatedEvent& event, absl::string_view name);
// Of the code that the event's location field points to; null: it has none.
const Frame* LocationOf(const CorrelatedEvent& event);
// Keys and values of maps, of events made of calls of bpf(2).
bool HoldsKeys(const EventFormat& format, const FormatField& field);
// The bytes of an array: in place, or where a __data_loc field says that they are.
std::optional<absl::Span<const uint8_t>> ArrayBytes(const FormatField& field,
                                                    absl::Span<const uint8_t> raw);
// Of the drop reason, or of the action of an XDP exception; null: the event has none.
const FormatField* ReasonField(const EventFormat& format);
// The reason of a kind, as attributions call it.
std::string KindReasonText(const KindCount& named);
// "task", "softirq", "hardirq" or "nmi"; empty where it is unknown.
absl::string_view ContextName(Context context);

}  // namespace correlate

#endif  // RENDER_EVENT_FIELDS_H_
