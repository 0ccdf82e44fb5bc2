#include "symbolize/raw_fields.h"

#include <cstring>

namespace correlate {
namespace {

template <typename Unsigned, typename Signed>
uint64_t Load(const uint8_t* bytes, bool is_signed) {
  Unsigned value;
  std::memcpy(&value, bytes, sizeof value);
  return is_signed ? static_cast<uint64_t>(static_cast<int64_t>(static_cast<Signed>(value)))
                   : value;
}

}  // namespace

const FormatField* FindField(const EventFormat& format, absl::string_view name) {
  for (const FormatField& field : format.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::optional<uint64_t> ReadInteger(const FormatField& field, absl::Span<const uint8_t> raw) {
  if (field.is_array || field.is_dynamic || field.offset > raw.size() ||
      field.size > raw.size() - field.offset) {
    return std::nullopt;
  }
  const uint8_t* bytes = raw.data() + field.offset;
  switch (field.size) {
    case 1:
      return Load<uint8_t, int8_t>(bytes, field.is_signed);
    case 2:
      return Load<uint16_t, int16_t>(bytes, field.is_signed);
    case 4:
      return Load<uint32_t, int32_t>(bytes, field.is_signed);
    case 8:
      return Load<uint64_t, int64_t>(bytes, field.is_signed);
    default:
      return std::nullopt;
  }
}

absl::string_view EnumName(const FormatField& field, int64_t value) {
  for (const auto& [number, name] : field.names) {
    if (number == value) return name;
  }
  return {};
}

}  // namespace correlate
