// A screen of text in a terminal, and keys from it (ncurses). One at a time; one thread.
#ifndef TOP_TERMINAL_H_
#define TOP_TERMINAL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace correlate {

class Terminal {
 public:
  enum class Look { kPlain, kBold, kReverse, kDim };
  struct Line {
    std::string text;  // as Printable returns it, no wider than columns()
    Look look = Look::kPlain;
  };
  // Special keys; others are the characters they stand for.
  enum Key {
    kNone = -1,
    kUp = 0x1000,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kEnter,
    kEscape,
    kBackspace,
    kResize
  };

  // An error where stdin and stdout are no terminal that can be written on.
  static absl::StatusOr<std::unique_ptr<Terminal>> Open();
  ~Terminal();  // the terminal is as it was

  size_t rows() const;
  size_t columns() const;
  void Show(const std::vector<Line>& lines);
  int ReadKey();                // kNone: none came
  int fd() const { return 0; }  // readable when a key came

 private:
  Terminal() = default;
};

}  // namespace correlate

#endif  // TOP_TERMINAL_H_
