// The code of programs loaded a moment ago, in case events name them when they are gone. Bounded in
// bytes: the oldest goes first. One thread.
#ifndef CLI_RECENT_IMAGES_H_
#define CLI_RECENT_IMAGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "collector/image_reader.h"

namespace correlate {

class RecentImages {
 public:
  static constexpr size_t kMostBytes = 16 << 20;

  void Add(ProgramCode code);
  std::optional<ProgramCode> Take(uint32_t program_id);

 private:
  static size_t BytesOf(const ProgramCode& code);

  std::deque<ProgramCode> codes_;  // oldest first
  size_t bytes_ = 0;
};

}  // namespace correlate

#endif  // CLI_RECENT_IMAGES_H_
