#include "render/event_text.h"

#include <cctype>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "render/event_fields.h"
#include "render/text.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

constexpr int kMostWidth = 128;

}  // namespace

std::optional<EventTexts::Conversion> EventTexts::ParseConversion(absl::string_view text) {
  Conversion conversion;
  if (text.size() < 2 || text.front() != '%') return std::nullopt;
  conversion.kind = text.back();
  text = text.substr(1, text.size() - 2);
  for (; !text.empty() && absl::StrContains("-+ #0", text.front()); text.remove_prefix(1)) {
    conversion.left |= text.front() == '-';
    conversion.zeros |= text.front() == '0';
    conversion.alternate |= text.front() == '#';
  }
  size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  if (digits > 0 && (!absl::SimpleAtoi(text.substr(0, digits), &conversion.width) ||
                     conversion.width > kMostWidth)) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  for (const char c : text) {
    if (!absl::StrContains("lhzL", c))
      return std::nullopt;  // a precision: nothing that counts here
  }
  return conversion;
}

EventTexts::Plan EventTexts::MakePlan(const EventFormat& format) {
  Plan plan;
  for (const PrintPiece& print : format.print) {
    Piece& piece = plan.emplace_back();
    piece.is_literal = print.field.empty();
    piece.literal = print.literal;
    if (piece.is_literal) continue;
    piece.field = FindField(format, print.field);
    piece.hex_bytes = print.conversion == "%*ph";
    if (piece.hex_bytes) {
      piece.length = FindField(format, print.field + "_len");
      piece.is_null = FindField(format, print.field + "_null");
      continue;
    }
    piece.conversion = ParseConversion(print.conversion);
  }
  return plan;
}

void EventTexts::Pad(size_t begin, const Conversion& conversion, bool number) {
  const size_t width = static_cast<size_t>(conversion.width);
  const size_t size = text_.size() - begin;
  if (size >= width) return;
  if (conversion.left) {
    text_.append(width - size, ' ');
  } else {
    text_.insert(begin, width - size, number && conversion.zeros ? '0' : ' ');
  }
}

bool EventTexts::AppendInteger(uint64_t value, const Conversion& conversion) {
  const size_t begin = text_.size();
  switch (conversion.kind) {
    case 'd':
    case 'i':
      absl::StrAppend(&text_, static_cast<int64_t>(value));
      break;
    case 'u':
      absl::StrAppend(&text_, value);
      break;
    case 'x':
      absl::StrAppend(&text_, conversion.alternate ? "0x" : "", absl::Hex(value));
      break;
    case 'X':
      absl::StrAppend(&text_, conversion.alternate ? "0X" : "",
                      absl::AsciiStrToUpper(absl::StrCat(absl::Hex(value))));
      break;
    case 'p':
      if (value == 0) {
        text_ += "(nil)";
      } else {
        AppendHex(value, &text_);
      }
      return true;
    default:
      return false;
  }
  Pad(begin, conversion, true);
  return true;
}

void EventTexts::AppendHexBytes(const CorrelatedEvent& event, const Piece& piece) {
  if (piece.is_null != nullptr && ReadInteger(*piece.is_null, event.raw).value_or(0) != 0) {
    text_ += "NULL";
    return;
  }
  const auto bytes = ArrayBytes(*piece.field, event.raw);
  if (!bytes.has_value()) {
    text_ += '?';
    return;
  }
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes->size(); ++i) {
    if (i > 0) text_ += ' ';
    text_ += kDigits[(*bytes)[i] >> 4];
    text_ += kDigits[(*bytes)[i] & 15];
  }
  if (piece.length != nullptr &&
      ReadInteger(*piece.length, event.raw).value_or(0) > bytes->size()) {
    text_ += " ...";
  }
}

void EventTexts::AppendPiece(const CorrelatedEvent& event, const Piece& piece) {
  if (piece.is_literal) {
    text_ += piece.literal;
    return;
  }
  if (piece.field == nullptr) {
    text_ += '?';
    return;
  }
  if (piece.hex_bytes) return AppendHexBytes(event, piece);
  const FormatField& field = *piece.field;
  const auto value = ReadInteger(field, event.raw);
  if (field.is_code && value.has_value()) {
    for (const CodePointer& pointer : event.code_pointers) {
      if (pointer.field != field.name || pointer.frame->symbol.empty()) continue;
      return AppendSymbol(*pointer.frame, &text_);
    }
    return AppendHex(*value, &text_);
  }
  if (piece.conversion.has_value() && value.has_value() &&
      AppendInteger(*value, *piece.conversion)) {
    return;
  }
  const size_t begin = text_.size();
  const absl::string_view name =
      value.has_value() ? EnumName(field, static_cast<int64_t>(*value)) : absl::string_view();
  if (name.empty()) {
    text_ += FieldText(event, field.name).value_or("?");
  } else {
    text_ += ValidUtf8(name);
  }
  if (piece.conversion.has_value()) Pad(begin, *piece.conversion, false);
}

const std::string& EventTexts::Of(const CorrelatedEvent& event) {
  text_.clear();
  const EventFormat& format = *event.format;
  if (format.fields.empty()) {
    absl::StrAppend(&text_, "raw=",
                    absl::BytesToHexString(absl::string_view(
                        reinterpret_cast<const char*>(event.raw.data()), event.raw.size())));
    return text_;
  }
  const auto [plan, is_new] = plans_.try_emplace(&format);
  if (is_new) plan->second = MakePlan(format);
  for (const Piece& piece : plan->second) AppendPiece(event, piece);
  if (!plan->second.empty()) return text_;
  for (const FormatField& field : format.fields) {
    if (absl::StartsWith(field.name, "common_")) continue;
    absl::StrAppend(&text_, text_.empty() ? "" : " ", field.name, "=",
                    FieldText(event, field.name).value_or("?"));
  }
  return text_;
}

}  // namespace correlate
