#include "render/event_fields.h"

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "render/text.h"
#include "symbolize/raw_fields.h"

namespace correlate {
namespace {

absl::string_view AsText(absl::Span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Json ScalarToJson(const FormatField& field, uint64_t value) {
  if (field.is_pointer || field.is_code) return HexString(value);
  const absl::string_view name = EnumName(field, static_cast<int64_t>(value));
  if (!name.empty()) return ValidUtf8(name);
  if (field.size == 8) {
    return field.is_signed ? absl::StrCat(static_cast<int64_t>(value)) : absl::StrCat(value);
  }
  if (field.is_signed) return static_cast<int64_t>(value);
  return value;
}

std::optional<Json> FieldToJson(const FormatField& field, absl::Span<const uint8_t> raw) {
  if (!field.is_array && !field.is_dynamic) {
    const auto value = ReadInteger(field, raw);
    if (!value.has_value()) return std::nullopt;
    return ScalarToJson(field, *value);
  }
  const auto bytes = ArrayBytes(field, raw);
  if (!bytes.has_value()) return std::nullopt;
  if (!field.is_string) return absl::BytesToHexString(AsText(*bytes));
  const absl::string_view text = AsText(*bytes);
  return ValidUtf8(text.substr(0, text.find('\0')));
}

}  // namespace

std::optional<absl::Span<const uint8_t>> ArrayBytes(const FormatField& field,
                                                    absl::Span<const uint8_t> raw) {
  if (field.offset > raw.size() || field.size > raw.size() - field.offset) return std::nullopt;
  if (!field.is_dynamic) return raw.subspan(field.offset, field.size);
  if (field.size != sizeof(uint32_t)) return std::nullopt;
  uint32_t location;
  std::memcpy(&location, raw.data() + field.offset, sizeof location);
  uint64_t offset = location & 0xffff;
  const uint64_t length = location >> 16;
  if (absl::StrContains(field.type, "__rel_loc")) offset += field.offset + field.size;
  if (offset > raw.size() || length > raw.size() - offset) return std::nullopt;
  return raw.subspan(offset, length);
}

std::string HexString(uint64_t value) {
  std::string text;
  AppendHex(value, &text);
  return text;
}

namespace {

const Frame* CodeOf(const CorrelatedEvent& event, absl::string_view field) {
  for (const CodePointer& pointer : event.code_pointers) {
    if (pointer.field == field) return pointer.frame;
  }
  return nullptr;
}

}  // namespace

const Frame* LocationOf(const CorrelatedEvent& event) { return CodeOf(event, "location"); }

bool HoldsKeys(const EventFormat& format, const FormatField& field) {
  return format.system == "bpf" &&
         (field.name == "key" || field.name == "val" || field.name == "nxt");
}

Json FieldsToJson(const CorrelatedEvent& event, const Disclosure& disclosure) {
  Json fields = Json::object();
  for (const FormatField& field : event.format->fields) {
    if (absl::StartsWith(field.name, "common_")) continue;
    if (!disclosure.keys && HoldsKeys(*event.format, field)) continue;
    if (!disclosure.addresses && (field.is_pointer || field.is_code)) {
      const Frame* code = CodeOf(event, field.name);
      if (code != nullptr && !code->symbol.empty()) {
        fields[ValidUtf8(field.name)] = ValidUtf8(SymbolText(*code));
      }
      continue;
    }
    if (auto value = FieldToJson(field, event.raw)) fields[ValidUtf8(field.name)] = *value;
  }
  return fields;
}

void AppendHex(uint64_t value, std::string* text) { absl::StrAppend(text, "0x", absl::Hex(value)); }

void AppendSymbol(const Frame& frame, std::string* text) {
  if (frame.symbol.empty()) return AppendHex(frame.address, text);
  absl::StrAppend(text, frame.symbol, "+");
  AppendHex(frame.offset, text);
}

void AppendFrameName(const Frame& frame, std::string* text) {
  if (frame.symbol.empty()) {
    absl::StrAppend(text, "[", FrameKindName(frame.kind), "]");
  } else {
    *text += frame.symbol;
  }
  if (frame.kind != FrameKind::kBpf || frame.line == 0) return;
  const size_t slash = frame.file.rfind('/') + 1;  // npos + 1 is 0
  absl::StrAppend(text, " (", frame.file.substr(slash), ":", frame.line, ")");
}

std::string SymbolText(const Frame& frame) {
  std::string text;
  AppendSymbol(frame, &text);
  return text;
}

std::optional<std::string> FieldText(const CorrelatedEvent& event, absl::string_view name) {
  const FormatField* field = FindField(*event.format, name);
  if (field == nullptr) return std::nullopt;
  const auto value = FieldToJson(*field, event.raw);
  if (!value.has_value()) return std::nullopt;
  return value->is_string() ? value->get<std::string>() : value->dump();
}

const FormatField* ReasonField(const EventFormat& format) {
  const FormatField* field = FindField(format, "reason");
  return field != nullptr ? field : FindField(format, "act");
}

std::string KindReasonText(const KindCount& named) {
  const uint32_t reason = named.count.kind.reason;
  const FormatField* field = ReasonField(*named.format);
  const absl::string_view name = field == nullptr ? "" : EnumName(*field, reason);
  if (field != nullptr && field->name == "act") {
    return name.empty() ? absl::StrCat("XDP action ", reason) : absl::StrCat("XDP_", name);
  }
  return name.empty() ? absl::StrCat(reason) : std::string(name);
}

absl::string_view ContextName(Context context) {
  switch (context) {
    case Context::kTask:
      return "task";
    case Context::kSoftirq:
      return "softirq";
    case Context::kHardirq:
      return "hardirq";
    case Context::kNmi:
      return "nmi";
    case Context::kUnknown:
      break;
  }
  return {};
}

}  // namespace correlate
