// One value of an event, as a filter compares it and a report groups by it. Borrowed from the
// event.
#ifndef QUERY_EVENT_VALUE_H_
#define QUERY_EVENT_VALUE_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

struct EventValue {
  enum class Form { kText, kNumber, kHexadecimal, kAddress };
  Form form = Form::kText;  // how it is written
  absl::string_view text;   // kText
  // Names of enumerations and of namespaces, kText, may have a number as well.
  bool has_number = false;
  bool negative = false;  // then `number` is that of an int64_t
  uint64_t number = 0;
  IpFamily family = IpFamily::kNone;  // kAddress
  std::array<uint8_t, 16> address = {};

  static EventValue Text(absl::string_view text) { return {.text = text}; }
  static EventValue Named(absl::string_view text, uint64_t number) {
    return {.text = text, .has_number = true, .number = number};
  }
  static EventValue Number(uint64_t number) {
    return {.form = Form::kNumber, .has_number = true, .number = number};
  }
  static EventValue Signed(int64_t number) {
    return {.form = Form::kNumber,
            .has_number = true,
            .negative = number < 0,
            .number = static_cast<uint64_t>(number)};
  }
  static EventValue Hexadecimal(uint64_t number) {
    return {.form = Form::kHexadecimal, .has_number = true, .number = number};
  }
  static EventValue Address(IpFamily family, const std::array<uint8_t, 16>& address) {
    return {.form = Form::kAddress, .family = family, .address = address};
  }
};

// As `script --json` prints it, without quotes.
void AppendValue(const EventValue& value, std::string* text);

}  // namespace correlate

#endif  // QUERY_EVENT_VALUE_H_
