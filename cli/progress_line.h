// How far a long reading is, as one line on a terminal that comes and goes. Nothing where stderr is
// no terminal, where stdout is one too and is written to meanwhile (the two would mix), or before
// half a second has passed. One thread.
#ifndef CLI_PROGRESS_LINE_H_
#define CLI_PROGRESS_LINE_H_

#include <cstdint>
#include <string>

namespace correlate {

class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ~ProgressLine() { Clear(); }
  // `all` 0: unknown. Cheap: draws ten times a second.
  void Show(uint64_t done_bytes, uint64_t all_bytes);
  void Clear();

 private:
  const std::string what_;
  const bool visible_;
  const uint64_t begun_ns_;
  uint64_t drawn_ns_ = 0;  // 0: there is nothing on the terminal
};

// "reading x.pb  42 % [########            ] 210.00 MB, 12 s left"; where `all` is 0, how much so
// far.
std::string ProgressText(const std::string& what, uint64_t done_bytes, uint64_t all_bytes,
                         uint64_t passed_ns);

}  // namespace correlate

#endif  // CLI_PROGRESS_LINE_H_
