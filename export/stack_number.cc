#include "export/stack_number.h"

#include "absl/strings/string_view.h"

namespace correlate {
namespace {

uint64_t Add(uint64_t hash, absl::string_view bytes) {
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

uint64_t StackNumber(const Stack& stack) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const Frame* frame : stack.frames) {
    hash = Add(hash, frame->symbol);
    hash = Add(hash, absl::string_view("\0", 1));
    hash = Add(hash, frame->file);
    const char line[4] = {static_cast<char>(frame->line), static_cast<char>(frame->line >> 8),
                          static_cast<char>(frame->line >> 16),
                          static_cast<char>(frame->line >> 24)};
    hash = Add(hash, absl::string_view(line, sizeof line));
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace correlate
