#include "top/screen_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "render/text.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr size_t kNumberColumns = 9 + 2 + 13 + 2;  // rate, events
constexpr size_t kLeastColumns = 4;                // of a label

const char* NameOf(LiveTable::Order order) {
  switch (order) {
    case LiveTable::Order::kRate:
      return "rate";
    case LiveTable::Order::kEvents:
      return "events";
    case LiveTable::Order::kLast:
      return "last seen";
    case LiveTable::Order::kName:
      return "name";
  }
  return "";
}

std::string Padded(std::string text, size_t columns) {
  const size_t width = DisplayWidth(text);
  if (width < columns) text.append(columns - width, ' ');
  return text;
}

// Columns of labels: as wide as their widest, the widest ones less so where there is no room.
std::vector<size_t> Widths(const LiveTable& table, const std::vector<const LiveTable::Row*>& rows,
                           size_t room) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.keys().size(); ++i) {
    size_t width = table.keys()[i].name.size();
    for (const LiveTable::Row* row : rows) {
      width = std::max(width, DisplayWidth(Printable(row->labels[i])));
    }
    widths.push_back(width);
  }
  const size_t gaps = 2 * (widths.size() - std::min<size_t>(widths.size(), 1));
  for (;;) {
    size_t sum = gaps;
    for (const size_t width : widths) sum += width;
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (sum <= room || widest == widths.end() || *widest <= kLeastColumns) return widths;
    --*widest;
  }
}

// A label in so many columns. Of `name #id` the name gives way: a program's id is what the next
// command is given.
std::string CutLabel(const std::string& label, size_t columns) {
  const size_t id = label.rfind(" #");
  if (DisplayWidth(label) <= columns || id == std::string::npos) return CutTo(label, columns);
  const std::string kept = label.substr(id);
  if (kept.size() + 2 > columns || kept.find_first_not_of("0123456789", 2) != std::string::npos) {
    return CutTo(label, columns);
  }
  return absl::StrCat(CutTo(label.substr(0, id), columns - kept.size()), kept);
}

std::string Rate(double rate) {
  return rate < 10 ? absl::StrFormat("%.1f", rate) : FormatCount(static_cast<uint64_t>(rate));
}

}  // namespace

std::string CutTo(absl::string_view text, size_t columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  std::string cut;
  for (size_t at = 0; at < text.size();) {
    size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    const std::string more = absl::StrCat(cut, text.substr(at, next - at));
    if (DisplayWidth(more) + 1 > columns) break;
    cut = more;
    at = next;
  }
  return columns == 0 ? "" : cut + "~";
}

std::vector<std::string> HeadLines(const ScreenHead& head, const LiveTable& table, size_t columns) {
  const double share = head.hits == 0 ? 0
                                      : 100 * static_cast<double>(head.only_counted) /
                                            static_cast<double>(head.hits);
  std::vector<std::string> lines = {
      absl::StrCat("bpftrace-correlate top  ", Printable(head.host), "  ", head.time,
                   head.paused ? "  PAUSED" : ""),
      absl::StrCat(
          FormatCount(head.lost), " lost or missed; ", Rate(table.rate()), "/s, ",
          FormatCount(table.events()), " in all",
          head.only_counted > 0 ? absl::StrFormat(", %.0f %% of them only counted", share) : ""),
      absl::StrCat("sorted by ", NameOf(head.order), head.reverse ? ", the other way round" : "",
                   "; filter: ", head.filter.empty() ? "none" : Printable(head.filter)),
      ""};
  if (table.undecided() > 0) {
    lines.back() = absl::StrCat("the filter cannot tell of ", FormatCount(table.undecided()),
                                " events that were only counted");
  }
  for (std::string& line : lines) line = CutTo(line, columns);
  return lines;
}

std::vector<std::string> TableLines(const LiveTable& table,
                                    const std::vector<const LiveTable::Row*>& rows,
                                    size_t columns) {
  const size_t room = columns - std::min(columns, kNumberColumns);
  const std::vector<size_t> widths = Widths(table, rows, room);
  const auto line = [&](const std::string& rate, const std::string& events, const auto& labels) {
    std::string text = absl::StrFormat("%9s  %13s", rate, events);
    for (size_t i = 0; i < widths.size(); ++i) {
      absl::StrAppend(&text, "  ", Padded(CutLabel(Printable(labels[i]), widths[i]), widths[i]));
    }
    absl::StripTrailingAsciiWhitespace(&text);
    return CutTo(text, columns);
  };
  std::vector<std::string> titles;
  for (const EventKey& key : table.keys()) titles.push_back(absl::AsciiStrToUpper(key.name));
  std::vector<std::string> lines = {line("/s", "EVENTS", titles)};
  for (const LiveTable::Row* row : rows) {
    lines.push_back(line(Rate(row->rate), FormatCount(row->events), row->labels));
  }
  return lines;
}

}  // namespace correlate
