// What a stack or an attribution looks like as text, made once and reused by its id: a trace has
// far fewer of them than events. One thread.
#ifndef RENDER_TEXT_BY_ID_H_
#define RENDER_TEXT_BY_ID_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace correlate {

class TextById {
 public:
  // The text for `id`, made when it is first asked for. Valid until the next call.
  const std::string& Get(uint64_t id, absl::FunctionRef<std::string()> make) {
    // Ids of a trace are new in every chunk, so the table is emptied before it grows large.
    constexpr size_t kMostTexts = 4096;
    const auto known = texts_.find(id);
    if (known != texts_.end()) return known->second;
    if (texts_.size() >= kMostTexts) texts_.clear();
    return texts_.emplace(id, make()).first->second;
  }

 private:
  absl::flat_hash_map<uint64_t, std::string> texts_;
};

}  // namespace correlate

#endif  // RENDER_TEXT_BY_ID_H_
