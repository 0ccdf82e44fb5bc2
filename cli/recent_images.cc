#include "cli/recent_images.h"

#include <algorithm>
#include <utility>

namespace correlate {

size_t RecentImages::BytesOf(const ProgramCode& code) {
  size_t bytes =
      sizeof code + code.image.xlated.size() + code.image.jited.size() + code.btf.data.size();
  for (const ProgramImage::Line& line : code.image.lines) {
    bytes += sizeof line + line.file.size() + line.text.size();
  }
  return bytes;
}

void RecentImages::Add(ProgramCode code) {
  bytes_ += BytesOf(code);
  codes_.push_back(std::move(code));
  while (bytes_ > kMostBytes && !codes_.empty()) {
    bytes_ -= BytesOf(codes_.front());
    codes_.pop_front();
  }
}

std::optional<ProgramCode> RecentImages::Take(uint32_t program_id) {
  const auto found = std::find_if(codes_.begin(), codes_.end(), [&](const ProgramCode& code) {
    return code.image.program_id == program_id;
  });
  if (found == codes_.end()) return std::nullopt;
  ProgramCode code = std::move(*found);
  bytes_ -= BytesOf(code);
  codes_.erase(found);
  return code;
}

}  // namespace correlate
