#include "top/live_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "query/filter.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr size_t kTableOverhead = 6;  // four lines above, titles, keys
constexpr size_t kTextOverhead = 2;
constexpr char kKeys[] =
    "q quit  s sort  r reverse  p pause  / filter  Enter stack and code  h help";
constexpr char kTextKeys[] = "Esc back  arrows and pages move  q quit";
constexpr char kHelp[] =
    "up, down, pages   choose a row\n"
    "Enter             its last event, with stack, evidence and the program's code\n"
    "s                 sort by rate, events, when it was seen last, name\n"
    "r                 the other way round\n"
    "p, blank          pause: what is shown stays, counting goes on\n"
    "/                 a filter of events, as for `report --filter`: reason == NO_SOCKET;\n"
    "                  the table begins anew; an empty one takes all drops and exceptions\n"
    "q                 quit\n"
    "\n"
    "Rates are those of the last five whole seconds, and a second late: what was only\n"
    "counted in the kernel is told once a second. Counts are exact; a row of which nothing\n"
    "was looked at whole says \"only counted\" where its kind does not tell.\n"
    "EVIDENCE none: no BPF program is known to have done it.\n";

}  // namespace

size_t LiveView::RowsOfPage() const {
  return std::max<size_t>(terminal_.rows(), kTableOverhead + 1) - kTableOverhead;
}

void LiveView::Move(int64_t by) {
  const auto last = static_cast<int64_t>(rows_.size()) - 1;
  at_ = static_cast<size_t>(
      std::clamp<int64_t>(static_cast<int64_t>(at_) + by, 0, std::max<int64_t>(last, 0)));
  selected_ = at_ < rows_.size() ? rows_[at_].labels : std::vector<std::string>();
}

void LiveView::OpenText(std::string title, const std::string& text) {
  text_title_ = std::move(title);
  text_ = absl::StrSplit(text, '\n');
  text_top_ = 0;
}

void LiveView::OnTableKey(int key) {
  const auto page = static_cast<int64_t>(RowsOfPage());
  switch (key) {
    case 'q':
      done_ = true;
      return;
    case 's':
      order_ = static_cast<LiveTable::Order>((static_cast<int>(order_) + 1) % 4);
      return;
    case 'r':
      reverse_ = !reverse_;
      return;
    case 'p':
    case ' ':
      paused_ = !paused_;
      return;
    case '/':
      mode_ = Mode::kFilter;
      filter_ = table_.filter().has_value() ? table_.filter()->text() : "";
      filter_error_.clear();
      return;
    case 'h':
    case '?':
      mode_ = Mode::kHelp;
      return OpenText("HELP", kHelp);
    case Terminal::kUp:
    case 'k':
      return Move(-1);
    case Terminal::kDown:
    case 'j':
      return Move(1);
    case Terminal::kPageUp:
      return Move(-page);
    case Terminal::kPageDown:
      return Move(page);
    case Terminal::kHome:
      return Move(INT32_MIN);
    case Terminal::kEnd:
      return Move(INT32_MAX);
    case Terminal::kEnter:
      if (at_ >= rows_.size()) return;
      mode_ = Mode::kDetails;
      return OpenText(Printable(absl::StrJoin(rows_[at_].labels, ", ")),
                      details_.TextOf(rows_[at_]));
    default:
      return;
  }
}

void LiveView::OnTextKey(int key) {
  const size_t page = std::max<size_t>(terminal_.rows(), kTextOverhead + 1) - kTextOverhead;
  const size_t last = text_.size() - std::min(text_.size(), page);
  switch (key) {
    case 'q':
      done_ = true;
      return;
    case Terminal::kEscape:
    case Terminal::kEnter:
    case Terminal::kBackspace:
      mode_ = Mode::kTable;
      return;
    case Terminal::kUp:
    case 'k':
      text_top_ -= std::min<size_t>(text_top_, 1);
      return;
    case Terminal::kDown:
    case 'j':
      text_top_ = std::min(text_top_ + 1, last);
      return;
    case Terminal::kPageUp:
      text_top_ -= std::min(text_top_, page);
      return;
    case Terminal::kPageDown:
    case ' ':
      text_top_ = std::min(text_top_ + page, last);
      return;
    case Terminal::kHome:
      text_top_ = 0;
      return;
    case Terminal::kEnd:
      text_top_ = last;
      return;
    default:
      return;
  }
}

void LiveView::OnFilterKey(int key) {
  if (key == Terminal::kEscape) {
    mode_ = Mode::kTable;
  } else if (key == Terminal::kBackspace) {
    if (!filter_.empty()) filter_.pop_back();
    filter_error_.clear();
  } else if (key == Terminal::kEnter) {
    if (filter_.empty()) {
      table_.SetFilter(std::nullopt);
    } else {
      auto filter = Filter::Parse(filter_);
      if (!filter.ok()) {
        filter_error_ = std::string(filter.status().message());
        return;
      }
      table_.SetFilter(*std::move(filter));
    }
    mode_ = Mode::kTable;
    selected_.clear();
  } else if (key >= ' ' && key < 0x7f) {
    filter_ += static_cast<char>(key);
    filter_error_.clear();
  }
}

bool LiveView::OnKey(int key) {
  if (key == Terminal::kNone) return false;
  switch (mode_) {
    case Mode::kTable:
      OnTableKey(key);
      break;
    case Mode::kDetails:
    case Mode::kHelp:
      OnTextKey(key);
      break;
    case Mode::kFilter:
      OnFilterKey(key);
      break;
  }
  return true;
}

std::vector<Terminal::Line> LiveView::TableScreen(const ScreenHead& head) {
  const size_t columns = terminal_.columns();
  // A chosen row stays chosen wherever it goes.
  const auto chosen = std::find_if(rows_.begin(), rows_.end(),
                                   [this](const auto& row) { return row.labels == selected_; });
  if (!selected_.empty() && chosen != rows_.end()) {
    at_ = static_cast<size_t>(chosen - rows_.begin());
  } else {
    at_ = std::min(at_, rows_.size() - std::min<size_t>(rows_.size(), 1));
  }
  const size_t page = RowsOfPage();
  if (at_ < top_) top_ = at_;
  if (at_ >= top_ + page) top_ = at_ - page + 1;
  top_ = std::min(top_, rows_.size());
  std::vector<const LiveTable::Row*> shown;
  for (size_t i = top_; i < rows_.size() && i < top_ + page; ++i) shown.push_back(&rows_[i]);

  std::vector<Terminal::Line> lines;
  for (std::string& line : HeadLines(head, table_, columns)) {
    lines.push_back(
        {std::move(line), lines.empty() ? Terminal::Look::kBold : Terminal::Look::kPlain});
  }
  std::vector<std::string> table = TableLines(table_, shown, columns);
  for (size_t i = 0; i < table.size(); ++i) {
    const bool title = i == 0;
    const bool here = i == at_ - top_ + 1;
    lines.push_back({std::move(table[i]), title  ? Terminal::Look::kBold
                                          : here ? Terminal::Look::kReverse
                                                 : Terminal::Look::kPlain});
  }
  if (rows_.empty()) lines.push_back({CutTo("nothing was dropped or broken so far", columns)});
  lines.resize(std::max<size_t>(terminal_.rows(), 1) - 1);
  if (mode_ != Mode::kFilter) {
    lines.push_back({CutTo(kKeys, columns), Terminal::Look::kDim});
    return lines;
  }
  // What is wrong with a filter takes several lines.
  const std::vector<std::string> errors = absl::StrSplit(filter_error_, '\n', absl::SkipEmpty());
  const size_t room = lines.size() - std::min(lines.size(), errors.size());
  lines.resize(room);
  for (const std::string& error : errors) {
    lines.push_back({CutTo(Printable(error), columns), Terminal::Look::kBold});
  }
  lines.push_back({CutTo(absl::StrCat("filter (Enter, Esc): ", filter_, "_"), columns),
                   Terminal::Look::kReverse});
  return lines;
}

std::vector<Terminal::Line> LiveView::TextScreen() const {
  const size_t columns = terminal_.columns();
  const size_t page = std::max<size_t>(terminal_.rows(), kTextOverhead + 1) - kTextOverhead;
  std::vector<Terminal::Line> lines = {{CutTo(text_title_, columns), Terminal::Look::kBold}};
  for (size_t i = text_top_; i < text_.size() && i < text_top_ + page; ++i) {
    std::string line = text_[i];
    for (size_t tab = 0; (tab = line.find('\t', tab)) != std::string::npos;) {
      line.replace(tab, 1, std::string(8 - tab % 8, ' '));
    }
    lines.push_back({CutTo(line, columns)});
  }
  lines.resize(std::max<size_t>(terminal_.rows(), 1) - 1);
  lines.push_back({CutTo(kTextKeys, columns), Terminal::Look::kDim});
  return lines;
}

void LiveView::Show(ScreenHead head) {
  if (mode_ == Mode::kDetails || mode_ == Mode::kHelp) return terminal_.Show(TextScreen());
  if (!paused_) {
    rows_.clear();
    for (const LiveTable::Row* row : table_.Rows(order_, reverse_)) rows_.push_back(*row);
  }
  head.order = order_;
  head.reverse = reverse_;
  head.paused = paused_;
  head.filter = table_.filter().has_value() ? table_.filter()->text() : "";
  terminal_.Show(TableScreen(head));
}

}  // namespace correlate
