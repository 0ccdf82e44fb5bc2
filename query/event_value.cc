#include "query/event_value.h"

#include "absl/strings/str_cat.h"
#include "render/event_fields.h"
#include "render/packet_text.h"

namespace correlate {

void AppendValue(const EventValue& value, std::string* text) {
  switch (value.form) {
    case EventValue::Form::kText:
      text->append(value.text.data(), value.text.size());
      return;
    case EventValue::Form::kNumber:
      if (value.negative) {
        absl::StrAppend(text, static_cast<int64_t>(value.number));
      } else {
        absl::StrAppend(text, value.number);
      }
      return;
    case EventValue::Form::kHexadecimal:
      return AppendHex(value.number, text);
    case EventValue::Form::kAddress:
      text->append(AddressText(value.family, value.address));
      return;
  }
}

}  // namespace correlate
