// What stands on the screen of `top`, as lines of a width: pure, so that a terminal only has to
// show it.
#ifndef TOP_SCREEN_TEXT_H_
#define TOP_SCREEN_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "top/live_table.h"

namespace correlate {

// What is above the table.
struct ScreenHead {
  std::string host;
  std::string time;  // of the wall clock
  uint64_t hits = 0;
  uint64_t lost = 0;  // and missed
  uint64_t only_counted = 0;
  bool paused = false;
  std::string filter;
  LiveTable::Order order = LiveTable::Order::kRate;
  bool reverse = false;
};

// The beginning of a text that Printable returned, in so many columns; `~` stands for the rest.
std::string CutTo(absl::string_view text, size_t columns);

std::vector<std::string> HeadLines(const ScreenHead& head, const LiveTable& table, size_t columns);
// The line of titles, then a line for each row.
std::vector<std::string> TableLines(const LiveTable& table,
                                    const std::vector<const LiveTable::Row*>& rows, size_t columns);

}  // namespace correlate

#endif  // TOP_SCREEN_TEXT_H_
