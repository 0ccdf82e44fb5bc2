// `top` on a terminal: what the keys do to what is shown. One thread.
#ifndef TOP_LIVE_VIEW_H_
#define TOP_LIVE_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "top/live_table.h"
#include "top/row_details.h"
#include "top/screen_text.h"
#include "top/terminal.h"

namespace correlate {

class LiveView {
 public:
  // Borrows all of them.
  LiveView(LiveTable* table, RowDetails* details, Terminal* terminal)
      : table_(*table), details_(*details), terminal_(*terminal) {}

  // `head` knows nothing of order, pause and filter. What is shown stays as it is while paused.
  void Show(ScreenHead head);
  // True: it changes what is shown.
  bool OnKey(int key);
  bool paused() const { return paused_; }
  bool done() const { return done_; }

 private:
  enum class Mode { kTable, kDetails, kFilter, kHelp };
  void OnTableKey(int key);
  void OnTextKey(int key);
  void OnFilterKey(int key);
  void Move(int64_t by);
  size_t RowsOfPage() const;
  std::vector<Terminal::Line> TableScreen(const ScreenHead& head);
  std::vector<Terminal::Line> TextScreen() const;
  void OpenText(std::string title, const std::string& text);

  LiveTable& table_;
  RowDetails& details_;
  Terminal& terminal_;
  Mode mode_ = Mode::kTable;
  LiveTable::Order order_ = LiveTable::Order::kRate;
  bool reverse_ = false;
  bool paused_ = false;
  bool done_ = false;
  std::vector<std::string> selected_;  // labels of the chosen row; empty: the first one
  size_t at_ = 0;                      // its number
  size_t top_ = 0;                     // of the first row that is shown
  std::vector<LiveTable::Row> rows_;   // as they are shown
  std::string filter_;                 // as it is typed
  std::string filter_error_;
  std::string text_title_;
  std::vector<std::string> text_;
  size_t text_top_ = 0;
};

}  // namespace correlate

#endif  // TOP_LIVE_VIEW_H_
