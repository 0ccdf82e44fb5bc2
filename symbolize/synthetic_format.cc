#include "symbolize/synthetic_format.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace correlate {
namespace {

using Kind = SyntheticField::Kind;

struct Shape {
  const char* type;
  const char* brackets;
  uint32_t size;
  bool is_signed;
};

Shape ShapeOf(Kind kind) {
  switch (kind) {
    case Kind::kInt32:
      return {"int", "", 4, true};
    case Kind::kUint32:
      return {"u32", "", 4, false};
    case Kind::kInt64:
      return {"s64", "", 8, true};
    case Kind::kUint64:
      return {"u64", "", 8, false};
    case Kind::kBool:
      return {"bool", "", 1, false};
    case Kind::kTag:
      return {"u8", "[8]", 8, false};
    case Kind::kBytes:
      return {"__data_loc u8[]", "", 4, false};
    case Kind::kText:
      return {"__data_loc char[]", "", 4, true};
  }
  return {};
}

bool IsDynamic(Kind kind) { return kind == Kind::kBytes || kind == Kind::kText; }

void AddField(absl::string_view name, const Shape& shape, uint32_t offset, EventFormat* format) {
  FormatField& field = format->fields.emplace_back();
  field.name = std::string(name);
  field.type = absl::StrCat(shape.type, shape.brackets);
  field.offset = offset;
  field.size = shape.size;
  field.is_signed = shape.is_signed;
  absl::StrAppend(&format->text, "\tfield:", shape.type, " ", name, shape.brackets,
                  ";\toffset:", offset, ";\tsize:", shape.size,
                  ";\tsigned:", shape.is_signed ? 1 : 0, ";\n");
}

constexpr size_t kCommonBytes = 8;
constexpr size_t kTidOffset = 4;

void AddCommonFields(EventFormat* format) {
  AddField("common_type", {"unsigned short", "", 2, false}, 0, format);
  AddField("common_flags", {"unsigned char", "", 1, false}, 2, format);
  AddField("common_preempt_count", {"unsigned char", "", 1, false}, 3, format);
  AddField("common_pid", {"int", "", 4, true}, kTidOffset, format);
  format->text += "\n";
}

std::vector<PrintPiece> Pieces(absl::string_view print) {
  std::vector<PrintPiece> pieces;
  while (!print.empty()) {
    const size_t open = std::min(print.find('{'), print.size());
    if (open > 0) pieces.push_back({.literal = std::string(print.substr(0, open))});
    if (open == print.size()) break;
    const size_t close = print.find('}', open);
    const absl::string_view inside = print.substr(open + 1, close - open - 1);
    const size_t colon = inside.find(':');
    PrintPiece piece;
    piece.field = std::string(inside.substr(0, colon));
    piece.conversion = colon == inside.npos ? "%s" : std::string(inside.substr(colon + 1));
    pieces.push_back(std::move(piece));
    print.remove_prefix(close + 1);
  }
  return pieces;
}

// As the kernel's own files have it, for whoever reads the text.
std::string PrintFormat(const EventFormat& format) {
  std::string text = "\nprint fmt: \"";
  std::vector<std::string> arguments;
  for (const PrintPiece& piece : format.print) {
    absl::StrAppend(&text, piece.literal);
    if (piece.field.empty()) continue;
    text += piece.conversion == "%*ph" ? "%s" : piece.conversion;
    const auto field =
        std::find_if(format.fields.begin(), format.fields.end(),
                     [&](const FormatField& candidate) { return candidate.name == piece.field; });
    if (piece.conversion == "%*ph") {
      arguments.push_back(absl::StrCat("__print_hex(__get_dynamic_array(", piece.field,
                                       "), __get_dynamic_array_len(", piece.field, "))"));
    } else if (field->is_dynamic) {
      arguments.push_back(absl::StrCat("__get_str(", piece.field, ")"));
    } else if (field->is_array) {
      arguments.push_back(
          absl::StrCat("__print_hex_str(REC->", piece.field, ", ", field->size, ")"));
    } else if (!field->names.empty()) {
      arguments.push_back(absl::StrCat("__print_symbolic(REC->", piece.field, ", ",
                                       absl::StrJoin(field->names, ", ",
                                                     [](std::string* out, const auto& name) {
                                                       absl::StrAppend(out, "{ ", name.first,
                                                                       ", \"", name.second, "\" }");
                                                     }),
                                       ")"));
    } else {
      arguments.push_back(absl::StrCat("REC->", piece.field));
    }
  }
  absl::StrAppend(&text, "\"", arguments.empty() ? "" : ", ", absl::StrJoin(arguments, ", "), "\n");
  return text;
}

constexpr size_t kMostDynamicBytes = 0xffff;  // of offset and of length: __data_loc

}  // namespace

SyntheticField::Names NamesOf(absl::Span<const absl::string_view> list) {
  SyntheticField::Names names;
  for (size_t i = 0; i < list.size(); ++i) names.emplace_back(i, list[i]);
  return names;
}

SyntheticFormat::SyntheticFormat(absl::string_view name, std::vector<SyntheticField> fields,
                                 absl::string_view print) {
  format_.system = "bpf";
  format_.name = std::string(name);
  format_.synthetic = true;
  format_.text = absl::StrCat("name: ", name, "\nID: 0\nformat:\n");
  AddCommonFields(&format_);
  uint32_t offset = kCommonBytes;
  for (SyntheticField& field : fields) {
    const Shape shape = ShapeOf(field.kind);
    offset = (offset + shape.size - 1) / shape.size * shape.size;
    AddField(field.name, shape, offset, &format_);
    offset += shape.size;
    FormatField& added = format_.fields.back();
    added.is_array = field.kind == Kind::kTag || IsDynamic(field.kind);
    added.is_dynamic = IsDynamic(field.kind);
    added.is_string = field.kind == Kind::kText;
    added.names = std::move(field.names);
    kinds_.push_back(field.kind);
  }
  fixed_bytes_ = (offset + 7) / 8 * 8;
  format_.print = Pieces(print);
  format_.text += PrintFormat(format_);
}

void SyntheticFormat::Encode(int32_t tid, absl::Span<const Value> values,
                             std::vector<uint8_t>* raw) const {
  raw->assign(fixed_bytes_, 0);
  std::memcpy(raw->data() + kTidOffset, &tid, sizeof tid);
  const size_t common = format_.fields.size() - kinds_.size();
  for (size_t i = 0; i < std::min(values.size(), kinds_.size()); ++i) {
    const FormatField& field = format_.fields[common + i];
    if (const auto* number = std::get_if<int64_t>(&values[i])) {
      std::memcpy(raw->data() + field.offset, number, std::min<size_t>(field.size, sizeof *number));
      continue;
    }
    absl::Span<const uint8_t> bytes;
    if (const auto* text = std::get_if<absl::string_view>(&values[i])) {
      bytes = {reinterpret_cast<const uint8_t*>(text->data()), text->size()};
    } else {
      bytes = std::get<absl::Span<const uint8_t>>(values[i]);
    }
    if (!field.is_dynamic) {
      const size_t size = std::min<size_t>(bytes.size(), field.size);
      if (size > 0) std::memcpy(raw->data() + field.offset, bytes.data(), size);
      continue;
    }
    const size_t at = std::min(raw->size(), kMostDynamicBytes);
    const size_t size = std::min(bytes.size(), kMostDynamicBytes - at);
    const auto location = static_cast<uint32_t>(size << 16 | at);
    std::memcpy(raw->data() + field.offset, &location, sizeof location);
    raw->insert(raw->end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
  }
}

}  // namespace correlate
