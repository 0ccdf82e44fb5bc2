#include "top/terminal.h"

#include <ncurses.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>

#include "absl/status/status.h"

namespace correlate {
namespace {

// How long an escape may be the beginning of another key.
constexpr int kEscapeMs = 50;

attr_t AttributesOf(Terminal::Look look) {
  switch (look) {
    case Terminal::Look::kBold:
      return A_BOLD;
    case Terminal::Look::kReverse:
      return A_REVERSE;
    case Terminal::Look::kDim:
      return A_DIM;
    case Terminal::Look::kPlain:
      break;
  }
  return A_NORMAL;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Terminal>> Terminal::Open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    return absl::FailedPreconditionError("stdin and stdout are no terminal; --batch needs none");
  }
  // For characters beyond ASCII, where the user's locale has them.
  std::setlocale(LC_CTYPE, "");
  if (newterm(nullptr, stdout, stdin) == nullptr) {
    return absl::FailedPreconditionError(
        "the terminal is of a kind that is not known here (TERM); --batch needs none");
  }
  cbreak();
  noecho();
  nonl();
  nodelay(stdscr, TRUE);
  keypad(stdscr, TRUE);
  set_escdelay(kEscapeMs);
  curs_set(0);
  return std::unique_ptr<Terminal>(new Terminal);
}

Terminal::~Terminal() { endwin(); }

size_t Terminal::rows() const { return static_cast<size_t>(std::max(getmaxy(stdscr), 1)); }
size_t Terminal::columns() const { return static_cast<size_t>(std::max(getmaxx(stdscr), 1)); }

void Terminal::Show(const std::vector<Line>& lines) {
  erase();
  const size_t most = std::min(lines.size(), rows());
  for (size_t row = 0; row < most; ++row) {
    const attr_t attributes = AttributesOf(lines[row].look);
    attrset(static_cast<int>(attributes));
    mvaddstr(static_cast<int>(row), 0, lines[row].text.c_str());
    // A bar goes all the way.
    if (lines[row].look == Look::kReverse) {
      for (int at = getcurx(stdscr);
           at < getmaxx(stdscr) && getcury(stdscr) == static_cast<int>(row); ++at) {
        mvaddch(static_cast<int>(row), at, ' ');
      }
    }
    attrset(A_NORMAL);
  }
  refresh();
}

int Terminal::ReadKey() {
  const int key = getch();
  switch (key) {
    case ERR:
      return kNone;
    case KEY_UP:
      return kUp;
    case KEY_DOWN:
      return kDown;
    case KEY_PPAGE:
      return kPageUp;
    case KEY_NPAGE:
      return kPageDown;
    case KEY_HOME:
      return kHome;
    case KEY_END:
      return kEnd;
    case KEY_ENTER:
    case '\r':
    case '\n':
      return kEnter;
    case '\x1b':
      return kEscape;
    case KEY_BACKSPACE:
    case '\b':
    case '\x7f':
      return kBackspace;
    case KEY_RESIZE:
      return kResize;
    default:
      return key;
  }
}

}  // namespace correlate
