// What each task was called at the time of an event. Records come in order of time, so the table
// holds the present only. A dying task is still interrupted for a while after its EXIT record, so
// its name is kept a little longer. One thread.
#ifndef SYMBOLIZE_TASK_NAMES_H_
#define SYMBOLIZE_TASK_NAMES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"

namespace correlate {

class TaskNames {
 public:
  // The tasks that were there before the first record.
  void Add(int32_t tid, std::string comm);
  void OnTask(const TaskRecord& record);
  // Empty when unknown. Task 0 of every CPU is the idle task, "swapper". The view lives until the
  // next call of a non-const member.
  absl::string_view Find(int32_t tid) const;
  size_t size() const { return names_.size(); }

 private:
  struct Task {
    std::string comm;
    uint64_t exit_ns = 0;  // 0: alive
  };
  void Forget(uint64_t now_ns);

  absl::flat_hash_map<int32_t, Task> names_;
  std::deque<std::pair<uint64_t, int32_t>> exits_;  // time, tid
};

}  // namespace correlate

#endif  // SYMBOLIZE_TASK_NAMES_H_
