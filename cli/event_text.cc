#include "cli/event_text.h"

#include <cctype>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/event_fields.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

constexpr int kMostWidth = 128;

// A printf conversion of an integer or a string, taken apart.
struct Conversion {
  bool left = false;
  bool zeros = false;
  bool alternate = false;
  int width = 0;
  char kind = 0;
};

std::optional<Conversion> ParseConversion(absl::string_view text) {
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

std::string Pad(const std::string& text, const Conversion& conversion, bool number) {
  const size_t width = static_cast<size_t>(conversion.width);
  if (text.size() >= width) return text;
  const size_t missing = width - text.size();
  if (conversion.left) return text + std::string(missing, ' ');
  return std::string(missing, number && conversion.zeros ? '0' : ' ') + text;
}

std::string CodeText(const CorrelatedEvent& event, const FormatField& field, uint64_t value) {
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field != field.name || pointer.frame->symbol.empty()) continue;
    return SymbolText(*pointer.frame);
  }
  return HexString(value);
}

std::string PieceText(const CorrelatedEvent& event, const PrintPiece& piece) {
  const FormatField* field = FindField(*event.format, piece.field);
  if (field == nullptr) return "?";
  const auto value = ReadInteger(*field, event.raw);
  if (field->is_code && value.has_value()) return CodeText(event, *field, *value);
  const auto conversion = ParseConversion(piece.conversion);
  if (conversion.has_value() && value.has_value()) {
    switch (conversion->kind) {
      case 'd':
      case 'i':
        return Pad(absl::StrCat(static_cast<int64_t>(*value)), *conversion, true);
      case 'u':
        return Pad(absl::StrCat(*value), *conversion, true);
      case 'x':
        return Pad(
            conversion->alternate ? absl::StrFormat("0x%x", *value) : absl::StrFormat("%x", *value),
            *conversion, true);
      case 'X':
        return Pad(
            conversion->alternate ? absl::StrFormat("0X%X", *value) : absl::StrFormat("%X", *value),
            *conversion, true);
      case 'p':
        return *value == 0 ? "(nil)" : HexString(*value);
      default:
        break;
    }
  }
  const std::string text = FieldText(event, piece.field).value_or("?");
  return conversion.has_value() ? Pad(text, *conversion, false) : text;
}

}  // namespace

std::string EventText(const CorrelatedEvent& event) {
  if (event.format->fields.empty()) {
    return absl::StrCat("raw=",
                        absl::BytesToHexString(absl::string_view(
                            reinterpret_cast<const char*>(event.raw.data()), event.raw.size())));
  }
  std::string text;
  for (const PrintPiece& piece : event.format->print) {
    text += piece.field.empty() ? piece.literal : PieceText(event, piece);
  }
  if (!event.format->print.empty()) return text;
  for (const FormatField& field : event.format->fields) {
    if (absl::StartsWith(field.name, "common_")) continue;
    absl::StrAppend(&text, text.empty() ? "" : " ", field.name, "=",
                    FieldText(event, field.name).value_or("?"));
  }
  return text;
}

}  // namespace correlate
