#include "report/page_programs.h"

namespace correlate {

void PagePrograms::OnProgramImage(const ProgramImage& image) {
  auto& texts = texts_[{image.program_id, image.load_time_ns}];
  for (const ProgramImage::Line& line : image.lines) {
    if (texts.size() >= kMostLines) return;
    texts[{line.file, line.line}] = line.text;
  }
}

void PagePrograms::OnEvent(const CorrelatedEvent& event) {
  if (event.attribution == nullptr) return;
  constexpr size_t kMostRemembered = 4096;
  if (remembered_.size() >= kMostRemembered) remembered_.clear();
  const auto [known, is_new] = remembered_.try_emplace(event.attribution->id);
  if (is_new) {
    for (const BlamedProgram& program : event.attribution->programs) {
      if (program.line == 0) continue;
      known->second.push_back(
          &events_[{program.id, program.load_time_ns}][{program.file, program.line}]);
    }
  }
  for (uint64_t* events : known->second) ++*events;
}

std::vector<PagePrograms::Line> PagePrograms::LinesOf(uint32_t id, uint64_t load_time_ns) const {
  std::vector<Line> lines;
  const auto texts = texts_.find({id, load_time_ns});
  if (texts == texts_.end()) return lines;
  const auto counted = events_.find({id, load_time_ns});
  for (const auto& [place, text] : texts->second) {
    Line line{.file = place.first, .line = place.second, .text = text};
    if (counted != events_.end()) {
      const auto events = counted->second.find(place);
      if (events != counted->second.end()) line.events = events->second;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace correlate
