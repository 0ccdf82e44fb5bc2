// The source lines of the programs that a page shows, and how many events stand at each: from the
// images that a trace holds. Bounded; one thread.
#ifndef REPORT_PAGE_PROGRAMS_H_
#define REPORT_PAGE_PROGRAMS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "symbolize/trace_sink.h"

namespace correlate {

class PagePrograms : public TraceSink {
 public:
  static constexpr size_t kMostPrograms = 50;
  static constexpr size_t kMostLines = 3000;  // of one

  struct Line {
    std::string file;
    uint32_t line = 0;
    std::string text;
    uint64_t events = 0;
  };
  using Identity = std::pair<uint32_t, uint64_t>;  // id and load time

  void OnProgramImage(const ProgramImage& image) override;
  void OnEvent(const CorrelatedEvent& event) override;
  // In order of files and lines; empty: the trace holds no code of it.
  std::vector<Line> LinesOf(uint32_t id, uint64_t load_time_ns) const;

 private:
  using Place = std::pair<std::string, uint32_t>;
  std::map<Identity, std::map<Place, std::string>> texts_;
  std::map<Identity, std::map<Place, uint64_t>> events_;
  // By attribution id, where it counts; emptied before it grows large.
  absl::flat_hash_map<uint64_t, std::vector<uint64_t*>> remembered_;
};

}  // namespace correlate

#endif  // REPORT_PAGE_PROGRAMS_H_
