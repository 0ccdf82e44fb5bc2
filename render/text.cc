#include "render/text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace correlate {
namespace {

// Takes one character off `rest`; its code point, or -1 for a byte that is no part of valid UTF-8
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
int32_t TakeCharacter(absl::string_view* rest, absl::string_view* character) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*rest)[i]); };
  const uint8_t first = byte(0);
  size_t size = 1;
  int32_t code = first;
  int32_t least = 0;
  if (first >= 0xf0 && first < 0xf8) {
    size = 4;
    code = first & 0x07;
    least = 0x10000;
  } else if (first >= 0xe0 && first < 0xf0) {
    size = 3;
    code = first & 0x0f;
    least = 0x800;
  } else if (first >= 0xc0 && first < 0xe0) {
    size = 2;
    code = first & 0x1f;
    least = 0x80;
  } else if (first >= 0x80) {
    code = -1;
  }
  bool valid = code >= 0 && size <= rest->size();
  for (size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) & 0xc0) == 0x80;
    code = code << 6 | (byte(i) & 0x3f);
  }
  valid = valid && code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  if (!valid) {
    size = 1;
    code = -1;
  }
  *character = rest->substr(0, size);
  rest->remove_prefix(size);
  return code;
}

// C0 and C1 controls, and the marks that change the direction of what follows.
bool IsControl(int32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool IsPlain(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

std::string Printable(absl::string_view bytes) {
  std::string printable;
  AppendPrintable(bytes, &printable);
  return printable;
}

std::string PrintableLines(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\n\t"), text.size());
    AppendPrintable(text.substr(0, end), &printable);
    if (end < text.size()) printable += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return printable;
}

void AppendPrintable(absl::string_view bytes, std::string* text) {
  if (IsPlain(bytes)) {  // nearly always
    text->append(bytes.data(), bytes.size());
    return;
  }
  while (!bytes.empty()) {
    absl::string_view character;
    if (!IsControl(TakeCharacter(&bytes, &character))) {
      text->append(character.data(), character.size());
      continue;
    }
    for (const char c : character) {
      absl::StrAppendFormat(text, "\\x%02x", static_cast<uint8_t>(c));
    }
  }
}

std::string SingleQuoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string ValidUtf8(absl::string_view bytes) {
  if (IsPlain(bytes)) return std::string(bytes);
  std::string valid;
  while (!bytes.empty()) {
    absl::string_view character;
    if (TakeCharacter(&bytes, &character) >= 0) {
      valid.append(character.data(), character.size());
    } else {
      valid += "\xef\xbf\xbd";
    }
  }
  return valid;
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    absl::string_view character;
    const int32_t code = TakeCharacter(&text, &character);
    // East Asian wide and emoji blocks (Unicode TR 11), coarsely; combining marks take no column.
    const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                      (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                      (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                      (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    const bool combining = code >= 0x300 && code <= 0x36f;
    width += combining ? 0 : wide ? 2 : 1;
  }
  return width;
}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Render() const {
  std::vector<size_t> widths(columns_.size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - DisplayWidth(row[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i] == Align::kRight ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace correlate
