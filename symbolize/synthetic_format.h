// Events that no tracepoint of this host makes, in a tracepoint's clothes: a format text, fields,
// raw bytes. So everything after this point has one way for all events; EventFormat::synthetic
// tells them apart. Laid out as the kernel does it: common_* first, dynamic arrays (__data_loc)
// behind the fields.
#ifndef SYMBOLIZE_SYNTHETIC_FORMAT_H_
#define SYMBOLIZE_SYNTHETIC_FORMAT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collector/event.h"

namespace correlate {

struct SyntheticField {
  enum class Kind { kInt32, kUint32, kInt64, kUint64, kBool, kTag, kBytes, kText };
  using Names = std::vector<std::pair<int64_t, std::string>>;
  std::string name;
  Kind kind = Kind::kUint32;
  Names names;  // of values
};

class SyntheticFormat {
 public:
  // `print`: literal text with {field} for a field, {field:%x} for one with a printf conversion;
  // {field:%*ph} prints bytes as the kernel does, with "..." if <field>_len says that there were
  // more, and NULL if <field>_null does.
  SyntheticFormat(absl::string_view name, std::vector<SyntheticField> fields,
                  absl::string_view print);
  const EventFormat& format() const { return format_; }

  // A value of each field, in their order; text and bytes are cut at what a format can say.
  using Value = std::variant<int64_t, absl::string_view, absl::Span<const uint8_t>>;
  void Encode(int32_t tid, absl::Span<const Value> values, std::vector<uint8_t>* raw) const;

 private:
  EventFormat format_;  // its id is left to the correlator
  std::vector<SyntheticField::Kind> kinds_;
  size_t fixed_bytes_ = 0;
};

// The values of a list are its places.
SyntheticField::Names NamesOf(absl::Span<const absl::string_view> list);

}  // namespace correlate

#endif  // SYMBOLIZE_SYNTHETIC_FORMAT_H_
