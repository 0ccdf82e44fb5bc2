#include "cli/btf_values.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr int kDeepest = 32;
// Types of a foreign trace may hold themselves, many times at each level. Others have less than a
// value a bit, times how often unions look at it.
constexpr size_t kMostValues = 1 << 18;
constexpr size_t kFreeValues = 4096;
constexpr size_t kValuesAByte = 64;
constexpr uint32_t kNamesAValue = 256;  // looking through so many costs as much as a value

// As many bytes as there are, at most eight; the upper ones are 0.
uint64_t Word(absl::string_view bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

int64_t Signed(uint64_t value, size_t bytes) {
  if (bytes == 0 || bytes >= sizeof value) return static_cast<int64_t>(value);
  const unsigned unused = 64 - static_cast<unsigned>(bytes) * 8;
  return static_cast<int64_t>(value << unused) >> unused;
}

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

// One value's walk through its types.
class Formatter {
 public:
  Formatter(const btf* types, size_t bytes)
      : types_(types),
        left_(static_cast<uint32_t>(std::min(kMostValues, kFreeValues + kValuesAByte * bytes))) {}
  Json Of(uint32_t type_id, absl::string_view bytes, int depth);

 private:
  Json Integer(uint32_t type_id, absl::string_view bytes);
  Json Array(uint32_t type_id, absl::string_view bytes, int depth);
  Json Members(uint32_t type_id, absl::string_view bytes, int depth);
  Json Section(uint32_t type_id, absl::string_view bytes, int depth);

  void Spend(uint32_t values) { left_ -= std::min(left_, values); }

  const btf* const types_;
  uint32_t left_;
};

Json Formatter::Integer(uint32_t type_id, absl::string_view bytes) {
  const btf_type* type = btf__type_by_id(types_, type_id);
  const size_t size = type->size;
  if (size == 0 || bytes.size() < size) return nullptr;
  bytes = bytes.substr(0, size);
  const uint8_t encoding = btf_int_encoding(type);
  if (size > sizeof(uint64_t)) {
    std::string text = "0x";
    for (size_t i = size; i > 0; --i) {
      absl::StrAppend(&text, absl::Hex(static_cast<uint8_t>(bytes[i - 1]), absl::kZeroPad2));
    }
    return text;
  }
  const uint64_t value = Word(bytes);
  if (encoding & BTF_INT_BOOL) return value != 0;
  if (encoding & BTF_INT_SIGNED) return Signed(value, size);
  return value;
}

Json Formatter::Array(uint32_t type_id, absl::string_view bytes, int depth) {
  const btf_type* type = btf__type_by_id(types_, type_id);
  const auto* array = btf_array(type);
  const int64_t size = btf__resolve_size(types_, array->type);
  if (size <= 0) return nullptr;
  const auto element = static_cast<size_t>(size);
  // Text, where it is such: characters up to a NUL, and nothing but NULs behind it.
  const int resolved = btf__resolve_type(types_, array->type);
  const btf_type* of =
      resolved < 0 ? nullptr : btf__type_by_id(types_, static_cast<uint32_t>(resolved));
  const char* name = of == nullptr ? nullptr : btf__name_by_offset(types_, of->name_off);
  if (of != nullptr && btf_is_int(of) && of->size == 1 && name != nullptr &&
      std::strcmp(name, "char") == 0 && array->nelems <= bytes.size()) {
    const absl::string_view text = bytes.substr(0, array->nelems);
    const size_t end = text.find('\0');
    const absl::string_view front = text.substr(0, end);
    const bool printable = std::all_of(front.begin(), front.end(), [](char c) {
      return absl::ascii_isprint(static_cast<unsigned char>(c));
    });
    const bool ends = end != text.npos && std::all_of(text.begin() + static_cast<ptrdiff_t>(end),
                                                      text.end(), [](char c) { return c == '\0'; });
    if (printable && ends) return std::string(front);
  }
  Json json = Json::array();
  for (uint32_t i = 0; i < array->nelems && i * element < bytes.size() && left_ > 0; ++i) {
    json.push_back(Of(array->type, bytes.substr(i * element, element), depth + 1));
  }
  return json;
}

Json Formatter::Members(uint32_t type_id, absl::string_view bytes, int depth) {
  const btf_type* type = btf__type_by_id(types_, type_id);
  Json json = Json::object();
  const btf_member* members = btf_members(type);
  for (uint32_t i = 0; i < btf_vlen(type) && left_ > 0; ++i) {
    Spend(1);
    const char* name = btf__name_by_offset(types_, members[i].name_off);
    const uint32_t bit = btf_member_bit_offset(type, i);
    const uint32_t bits = btf_member_bitfield_size(type, i);
    Json& value = json[ValidUtf8(name == nullptr ? "" : name)];
    if (bit / 8 >= bytes.size()) {
      value = nullptr;
    } else if (bits > 0) {
      const uint64_t word = Word(bytes.substr(bit / 8)) >> bit % 8;
      value = Hex(bits >= 64 ? word : word & ((uint64_t{1} << bits) - 1));
    } else {
      value = Of(members[i].type, bytes.substr(bit / 8), depth + 1);
    }
  }
  return json;
}

// A map of global variables: one value, its variables in turn.
Json Formatter::Section(uint32_t type_id, absl::string_view bytes, int depth) {
  const btf_type* type = btf__type_by_id(types_, type_id);
  Json variables = Json::array();
  const btf_var_secinfo* infos = btf_var_secinfos(type);
  for (uint32_t i = 0; i < btf_vlen(type) && left_ > 0; ++i) {
    Spend(1);
    const btf_type* variable = btf__type_by_id(types_, infos[i].type);
    if (variable == nullptr || !btf_is_var(variable) || infos[i].offset > bytes.size()) continue;
    const char* name = btf__name_by_offset(types_, variable->name_off);
    Json entry;
    entry[ValidUtf8(name == nullptr ? "" : name)] =
        Of(variable->type, bytes.substr(infos[i].offset), depth + 1);
    variables.push_back(std::move(entry));
  }
  const char* name = btf__name_by_offset(types_, type->name_off);
  Json json;
  json[ValidUtf8(name == nullptr ? "" : name)] = std::move(variables);
  return json;
}

Json Formatter::Of(uint32_t type_id, absl::string_view bytes, int depth) {
  if (depth > kDeepest || left_ == 0) return nullptr;
  Spend(1);
  const int resolved = btf__resolve_type(types_, type_id);
  if (resolved < 0) return nullptr;
  const auto id = static_cast<uint32_t>(resolved);
  const btf_type* type = btf__type_by_id(types_, id);
  if (type == nullptr) return nullptr;
  switch (btf_kind(type)) {
    case BTF_KIND_INT:
      return Integer(id, bytes);
    case BTF_KIND_PTR:
      return bytes.size() < sizeof(uint64_t) ? Json() : Json(Word(bytes.substr(0, 8)));
    case BTF_KIND_ARRAY:
      return Array(id, bytes, depth);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return Members(id, bytes, depth);
    case BTF_KIND_ENUM: {
      if (bytes.size() < type->size) return nullptr;
      Spend(btf_vlen(type) / kNamesAValue);
      const auto value =
          static_cast<int32_t>(Signed(Word(bytes.substr(0, type->size)), type->size));
      const auto* values = btf_enum(type);
      for (uint32_t i = 0; i < btf_vlen(type); ++i) {
        if (values[i].val == value) {
          return ValidUtf8(btf__name_by_offset(types_, values[i].name_off));
        }
      }
      return value;
    }
    case BTF_KIND_ENUM64: {
      if (bytes.size() < type->size) return nullptr;
      Spend(btf_vlen(type) / kNamesAValue);
      const uint64_t value = Word(bytes.substr(0, type->size));
      const auto* values = btf_enum64(type);
      for (uint32_t i = 0; i < btf_vlen(type); ++i) {
        if (btf_enum64_value(&values[i]) == value) {
          return ValidUtf8(btf__name_by_offset(types_, values[i].name_off));
        }
      }
      return value;
    }
    case BTF_KIND_FLOAT: {
      if (bytes.size() < type->size) return nullptr;
      if (type->size == sizeof(float)) {
        float value = 0;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
      }
      double value = 0;
      if (type->size == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
      return value;
    }
    case BTF_KIND_DATASEC:
      return Section(id, bytes, depth);
    default:
      return nullptr;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<BtfValues>> BtfValues::Parse(const std::string& data) {
  btf* types = btf__new(data.data(), static_cast<uint32_t>(data.size()));
  if (types == nullptr) return absl::InvalidArgumentError("these types are no BTF");
  return std::unique_ptr<BtfValues>(new BtfValues(types));
}

BtfValues::~BtfValues() { btf__free(types_); }

Json BtfValues::Format(uint32_t type_id, absl::string_view bytes) const {
  return Formatter(types_, bytes.size()).Of(type_id, bytes, 0);
}

}  // namespace correlate
