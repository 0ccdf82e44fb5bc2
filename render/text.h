// Text for people: names from the kernel, from packets and from other people's programs are made
// harmless before they reach a terminal, and tables line up.
#ifndef RENDER_TEXT_H_
#define RENDER_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace correlate {

// Control characters and what is no valid UTF-8 as \xNN: no name can move the cursor or forge a
// line.
std::string Printable(absl::string_view bytes);
// The same of each line of a text, tabs and ends of lines kept.
std::string PrintableLines(absl::string_view text);
void AppendPrintable(absl::string_view bytes, std::string* text);
// One word of a POSIX shell, whatever is in it.
std::string SingleQuoted(absl::string_view text);
// Valid UTF-8: what is not becomes U+FFFD. For JSON.
std::string ValidUtf8(absl::string_view bytes);
// How many columns a terminal gives to text that Printable returned, wide characters counted twice.
size_t DisplayWidth(absl::string_view text);

// Rows of cells, each column as wide as its widest cell.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  explicit TextTable(std::vector<Align> columns) : columns_(std::move(columns)) {}

  void AddRow(std::vector<std::string> cells);  // as Printable returns them
  // Two blanks between columns, none at the ends of lines.
  std::string Render() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace correlate

#endif  // RENDER_TEXT_H_
